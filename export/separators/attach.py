"""``python -m export attach BUNDLE EXPERT_BUNDLE OUT --terms A,B``: a bundle that asks a separator for some terms.

The separator's graph and credit lines are copied in; nothing is exported or compared anew. A separator of masks that
was made for another level than the mask decoder gets a gain at its input. A prompt whose nearest term is among those
that are named is answered by the expert, alone or in the mean with the mask decoder (``--share``), every other one as
before. Terms that another expert of the bundle answered are taken from it; one that is left with none goes.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from engine.bundle.bundle import FORMAT, Bundle, file_sha256, load_bundle
from engine.bundle.manifest import Manifest
from engine.bundle.separation import ExpertSpec, MaskDecoderSpec
from engine.bundle.separator import SEPARATOR, SeparatorManifest
from engine.errors import BundleError
from export import guard
from export.draft import LIMIT_BYTES, check_free, copy_files, drafted, size_bytes, write_checked
from export.write import commit, summary

LEVEL_SLACK_DB = 0.01


def attach(
    base: Bundle,
    expert: Bundle,
    folder: Path,
    terms: dict[str, Sequence[str]],
    share: float = 1.0,
    version: str = "",
    replaces: bool = False,
    comparison: Path | None = None,
) -> Manifest:
    """Write a bundle.

    Args:
        base: a bundle with a mask decoder, whose grid the expert shares.
        expert: a separator bundle.
        folder: of the new bundle, which is named for it; must not exist unless ``replaces``.
        terms: stem of the separator -> terms that it answers.
        share: weight of its masks in the mean of log-odds with the mask decoder's; at 1 it answers alone.
        version: of the new bundle; "" keeps that of ``base``.
        replaces: True puts it in the place of an old one, once it is whole.
        comparison: what ``training bench --compare`` wrote; needed to replace a bundle that ships.

    Raises:
        ValueError: the folder is taken, the two do not fit together, a term or stem is not known, or it is too large.
    """
    check_free(folder, replaces)
    wanted = guard.wanted_fingerprint(folder, comparison)
    separator = _check_fit(base, expert)
    rows = [replace(row, share=share) for row in _rows(base, separator, terms)]
    with drafted(folder) as draft:
        manifest = _fill(draft, base, expert, rows, folder.name, version)
        manifest = guard.approve(draft, manifest, wanted, comparison)
    return manifest


def _check_fit(base: Bundle, expert: Bundle) -> SeparatorManifest:
    separator, decoder = expert.separator, base.manifest.decoder
    if separator is None:
        raise ValueError(f"{expert.label} is no separator; make one with `python -m export separator`")
    if base.separator is not None or decoder is None or base.manifest.terms is None:
        raise ValueError(f"{base.label} has no mask decoder, whose grid and terms an expert needs")
    if separator.rate_hz != decoder.rate_hz:
        raise ValueError(f"{expert.label} hears at {separator.rate_hz} Hz, the bundle at {decoder.rate_hz}")
    if separator.spectrum is not None:
        _check_grid(separator, decoder, expert.label)
    return separator


def _check_grid(separator: SeparatorManifest, decoder: MaskDecoderSpec, label: str) -> None:
    for key in ("fft_samples", "hop_samples", "bins", "frames"):
        own, theirs = getattr(separator.spectrum, key), getattr(decoder, key)
        if own != theirs:
            raise ValueError(f"{label} has {key} {own}, the mask decoder {theirs}; both must see the same spectra")


def _bring_to_level(path: Path, gain_db: float) -> None:
    """Let a graph that reads magnitudes take them at another level than it was made for; masks stay masks."""
    if abs(gain_db) < LEVEL_SLACK_DB:
        return
    model = onnx.load(str(path))
    name = model.graph.input[0].name
    for node in model.graph.node:
        for k, taken in enumerate(node.input):
            if taken == name:
                node.input[k] = f"{name}.level"
    gain = numpy_helper.from_array(np.float32(10 ** (gain_db / 20)), f"{name}.gain")
    model.graph.initializer.append(gain)
    model.graph.node.insert(0, helper.make_node("Mul", [name, gain.name], [f"{name}.level"]))
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _rows(base: Bundle, separator: SeparatorManifest, terms: dict[str, Sequence[str]]) -> list[ExpertSpec]:
    """What the manifest says of the expert, a row for each stem."""
    assert base.manifest.terms is not None  # _check_fit says so
    known = json.loads(base.path(base.manifest.terms.file).read_text("utf-8"))
    taken: dict[str, str] = {}
    graph = f"expert-{separator.name}"
    rows = []
    for stem, asked in terms.items():
        if stem not in separator.stems:
            raise ValueError(f"{separator.name} has no stem {stem!r}; it has {', '.join(separator.stems)}")
        for term in asked:
            if term not in known:
                raise ValueError(f"{base.label} has no term {term!r}; it has {', '.join(sorted(known))}")
            if term in taken:
                raise ValueError(f"the term {term} is answered by {taken[term]} already; name it once")
            taken[term] = stem
        name = separator.name if stem in separator.name.split("-") else f"{separator.name}-{stem}"
        rows.append(
            ExpertSpec(
                name=name, graph=graph, kind=separator.domain, terms=list(asked), output=stem,
                licence=separator.licence, attribution=separator.attribution,
            )
        )  # fmt: skip
    return rows


def _fill(draft: Path, base: Bundle, expert: Bundle, rows: list[ExpertSpec], name: str, version: str) -> Manifest:
    old, graph = base.manifest, expert.manifest.graphs[SEPARATOR]
    assert old.decoder is not None  # _check_fit says so
    assert expert.separator is not None
    key, kept = rows[0].graph, _without(old.experts, {term for row in rows for term in row.terms})
    graphs = {
        name: spec for name, spec in old.graphs.items()
        if name not in {row.graph for row in old.experts} - {row.graph for row in kept}
    }  # fmt: skip
    if key in graphs:
        raise ValueError(
            f"{base.label} has the expert {expert.manifest.name} already; let this one answer all of its terms, or "
            "give the separator another --name"
        )
    copy_files(base, draft, {spec.file for name, spec in old.graphs.items() if name not in graphs})
    shutil.copyfile(expert.path(graph.file), draft / f"{key}.onnx")
    if rows[0].kind == "spectral":
        _bring_to_level(draft / f"{key}.onnx", expert.separator.level_db - old.decoder.level_db)
        graph = replace(graph, sha256=file_sha256(draft / f"{key}.onnx"))
    size = size_bytes(draft)
    if size > LIMIT_BYTES and name == "small":
        raise ValueError(
            f"the bundle takes {size / 1e6:.1f} MB, over {LIMIT_BYTES / 1e6:.0f}; store the expert in 8 bits"
        )
    manifest = replace(
        old,
        format=max(old.format, FORMAT),
        name=name,
        version=version or old.version,
        attribution=list(dict.fromkeys([*old.attribution, *rows[0].attribution])),
        graphs={**graphs, key: replace(graph, file=f"{key}.onnx")},
        experts=[*kept, *rows],
        parity={name: value for name, value in old.parity.items() if name not in old.graphs or name in graphs}
        | {key: expert.manifest.parity.get("measured", 0.0)},
        training_commit=commit(),
    )
    try:
        write_checked(draft, manifest, f"the manifest of {name}")
    except BundleError as error:
        raise ValueError(f"{error.__cause__ or error}; nothing was written") from error
    return manifest


def _without(experts: Sequence[ExpertSpec], terms: Collection[str]) -> list[ExpertSpec]:
    """Experts without some of their terms; those that are left with none are left out."""
    rows = (replace(row, terms=[term for term in row.terms if term not in terms]) for row in experts)
    return [row for row in rows if row.terms]


def main(argv: list[str]) -> str:
    """Read the command line and write the bundle; a line on it."""
    parser = argparse.ArgumentParser(
        prog="python -m export attach", description="put a separator into a bundle's copy, for some of its terms"
    )
    parser.add_argument("base", type=Path, help="folder of a bundle with a mask decoder")
    parser.add_argument("expert", type=Path, help="folder of a separator bundle")
    parser.add_argument("bundle", type=Path, help="folder of the new bundle")
    parser.add_argument(
        "--terms", action="append", required=True, metavar="[STEM=]A,B",
        help="terms that the separator answers; with several stems once for each, as drums=drums,drum-kit",
    )  # fmt: skip
    parser.add_argument(
        "--share",
        type=float,
        default=1.0,
        help="weight of the separator beside the mask decoder; at 1 it answers alone",
    )
    parser.add_argument("--version", default="", help="of the new bundle; that of the old one when not given")
    guard.add_arguments(parser)
    args = parser.parse_args(argv)
    base, expert = load_bundle(args.base), load_bundle(args.expert)
    terms = terms_of(args.terms, [] if expert.separator is None else expert.separator.stems)
    manifest = attach(base, expert, args.bundle, terms, args.share, args.version, args.replace, args.comparison)
    experts = "; ".join(f"{row.name} answers {', '.join(row.terms)}" for row in manifest.experts)
    return f"{summary(args.bundle, manifest)}; {experts}"


def terms_of(words: Sequence[str], stems: Sequence[str]) -> dict[str, Sequence[str]]:
    """``drums=drums,drum-kit`` -> the terms of each stem; a stem that is alone needs no name.

    Raises:
        ValueError: it is not said which stem answers.
    """
    found: dict[str, Sequence[str]] = {}
    for word in words:
        stem, _, names = word.rpartition("=")
        if not stem and len(stems) != 1:
            raise ValueError(f"say which stem answers {names}: --terms STEM={names}; there are {', '.join(stems)}")
        found[stem or stems[0]] = [name.strip() for name in names.split(",") if name.strip()]
    return found
