"""``python -m training bench BUNDLE...``: measure bundles beside baselines, or ``--compare`` two of them."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from training.eval import (
    additivity,
    audio_examples,
    baselines,
    bundle_system,
    embeddings,
    held_stems,
    model_card,
    plots,
    readme,
    regression,
    report,
)
from training.eval.adapter import parse_separator
from training.eval.example import EvalExample, System, digest
from training.eval.run import BenchResults, ProgressPrinter, about, collections
from training.eval.sets import SETS, SetResources, make_set
from training.eval.settings import kinds, parse_tries
from training.eval.spleeter import SpleeterBaseline
from training.eval.studies import STUDIES
from training.eval.study import StudyContext
from training.trainer.arguments import RUNS

SWEEPS: dict[str, tuple[float, ...]] = {"steps": (1, 2, 4, 8), "guidance": (1.0, 1.5, 2.0, 4.0)}
SWEPT_SET = "mage-duet"
EXAMPLES_TO_HEAR = 10
EXAMPLES = 8
STEMS_EACH = 2  # made sounds for each example of a set: a Fréchet distance and a share need many
CACHE_HZ = 16_000
QUICK = ("duet", "band", "absent")  # the sets of --quick
TRY_HELP = f"also make sounds with these, for example 'steps=2,4 guidance=1.5'; of {', '.join(kinds())}"
NEEDS = ("librosa", "sklearn", "matplotlib", "mir_eval")


def main(argv: list[str]) -> int:
    """Run the command; exit code 1 when a comparison finds NEW worse, 2 for an invalid request."""
    args = _parser().parse_args(argv)
    args.said = argv
    try:
        return _compare(args) if args.compare else _bench(args)
    except (bundle_system.EngineError, ValueError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training bench", description="measure bundles beside baselines, on reserved recordings"
    )
    add = parser.add_argument
    add("bundles", nargs="*", metavar="BUNDLE", help="name of an installed bundle, or path of a bundle folder")
    everything = [*SETS, *STUDIES]
    add("--set", action="append", choices=everything, dest="sets", help="only this set or study; may be given again")
    add("--quick", action="store_true", help=f"separation alone: {', '.join(QUICK)}; no studies, no sweeps")
    add("--out", type=Path, default=RUNS / "bench", help="folder of the report; runs/bench when not given")
    add("--examples", type=int, default=EXAMPLES, metavar="N", help=f"examples in each set; {EXAMPLES} when not given")
    add("--seconds", type=float, help="length of the mixes of all sets but mage-duet, whose length is fixed")
    add("--seed", type=int, default=1)
    add("--tower", type=Path, default=RUNS / "prompt-small", metavar="RUN", help="run of the prompt towers")
    add(
        "--stems",
        type=int,
        metavar="N",
        help="sounds in each study of made sound; twice --examples if not given",
    )
    add("--try", action="append", default=[], dest="tries", metavar="SETTINGS", help=TRY_HELP)
    add("--clap", type=Path, metavar="PATH", help="folder with CLAP weights in Hugging Face's layout")
    add(
        "--musicnn", type=Path, metavar="WHEEL", help="also judge made sound by musicnn: pip download --no-deps musicnn"
    )
    add("--separator", action="append", default=[], metavar="NAME=COMMAND", help="another separator; see adapter.py")
    add("--cache-hz", type=int, default=CACHE_HZ, help=f"sample rate of the cache; {CACHE_HZ} when not given")
    add("--cache", type=Path, default=RUNS / "cache-small", help="stems the classifier trains on")
    add("--no-sweeps", action="store_true", help="leave out the sweeps over steps and guidance")
    add(
        "--held",
        type=Path,
        help=f"folder of the held-out stems, rendered when missing; {held_stems.FOLDER} if not given",
    )
    add("--songs", type=Path, help="folder of LMMS's songs, rendered by mask-songs: more songs for the sets of songs")
    add("--models", type=Path, metavar="FILE", help="also write what the bundles can do, as a page for the docs")
    add("--readme", type=Path, metavar="FILE", help=f"also write the short tables into FILE, between {readme.MARKS[0]}")
    add(
        "--compare",
        nargs=2,
        metavar=("OLD", "NEW"),
        help="two bundles or two report.json; fails when NEW separates worse",
    )
    return parser


@dataclass(frozen=True, slots=True)
class BenchSetup:
    """What a run needs whatever systems it measures."""

    args: argparse.Namespace
    sets: dict[str, list[EvalExample]]
    studies: list[str]
    embedders: list[embeddings.EmbeddingModel]
    ears: list[embeddings.AudioEmbedding]
    notes: list[str]
    resources: SetResources


def _prepare(args: argparse.Namespace) -> BenchSetup:
    if min(args.examples, *(1 if given is None else given for given in (args.stems, args.seconds))) < 1:
        raise ValueError("--examples, --stems and --seconds must be at least 1")
    _tries(args)
    resources, notes, found = SetResources(args.held, _say, args.songs), [], []
    if args.clap:
        found.append(embeddings.ClapEmbedding(args.clap))
    ears: list[embeddings.AudioEmbedding] = [embeddings.MusicnnEmbedding(args.musicnn)] if args.musicnn else []
    try:
        found.insert(0, embeddings.PromptTowers(args.tower))
    except (OSError, ValueError, RuntimeError) as error:  # not there, or written by other code than this
        notes.append(f"No figures by our own prompt towers: {error}.")
    sets = {}
    usual = QUICK if args.quick else [*(name for name, row in SETS.items() if row.usual), *STUDIES]
    names = args.sets or usual
    for name in (name for name in SETS if name in names):
        began = time.perf_counter()
        sets[name] = make_set(resources, name, args.examples, args.seed, args.seconds)
        _say(f"made {name}: {len(sets[name])} examples in {time.perf_counter() - began:.0f} s")
    return BenchSetup(args, sets, [name for name in STUDIES if name in names], found, ears, notes, resources)


def _study_context(setup: BenchSetup, folders: dict[str, Path], engine: bundle_system.Engine) -> StudyContext:
    args = setup.args
    return StudyContext(
        resources=setup.resources,
        embedders=[*setup.embedders, *setup.ears],
        folders=folders,
        engine=engine,
        examples=args.examples,
        seed=args.seed,
        seconds=args.seconds,
        cache=args.cache,
        cache_hz=args.cache_hz,
        say=_say,
        stems=args.stems or STEMS_EACH * args.examples,
        tries=_tries(args),
    )


def _tries(args: argparse.Namespace) -> tuple[dict[str, Any], ...]:
    """Settings to make sounds with besides the bundle's own; two bundles are compared with those that were named."""
    return () if args.compare and not args.tries else parse_tries(args.tries)


