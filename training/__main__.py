"""``python -m training STAGE``: the stages of training and their tools are the table below. One stage, one command."""

from __future__ import annotations

import importlib
import sys

STAGES = {
    "render": ("training.synthesis.render_stems", "render stems into a cache"),
    "piece": ("training.synthesis.preview", "compose, play, draw and describe one piece, to listen to"),
    "index": ("training.data.datasets.index", "what a data set holds, and what is wrong with it"),
    "prompt": ("training.prompt.train", "train the prompt tower"),
    "extend": ("training.prompt.extend", "teach a trained prompt tower the pieces of a kit and kinds of voices"),
    "route": ("training.prompt.route", "measure how held-back phrasings find their family"),
    "adapt": ("training.prompt.adapt", "bring sounds and stories into the prompt space"),
    "scene": ("training.scene.train", "train the scene encoder"),
    "watch": ("training.scene.evaluate", "measure what the scene encoder sees in unseen clips"),
    "codec": ("training.codec.train", "train MixWavCodec"),
    "noise": ("training.codec.noise", "quality of decoded audio against noise on its latents"),
    "mask-stems": ("training.mask.cache", "render the stems of the mask decoder"),
    "mask-songs": ("training.mask.songs", "render stems of produced, electronic music for the mask decoder"),
    "mask-sung": ("training.mask.sung", "render stems of pieces with singers, made of recorded speech"),
    "mask": ("training.mask.train", "train the mask decoder"),
    "mask-mean": ("training.mask.mean", "the mean of the weights of mask decoders"),
    "mask-queries": ("training.mask.queries", "fit prompts to the query vectors of a mask decoder"),
    "mask-calibrate": ("training.mask.calibrate", "calibrate presence on mixes of held-out recordings"),
    "mask-confirm": ("training.mask.confirm", "judge a mask decoder on drums that chose nothing"),
    "mask-judge": ("training.mask.judge", "how well a mask decoder separates held-out recordings"),
    "drum-classes": ("training.notes.drum_classes", "train the small network that tells strokes on drums apart"),
    "flow-stems": ("training.flow.stems_of_recordings", "the mask decoder's stems as a stem cache for the flow"),
    "encode": ("training.flow.encode", "encode mixes into latents for the flow, which does it itself when missing"),
    "flow": ("training.flow.train", "train FluxFormer"),
    "unpack": ("training.finetune.unpack", "the run folders that a bundle was exported from, out of its graphs"),
    "finetune": ("training.finetune.command", "train a bundle further on a folder of your own stems"),
    "adapters": ("training.pretrained.adapters", "bring CLAP and CLIP into the prompt space of a bundle"),
    "demo": ("training.synthesis.demo", "render the demo mix"),
    "bench": ("training.eval.command", "measure bundles beside baselines, or compare two"),
    "ablate": ("training.papers.ablations.command", "the papers' ablation tables again, at a small budget"),
}


def main(argv: list[str]) -> int:
    """Run the stage named first; the rest of the arguments are its own."""
    if not argv or argv[0] not in STAGES:
        asked = f"unknown stage {argv[0]!r}; " if argv and argv[0] not in ("-h", "--help") else ""
        lines = [f"  {name:10} {doc}" for name, (_, doc) in STAGES.items()]
        print(f"{asked}usage: python -m training STAGE [options]\n" + "\n".join(lines), file=sys.stderr)
        return 0 if argv and argv[0] in ("-h", "--help") else 2
    module = importlib.import_module(STAGES[argv[0]][0])
    try:
        return int(module.main(argv[1:]) or 0)
    except (ValueError, FileNotFoundError) as error:
        print(f"training {argv[0]}: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
