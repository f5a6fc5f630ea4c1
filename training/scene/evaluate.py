"""Measure what a scene encoder sees in clips of unseen seeds: when players sound, and who they are.

*Frame AUC*: chance that a frame in which a shown player sounds scores above one in which none does. *Inside clips*: the
same within one clip, averaged over clips, so that only timing helps. *Family*: the pooled embedding of a clip with one
family playing, against the mean text embeddings of all families; *look* counts a family that is drawn alike as right.
*Twins*: two parts of one family, a clip of each alone; right when a clip's score follows its own part more closely than
the other's.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from training.config import load_preset
from training.data.instruments import families
from training.scene.clips import DrawnScene, LabelledClip
from training.scene.config import frames_of
from training.scene.model import SceneTower, load_scene, picture_of
from training.scene.train import FamilyPhrases, SceneHeads, load_heads
from training.synthesis.video.draw import SMALL_BRASS, UPRIGHT
from training.synthesis.video.motion import look_of
from training.trainer.arguments import RUNS

JUDGE_SEED = 9_000_001  # no training run counts that far
TOP = 5


@dataclass(frozen=True, slots=True)
class SceneScores:
    """Figures of one kind of clip; shares from 0 to 1, counts beside them.

    Attributes:
        frame_auc, clip_auc: of "a shown player sounds", over all frames and inside clips; clip_auc None for stills.
        top1, top5: of the family, over clips with one family playing.
        look: of a family drawn alike.
        clips, named: how many were judged, and how many of them show one family playing.
    """

    frame_auc: float
    clip_auc: float | None
    top1: float
    top5: float
    look: float
    clips: int
    named: int


class SceneEvaluator:
    """Scores an encoder on drawn clips that it has never seen."""

    def __init__(self, run: Path, prompt_run: Path, frames: int) -> None:
        self.encoder: SceneTower = load_scene(run)
        self.watcher: SceneHeads = load_heads(self.encoder, run)
        self.names = FamilyPhrases(prompt_run)
        self.frames = frames

    def score(self, seen: LabelledClip) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Score (F,) of "a shown player sounds", and the clip's embedding (E,)."""
        picture, embedding = picture_of(self.encoder, seen.frames)
        with torch.inference_mode():
            anybody = self.watcher.read(torch.from_numpy(picture)[None])[1]
        return anybody[0].numpy(), embedding

    def evaluate(self, still: bool, clips: int) -> SceneScores:
        """Score moving clips or stills."""
        names = list(families())
        scores, truths, inside, ranks, alike = [], [], [], [], []
        for number in range(clips):
            rng = np.random.default_rng([JUDGE_SEED, int(still), number])
            seen = DrawnScene(rng, self.encoder.config.size_px).film(rng, self.frames, still)
            score, embedding = self.score(seen)
            truth = seen.sounding.max(1) > 0
            shown = 1 if still else self.frames
            scores.append(score[:shown])
            truths.append(truth[:shown])
            if 0 < truth.sum() < len(truth):
                inside.append(auc(score, truth))
            if (seen.wanted > 0).sum() == 1:
                order = np.argsort(-(self.names.means @ embedding))
                wanted = int(seen.wanted.argmax())
                ranks.append(int(np.flatnonzero(order == wanted)[0]))
                alike.append(drawn_as(names[order[0]]) == drawn_as(names[wanted]))
        rank = np.array(ranks)
        return SceneScores(
            auc(np.concatenate(scores), np.concatenate(truths)),
            None if still else float(np.mean(inside)),
            float((rank == 0).mean()),
            float((rank < TOP).mean()),
            float(np.mean(alike)),
            clips,
            len(ranks),
        )

    def twins(self, pairs: int, family: str = "violin") -> tuple[float, int]:
        """Share of clips whose score follows their own part more closely than a twin's, and how many clips."""
        right = total = 0
        for number in range(pairs):
            seed = [JUDGE_SEED, 2, number]
            rngs = [np.random.default_rng([*seed, k]) for k in (0, 1)]
            both = [
                DrawnScene(rng, self.encoder.config.size_px, [family]).film(rng, self.frames, False) for rng in rngs
            ]
            truths = [one.sounding.max(1) for one in both]
            if any(truth.std() == 0 for truth in truths) or (truths[0] == truths[1]).all():
                continue  # nothing to tell them apart by
            for k, one in enumerate(both):
                score = self.score(one)[0]
                own, other = (np.corrcoef(score, truths[j])[0, 1] for j in (k, 1 - k))
                right += int(own > other)
                total += 1
        return right / max(1, total), total


def auc(scores: npt.NDArray[np.float32], truths: npt.NDArray[np.bool_]) -> float:
    """Area under the ROC curve by ranks; ties count half."""
    positive, negative = np.sort(scores[truths]), np.sort(scores[~truths])
    below = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
    return float(below.sum() / (2 * max(1, len(positive)) * max(1, len(negative))))


def drawn_as(family: str) -> tuple[str, bool, str]:
    """What a family's drawing is decided by, colours and small differences of size apart."""
    look = look_of(family)
    if look == "keys":
        return look, False, "synth" if "synth" in families()[family].groups else ""
    if look == "plucked":
        kind = "harp" if family == "harp" else "painted" if family.startswith(("electric", "distorted")) else ""
        return look, family in UPRIGHT, kind
    if look == "blown":
        return look, family in (*UPRIGHT, "clarinet", "oboe", "saxophone"), "brass" if family in SMALL_BRASS else family
    return look, family in UPRIGHT, "marimba" if family == "marimba" else "choir" if family == "choir" else ""


def report(judge: SceneEvaluator, clips: int) -> str:
    """The figures as text."""
    lines = [f"{'':<8}{'clips':>6}{'frame AUC':>11}{'inside':>8}{'family':>8}{'top 5':>7}{'look':>7}{'of':>5}"]
    for name, still in (("moving", False), ("stills", True)):
        one = judge.evaluate(still, clips)
        inside = "-" if one.clip_auc is None else f"{one.clip_auc:.3f}"
        lines.append(
            f"{name:<8}{one.clips:>6}{one.frame_auc:>11.3f}{inside:>8}"
            f"{one.top1:>8.1%}{one.top5:>7.1%}{one.look:>7.1%}{one.named:>5}"
        )
    share, count = judge.twins(clips // 4)
    lines.append(f"twins: {share:.1%} of {count} clips of one of two violins follow their own part")
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """``python -m training watch``."""
    parser = argparse.ArgumentParser(prog="python -m training watch", description="What does a scene encoder see?")
    parser.add_argument("--preset", default="small")
    parser.add_argument("--run", type=Path, help="run of the scene encoder; runs/scene-PRESET when not given")
    parser.add_argument("--prompt", type=Path, help="run of the prompt tower; runs/prompt-PRESET when not given")
    parser.add_argument("--clips", type=int, default=200, help="moving ones, and as many stills")
    options = parser.parse_args(argv)
    preset = load_preset(options.preset)
    torch.set_num_threads(1)
    judge = SceneEvaluator(
        options.run or RUNS / f"scene-{preset.name}",
        options.prompt or RUNS / f"prompt-{preset.name}",
        frames_of(preset.grid.grid),
    )
    print(report(judge, options.clips))
    return 0