def _bench(args: argparse.Namespace) -> int:
    if not args.bundles:
        raise ValueError("name at least one bundle, or use --compare OLD NEW")
    _refuse_missing()
    began = time.perf_counter()
    extra = [parse_separator(text) for text in args.separator]
    folders = _named(args.bundles)
    setup = _prepare(args)
    others = [*baselines.PLAIN, SpleeterBaseline.find(), *extra]
    written = measure(folders, setup, others, sweeps=not (args.no_sweeps or args.quick))
    written["asked"] = {"examples": args.examples, "seed": args.seed, "seconds": args.seconds}
    written["seconds"] = time.perf_counter() - began
    kept = sorted(written.pop("kept"), key=lambda one: one.example.number)  # a first one of every set, then second ones
    args.out.mkdir(parents=True, exist_ok=True)
    pictures = plots.draw_all(written, args.out)
    examples = audio_examples.write_examples(written, kept[:EXAMPLES_TO_HEAR], args.out)
    report.write(written, pictures, examples, args.out)
    if args.models:
        model_card.write(written, folders, args.models)
    if args.readme:
        readme.write(written, args.said, args.readme)
    print(report.markdown(written))
    _say(f"report.md, report.json, plots and examples to hear in {args.out}; {written['seconds']:.0f} s")
    return 0


def _refuse_missing() -> None:
    if missing := [name for name in NEEDS if find_spec(name) is None]:
        raise ValueError(f"the bench needs {', '.join(missing)}; install the extra bench: pip install '.[bench]'")


def _compare(args: argparse.Namespace) -> int:
    old, new = args.compare
    if any(text.endswith(".json") for text in (old, new)):
        reports = [report.read(Path(text)) for text in (old, new)]
        names = ["", ""]
    else:
        folders = {"old": bundle_system.locate(old), "new": bundle_system.locate(new)}
        setup = _prepare(args)
        setup = replace(setup, studies=[name for name in setup.studies if name in regression.MADE])
        if setup.studies:
            _refuse_missing()
        whole = measure(folders, setup, [SpleeterBaseline.find()], sweeps=False, bounds=False)
        whole.pop("kept")
        reports, names = [whole, whole], ["old", "new"]
    verdict = regression.compare(*reports, *names)
    args.out.mkdir(parents=True, exist_ok=True)
    report.write_json(verdict, args.out / regression.FILE)
    print(regression.markdown(verdict))
    return 0 if verdict["passed"] or not verdict["rows"] else 1


