"""``python -m training finetune --bundle small --stems DIR``: a bundle learns a producer's own stems.

The flow is trained further from the weights in the bundle's own graph; codec and prompt tower stay as they are, so the
new bundle differs in one file. Part of every piece is held back, and both bundles are judged on it, as a user would
use them; where there are sounds to render from, also on what the model knew before.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import soundfile as sf

from engine.bundle.bundle import Bundle, load_bundle
from training.config import Preset
from training.data.credits import credits
from training.data.mixer import StemMixer
from training.data.sources import SoundLibrary
from training.data.stem_cache import StemCache
from training.eval.bundle_system import BundleSystem, Engine, EngineError, locate
from training.eval.example import EvalExample
from training.finetune.bundle import preset_of, read_codec, read_flow
from training.finetune.senses import freeze_visual_layers, open_all, similar_sound
from training.finetune.stems import BlendedMixer, OwnStems, drop_pool, questions, read_own
from training.flow.encode import POOL, encode_latents
from training.flow.train import FlowStage, save_flow
from training.metrics import bss, median_interval
from training.synthesis.render_stems import ensure_cache
from training.trainer.arguments import RUNS
from training.trainer.distributed import Distributed
from training.trainer.trainer import TrainConfig, Trainer
from training.typing import Audio

BUNDLES = Path("my-bundles")
GENTLER = 0.2  # of the preset's learning rate
POOL_MOST = 4000
EMA = 0.99
REPORT = "finetune.json"
OWN_STEMS = "the user's own stems"
YOURS, KNOWN = "your stems, held back", "what it knew before (held-out recordings)"
BY_SOUND = "your stems, held back, asked for by sound"
ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class FinetuneOptions:
    """The parsed command line."""

    bundle: Bundle
    stems: Path
    out: Path
    run: Path
    preset: Preset
    minutes: float
    steps: int
    share: float
    cache: Path | None
    heldout: Path | None
    shards: int
    questions: int
    resume: bool
    workers: int


def parse(argv: list[str]) -> FinetuneOptions:
    """Read the command line.

    Raises:
        ValueError: something is missing, taken, or cannot be.
    """
    parser = argparse.ArgumentParser(prog="python -m training finetune", description="train a bundle on your own stems")
    parser.add_argument("--bundle", default="small", help="name of an installed bundle, or its folder")
    parser.add_argument("--stems", type=Path, required=True, help="folder of stems; files named for what they hold")
    parser.add_argument("--out", type=Path, help="folder of the new bundle; my-bundles/BUNDLE-own when not given")
    parser.add_argument("--run", type=Path, help="folder of the training run; runs/finetune-OUT when not given")
    parser.add_argument("--minutes", type=float, default=20.0, help="of training; 0 means --steps alone decide")
    parser.add_argument("--steps", type=int, default=100_000, help="most steps")
    parser.add_argument("--preset", help="that the bundle was trained by, where the bundle does not say")
    parser.add_argument("--cache", type=Path, help="rendered stems; runs/cache-PRESET when it is there, else rendered")
    parser.add_argument("--heldout", type=Path, help="the same of held-out recordings; else runs/heldout-PRESET")
    parser.add_argument("--rendered-shards", type=int, default=4, help="of 16 pieces each, where none are there yet")
    parser.add_argument("--rendered-share", type=float, default=0.4, help="of the mixes; guards what is known already")
    parser.add_argument("--questions", type=int, default=12, help="held-back mixes that both bundles are judged on")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in the run's folder")
    parser.add_argument("--workers", type=int, default=1, help="processes that make batches")
    args = parser.parse_args(argv)
    try:
        bundle = load_bundle(locate(args.bundle))
    except EngineError as error:
        raise ValueError(str(error)) from error
    out = args.out or BUNDLES / f"{bundle.manifest.name}-own"
    if out.exists():
        raise ValueError(f"{out} is there already; give another folder with --out")
    if not 0 <= args.rendered_share < 1:
        raise ValueError(f"--rendered-share must be at least 0 and below 1, got {args.rendered_share:g}")
    if args.steps < 1 or args.minutes < 0 or args.rendered_shards < 1 or args.questions < 1:
        raise ValueError("--steps, --rendered-shards and --questions must be at least 1, --minutes at least 0")
    return FinetuneOptions(
        bundle, args.stems, out, args.run or RUNS / f"finetune-{out.name}", preset_of(bundle, args.preset),
        args.minutes, args.steps, args.rendered_share, args.cache, args.heldout, args.rendered_shards, args.questions,
        args.resume, args.workers,
    )  # fmt: skip


def rendered_stems(asked: FinetuneOptions, held_out: bool) -> StemCache | None:
    """Rendered stems of everything the model knows; None where there are none, and no sounds to render them from."""
    given = asked.heldout if held_out else asked.cache
    usual = RUNS / f"{'heldout' if held_out else 'cache'}-{asked.preset.name}"
    for folder in (given, usual):
        if folder is not None and folder.is_dir() and (cache := StemCache(folder)).count:
            return cache
    if given is not None:
        raise ValueError(f"no stems in {given}; leave the option out to have some rendered")
    try:
        SoundLibrary.find()
    except FileNotFoundError:
        return None
    sound = replace(asked.preset.sound, shards=asked.shards, songs=False)
    few = replace(asked.preset, sound=sound)
    return ensure_cache(few, asked.run / ("rendered-held" if held_out else "rendered"), held_out)


def train(asked: FinetuneOptions, own: OwnStems, rendered: StemCache | None) -> Trainer:
    """Train the bundle's flow further and leave ``flow.pt`` in the run's folder."""
    preset = gentle(asked)
    mixer, distributed = blend_of(asked, preset, own.train, rendered), Distributed()
    with distributed.in_turn():
        opened = open_all(asked.bundle, preset, mixer.cache, asked.run, keep=distributed.first)
        codec = read_codec(asked.bundle, preset)
        latents = encode_latents(asked.run / POOL, preset, mixer, codec, opened.senses, asked.workers)
    stage = FlowStage(preset, latents, codec, asked.run, opened.reader)
    stage.model.load_state_dict(read_flow(asked.bundle, preset).state_dict())
    said = freeze_visual_layers(stage.model, opened)
    plan = TrainConfig(
        steps=asked.steps,
        parts=preset.flow.parts,
        minutes=asked.minutes,
        learning_rate=preset.flow.learning_rate,
        schedule=preset.flow.schedule,
        ema=preset.flow.ema,
        clip_norm=preset.flow.clip_norm,
        seed=preset.flow.seed,
        warmup=min(50, asked.steps // 10 + 1),
        settings={"stage": "flow", **asdict(asked.preset)},
    )
    run = Trainer(stage, plan, asked.run)
    if asked.resume and not run.resume():
        raise ValueError(f"no checkpoint in {asked.run}; leave out --resume to start a new run")
    if run.distributed.first:
        print("\n".join(said))
    run.train(workers=asked.workers)
    if run.distributed.first:
        lines = [*credits(rendered), OWN_STEMS] if rendered else [OWN_STEMS]
        (asked.run / "credits.json").write_text(json.dumps(lines, indent=1, ensure_ascii=False), "utf-8")
        save_flow(run, asked.run)
    return run


def blend_of(asked: FinetuneOptions, preset: Preset, own: StemCache, rendered: StemCache | None) -> BlendedMixer:
    """The mixer: the user's stems with the preset's augmentation, rendered stems as they are."""
    flow = preset.flow
    mine = StemMixer(own, flow.vary_share, preset.grid.rate_hz, together=flow.together_share)
    known = StemMixer(rendered, together=flow.together_share) if rendered else None
    return BlendedMixer(mine, known, asked.share, flow.mix_sources or None)


def gentle(asked: FinetuneOptions) -> Preset:
    """The preset with a learning rate, averaging and pool size for a short run on few stems."""
    flow = asked.preset.flow
    pool = min(flow.pool, POOL_MOST)
    return replace(
        asked.preset, flow=replace(flow, learning_rate=flow.learning_rate * GENTLER, ema=min(flow.ema, EMA), pool=pool)
    )


def write(asked: FinetuneOptions) -> None:
    """Put the trained flow into a copy of the bundle, in a process of its own: exporting is not training's business.

    Raises:
        ValueError: the bundle could not be written; nothing was.
    """
    words = ["-m", "export", "refit", asked.run, asked.bundle.folder, asked.out]
    done = subprocess.run([sys.executable, *map(str, words)], env=_with_code(), check=False)
    if done.returncode:
        raise ValueError(f"no bundle was written; the trained flow is kept in {asked.run}")


def _with_code() -> dict[str, str]:
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def judge(asked: FinetuneOptions, sets: dict[str, StemCache], learnt: StemCache) -> dict[str, Any]:
    """SDR improvement over the mix in dB of both bundles, on held-out mixes, by set.

    The user's own stems are also asked for by a sound of theirs out of ``learnt``, where the bundle hears.
    """
    grid = asked.bundle.manifest.grid
    found: dict[str, Any] = {}
    with Engine() as engine:

        def compare(examples: list[EvalExample], heard: list[Audio] | None = None) -> dict[str, Any]:
            before, after = (
                improvements(BundleSystem(name=folder.name, bundle=folder.resolve(), engine=engine), examples, heard)
                for folder in (asked.bundle.folder, asked.out)
            )
            gains = [b - a for a, b in zip(before, after, strict=True)]
            return {key: median_interval(v) for key, v in (("before", before), ("after", after), ("gain", gains))}

        for name, cache in sets.items():
            examples = list(questions(cache, asked.questions, grid.window_samples, grid.sample_rate_hz))
            found[name] = {"mixes": len(examples), **(compare(examples) if examples else {})}
            if name == YOURS and "audio" in asked.bundle.manifest.graphs:
                like = [(one, sound) for one in examples if (sound := similar_sound(one, learnt)) is not None]
                by_sound = compare([one for one, _ in like], [sound for _, sound in like]) if like else {}
                found[BY_SOUND] = {"mixes": len(like), **by_sound}
    return found


def improvements(system: BundleSystem, examples: list[EvalExample], heard: list[Audio] | None = None) -> list[float]:
    """SDR improvement over the mix of each example, in dB; with ``heard`` a sound asks instead of words."""
    gains = []
    with tempfile.TemporaryDirectory() as folder:
        for number, example in enumerate(examples):
            files: tuple[Path, ...] = ()
            if heard is not None:
                files = (Path(folder) / f"{number}.wav",)
                sf.write(files[0], heard[number], example.rate_hz, subtype="FLOAT")
            made = system.isolate(example, words=heard is None, files=files).stem_CN[0]
            mix = example.mix_CN[0]
            stem, rest = example.truth
            gains.append(bss(stem, rest, made, mix - made)["SDR"] - bss(stem, rest, mix, mix)["SDR"])
    return gains


def table(report: dict[str, Any]) -> str:
    """The report as Markdown."""
    lines = [
        "SDR improvement over the mix in dB, median (95 % interval)",
        "",
        "| mixes of | mixes | before | after | gain |",
        "|---|---|---|---|---|",
    ]
    for name, row in report.items():
        why = "nothing sounds together"
        if name == BY_SOUND and report[YOURS]["mixes"]:
            why = "no other part of these stems was learnt"
        given = [row[key] for key in ("before", "after", "gain") if key in row]
        cells = " | ".join("{:.1f} ({:.1f} to {:.1f})".format(*three) for three in given)
        lines.append(f"| {name} | {row['mixes']} | {cells or why + ' | - | -'} |")
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    """``python -m training finetune``."""
    asked = parse(argv)
    preset = asked.preset
    with Distributed().in_turn():
        own = read_own(asked.stems, asked.run / "stems", preset.grid.rate_hz, preset.sound.seconds)
        drop_pool(own, asked.run / "pool", asked.resume)
        rendered = rendered_stems(asked, held_out=False) if asked.share else None
    print(f"{own.train.count} stems to learn from, {own.held.count} held back: {', '.join(own.families)}")
    if own.problems:
        print(f"left out: {'; '.join(own.problems)}")
    if own.unnamed:
        print(f"no instrument in these names, so they are company only: {', '.join(own.unnamed)}")
    if rendered is None:
        print("no rendered stems are mixed in: what the model knew of other instruments may suffer")
    run = train(asked, own, rendered)
    if not run.distributed.first:
        return 0
    write(asked)
    sets = {YOURS: own.held}
    if (heldout := rendered_stems(asked, held_out=True)) is not None:
        sets[KNOWN] = heldout
    report = judge(asked, sets, own.train)
    (asked.run / REPORT).write_text(json.dumps(report, indent=1) + "\n", "utf-8")
    print(table(report))
    print(f"wrote {asked.out}; the same figures are in {asked.run / REPORT}")
    return 0
