"""Render a whole audio file through a chain, into a file of the same kind and a JSON beside it."""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.audio.atomic import AtomicFile, output_error, publish, publish_bytes
from engine.audio.disk_array import DiskArray
from engine.audio.formats import OutputFormat, format_like
from engine.audio.quantize import clip_to_range, guard_gain, quantize
from engine.audio.read_tags import read_tags
from engine.audio.reader import BLOCK_SAMPLES, Samples, blocks
from engine.audio.riff import RiffExtras
from engine.audio.writer import open_writer
from engine.events import Check, Report
from engine.file_hash import content_sha256
from engine.media.intake import open_audio
from engine.optional_packages import require_pyav
from engine.plugins.chain import EffectChain, chain_json
from engine.plugins.render import ChainReport, render_rows, resolved, rows_of
from engine.request import Format
from engine.version import engine_version

FORMAT = 1


@dataclass(frozen=True, slots=True)
class ChainedFile:
    """What came of a file.

    Attributes:
        path: of the rendered sound.
        sidecar: the JSON beside it.
        report: what really ran.
        samples, rate_hz: of the result, samples per channel.
        gain_db: common gain; 0 unless it would have clipped.
    """

    path: Path
    sidecar: Path
    report: ChainReport
    samples: int
    gain_db: float
    rate_hz: int


def render_file(
    source: str, chain: EffectChain, out: Path, report: Report, check: Check, *, name: str = "",
    wanted: Format = "same", quality: int | None = None,
) -> ChainedFile:  # fmt: skip
    """Render a file.

    Args:
        source: any audio or video file.
        out: folder for the result; made if need be.
        check: raises to stop.
        name: of the result, without its ending; "" is that of the source and of the chain.
        quality: of a lossy format, kbit/s.

    Raises:
        AudioError: the file cannot be used.
        RequestError: the chain cannot be, or a package is not installed.
        OutputError: there is no room.
    """
    resolved(chain)  # what is not there is told before anything is read
    if wanted == "m4a":
        require_pyav()
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(out, error) from error
    with contextlib.ExitStack() as stack:
        info = stack.enter_context(open_audio(source, out, report, check))
        extras = RiffExtras(info.extras.bext, info.extras.channel_mask)
        target = format_like(info, wanted, extras, read_tags(info.path), samples=info.samples, quality=quality)
        given = stack.enter_context(rows_of(blocks(info), info.channels, out, check))
        made, ran = render_rows(chain, given, info.rate_hz, out, lambda done: report(done, "chain"), check)
        stack.enter_context(made)
        gain = guard_gain(peak_of(made), target.bits)
        base = name or f"{info.path.stem} - {chain.words}"
        draft = AtomicFile(out / f"{_file_name(base)}{target.suffix}")
        stack.callback(draft.close)
        write_rows(draft, made, target, gain, out, check)
        [[path]] = publish([[draft]], beside=".json")
        told = {
            "fluxstem_render": FORMAT, "engine_version": engine_version(), "input": str(info.path.resolve()),
            "input_sha256": content_sha256(info.path), "output": path.name, "chain": chain_json(ran.chain),
            "chain_effects": ran.effects, "rate_hz": info.rate_hz, "channels": info.channels, "samples": made.rows,
            "gain_db": 20 * math.log10(gain), "notes": list(ran.notes),
        }  # fmt: skip
        sidecar = publish_bytes(path.with_suffix(".json"), (json.dumps(told, indent=1) + "\n").encode("ascii"))
        return ChainedFile(path, sidecar, ran, made.rows, 20 * math.log10(gain), info.rate_hz)


def blocks_of(rows: DiskArray) -> Iterator[Samples]:
    """An array on disk as blocks, float64 (channels, samples)."""
    for at in range(0, rows.rows, BLOCK_SAMPLES):
        yield np.ascontiguousarray(rows.read(at, min(at + BLOCK_SAMPLES, rows.rows)).T, np.float64)


def peak_of(rows: DiskArray) -> float:
    """The highest sample of an array on disk."""
    return max((float(np.abs(block_CN).max(initial=0.0)) for block_CN in blocks_of(rows)), default=0.0)


def write_rows(
    draft: AtomicFile, rows: DiskArray, target: OutputFormat, gain: float, folder: Path, check: Check
) -> None:
    """Write an array on disk as an audio file, and seal it.

    Raises:
        OutputError: the disk is full or gone.
    """
    try:
        writer = open_writer(draft.stream, target)
        for block_CN in blocks_of(rows):
            check()
            writer.write(clip_to_range(quantize(block_CN * gain, target.bits), target.bits))
        writer.close()
        draft.seal()
    except OSError as error:
        raise output_error(folder, error) from error


def _file_name(words: str) -> str:
    kept = "".join(c if c.isprintable() and c not in '<>:"/\\|?*' else "_" for c in words).strip(" .")
    return kept[:120] or "chain"