def _named(bundles: Sequence[str]) -> dict[str, Path]:
    """Bundles by the names their rows get: the folder's, with a number where two have the same."""
    found: dict[str, Path] = {}
    for text in bundles:
        folder = bundle_system.locate(text)
        name, k = folder.name, 2
        while name in found:
            name, k = f"{folder.name} {k}", k + 1
        found[name] = folder
    return found


def measure(
    folders: dict[str, Path], setup: BenchSetup, others: Sequence[System], sweeps: bool, bounds: bool = True
) -> dict[str, Any]:
    """Everything a report holds, and under ``kept`` the audio of some examples."""
    bench = BenchResults(setup.embedders, keep=-(-EXAMPLES_TO_HEAR // max(1, len(setup.sets))))
    with bundle_system.Engine() as engine:
        main_ones: list[System] = [
            bundle_system.BundleSystem(name=name, bundle=folder, engine=engine) for name, folder in folders.items()
        ]
        swept: list[bundle_system.BundleSystem] = []
        for name, folder in folders.items():
            main_ones += [additivity.UnmaskedBundle(f"{name} decoded", folder, engine)]
            main_ones += _codec_bounds(name, folder) if bounds else []
        if sweeps:
            swept = [one for name, folder in folders.items() for one in _sweep(name, folder, engine)]
        systems = [*main_ones, *others]
        if len(names := {system.name for system in systems}) < len(systems):
            raise ValueError(f"two systems have one name among {', '.join(sorted(names))}; rename a --separator")
        rows = {name: [*takes(systems, name), *(swept if name == SWEPT_SET else [])] for name in setup.sets}
        progress = ProgressPrinter(sum(len(examples) * len(rows[name]) for name, examples in setup.sets.items()), _say)
        for name, examples in setup.sets.items():
            bench.ask(name, examples, rows[name], progress)
        studies = {}
        for name in setup.studies:
            _say(f"study {name}: {STUDIES[name].doc}")
            studies[name] = STUDIES[name].measure(_study_context(setup, folders, engine))
    return {
        "format": report.FORMAT,
        "sets": {name: report.set_facts(examples, digest(examples)) for name, examples in setup.sets.items()},
        "bundles": {name: regression.identity(folder) for name, folder in folders.items()},
        "systems": about(list({one.name: one for row in rows.values() for one in row}.values())),
        "sweeps": {name: {one.name: dict(one.settings) for one in swept if one.name.startswith(f"{name},")}
                   for name in folders} if sweeps else {},
        "values": bench.values,
        "collections": [_collection(bench, one, setup) for one in setup.embedders],
        "studies": studies,
        "mir_eval": report.checked_by_mir_eval(bench.kept.values()),
        "wall_s": bench.wall_s,
        "notes": setup.notes,
        "kept": list(bench.kept.values()),
    }  # fmt: skip


def takes(systems: Sequence[System], name: str) -> list[System]:
    """The systems that answer to a set: all but those that name other sets."""
    return [system for system in systems if name in getattr(system, "sets", (name,))]


def _collection(bench: BenchResults, one: embeddings.EmbeddingModel, setup: BenchSetup) -> dict[str, Any]:
    classifier = embeddings.ZeroShotClassifier.of(one, setup.resources.lexicon)
    return collections(bench, one, classifier, setup.sets)


def _codec_bounds(name: str, folder: Path) -> list[System]:
    return [
        baselines.CodecOracle(f"{name} codec mask", folder, True),
        baselines.CodecOracle(f"{name} codec decoded", folder, False),
    ]


def _sweep(name: str, folder: Path, engine: bundle_system.Engine) -> list[bundle_system.BundleSystem]:
    """The flow's own mask by steps and guidance; a mask decoder has neither."""
    flow = (("render", "flow"),) if regression.has_decoder(folder) else ()
    return [
        bundle_system.BundleSystem(name=f"{name}, {setting} {value:g}", bundle=folder, engine=engine, kind="sweep",
                  settings=(*flow, (setting, int(value) if setting == "steps" else value)), doc=f"{setting} {value:g}")
        for setting, values in SWEEPS.items() for value in values
    ]  # fmt: skip


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)
