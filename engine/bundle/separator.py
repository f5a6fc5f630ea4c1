"""Manifest of a separator bundle: a foreign network with named stems, without prompts, codec or flow.

Its ``manifest.json`` has ``"kind": "separator"``; the other rules are those of every bundle: hashes, plain file names,
no pickle, no code. Two domains: *spectral* graphs take magnitudes ``mix (B, 2, T, F)`` and return a mask of the same
shape for each stem, *waveform* graphs take ``audio (B, 2, N)`` and return audio for each stem.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass, field

from engine.bundle.fields import build, check_count, check_number, check_range, check_text, check_texts, parse_json
from engine.bundle.manifest import FORMAT, GraphSpec, Manifest, SamplerDefaults
from engine.bundle.separation import EXPERT_KINDS, LEVEL_PRESENCE, LOWEST_LEVEL_DB, SIDES, Axes, MaskDecoderSpec
from engine.errors import BundleError, BundleTooNew
from engine.latents import Slot

SEPARATOR = "separator"  # kind of manifest, and key of its graph
LEVEL_DB = -18.4
TASKS_OF_ALL = ("isolate", "remove")
PRESENCE_FRAMES, WINDOW_FRAMES = 32, 512
PRECISIONS = ("fp32", "fp16", "int8")
STEM_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
HASH = re.compile(r"[0-9a-f]{64}")
RATES_HZ = (8_000, 192_000)
FFT_LIMIT, FRAMES_LIMIT, STEMS_LIMIT = 1 << 15, 1 << 14, 64
WINDOW_LIMIT_S = 60.0
WINDOW_S = 0.0929  # of the spectra that masks of waveform graphs are made on: 4096 samples at 44.1 kHz


@dataclass(frozen=True, slots=True, kw_only=True)
class SpectrumSpec:
    """STFT of a spectral graph: periodic Hann window, zero-padded at both ends, magnitudes of the first bins.

    Attributes:
        fft_samples, hop_samples: of the transform.
        bins: of each frame, from 0 Hz on.
        frames: of one window.
    """

    fft_samples: int
    hop_samples: int
    bins: int
    frames: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparatorManifest:
    """The manifest of a separator bundle.

    Attributes:
        format: number of this layout, that of all bundles.
        kind: ``separator``.
        name, version, licence, attribution: who it is and on what terms.
        domain: of ``EXPERT_KINDS``, ``spectral`` or ``waveform``.
        stems: names of the graph's outputs, as words: ``vocals``, ``drums``.
        rate_hz: of the graph's input.
        graph: the ONNX file.
        spectrum: of a spectral graph.
        window_samples: N of a waveform graph, 0 for a spectral one.
        level_db: RMS over both channels, against full scale, that a section of the mix is brought to before the graph.
        parity: tolerance and measured difference between the network as it was and the graph.
        source: where the weights came from.
        notes: free text.
    """

    format: int
    kind: str
    name: str
    version: str
    licence: str
    attribution: list[str]
    domain: str
    stems: list[str]
    rate_hz: int
    graph: GraphSpec
    spectrum: SpectrumSpec | None = None
    window_samples: int = 0
    level_db: float = LEVEL_DB
    parity: dict[str, float] = field(default_factory=dict)
    source: str = ""
    notes: str = ""

    @property
    def axes(self) -> Axes:
        """Axes of the graph's input and of every output."""
        if self.spectrum is not None:
            return ["B", SIDES, self.spectrum.frames, self.spectrum.bins]
        return ["B", SIDES, self.window_samples]

    @property
    def grid(self) -> MaskDecoderSpec:
        """Grid of the masks, returned by the graph or computed from its audio."""
        spectrum = self.spectrum
        if spectrum is None:
            fft = int(2 ** round(math.log2(WINDOW_S * self.rate_hz)))
            hop = fft // 4
            fits = (self.window_samples - fft) // hop + 1  # so that the graph's window holds one of the mask's
            frames = max(min(fits, WINDOW_FRAMES) // PRESENCE_FRAMES, 3) * PRESENCE_FRAMES
            spectrum = SpectrumSpec(fft_samples=fft, hop_samples=hop, bins=fft // 2 + 1, frames=frames)
        blocks = next(k for k in range(min(PRESENCE_FRAMES, spectrum.frames // 3), 0, -1) if spectrum.frames % k == 0)
        return MaskDecoderSpec(
            graph=SEPARATOR, rate_hz=self.rate_hz, presence_frames=blocks, level_db=self.level_db,
            gate_low=0.0, gate_high=1.0, **asdict(spectrum),
        )  # fmt: skip

    def as_manifest(self) -> Manifest:
        """The manifest of an equivalent bundle, whose prompts are one-hot rows of the stems."""
        grid, plain = self.grid, SamplerDefaults(steps=1, guidance=1.0, start="zeros")
        return Manifest(
            format=self.format,
            name=self.name,
            version=self.version,
            licence=self.licence,
            attribution=self.attribution,
            trained_on=[self.source] if self.source else [],
            sample_rate_hz=self.rate_hz,
            hop_samples=grid.hop_samples,
            channels=1,
            latent_channels=1,
            window_frames=grid.frames,
            latent_mean=[0.0],
            latent_std=[1.0],
            slots=[slot.name for slot in Slot],
            embedding=len(self.stems),
            graphs={SEPARATOR: self.graph},
            encoders={},
            defaults=dict.fromkeys(TASKS_OF_ALL, plain),
            mask={"power": 1.0},
            presence=dict(LEVEL_PRESENCE),
            parity=self.parity,
            notes=self.notes,
            decoder=grid,
        )


def is_separator(raw: bytes) -> bool:
    """True where these bytes, if they are a manifest at all, are that of a separator bundle."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        return False
    return isinstance(data, dict) and data.get("kind") == SEPARATOR


def separator_to_json(manifest: SeparatorManifest) -> str:
    """The text of ``manifest.json``."""
    data = {name: value for name, value in asdict(manifest).items() if value is not None}
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def parse_separator(raw: bytes, where: str) -> SeparatorManifest:
    """Parse and validate the bytes of a manifest.

    Args:
        raw: of ``manifest.json``.
        where: the file, for messages.

    Raises:
        BundleError: not the manifest of a separator.
        BundleTooNew: its format is newer than ``FORMAT``.
    """
    data = parse_json(raw, where)
    if not isinstance(data, dict) or data.get("kind") != SEPARATOR or type(data.get("format")) is not int:
        raise BundleError("{where} is not the manifest of a separator; choose another bundle", where=where)
    if data["format"] > FORMAT:
        raise BundleTooNew(
            "{where} has bundle format {format}, this engine reads up to {newest}; update the engine",
            where=where,
            format=data["format"],
            newest=FORMAT,
        )
    try:
        data["graph"] = build(GraphSpec, data["graph"])
        if data.get("spectrum") is not None:
            data["spectrum"] = build(SpectrumSpec, data["spectrum"])
        manifest: SeparatorManifest = build(SeparatorManifest, data)
        check_separator(manifest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            "{where} is not a usable manifest ({reason}); get the bundle again", where=where, reason=error
        ) from error
    return manifest


def check_separator(manifest: SeparatorManifest) -> None:
    """Validate the values of a manifest.

    Raises:
        ValueError: one is invalid; the message names it.
    """
    for key in ("name", "version", "licence"):
        check_text(key, getattr(manifest, key))
    for key in ("source", "notes"):
        if not isinstance(getattr(manifest, key), str):
            raise ValueError(f"{key} must be a text, got {getattr(manifest, key)!r}")
    check_texts("attribution", manifest.attribution)
    check_texts("stems", manifest.stems)
    if bad := [stem for stem in manifest.stems if not STEM_NAME.fullmatch(stem)]:
        raise ValueError(f"stem {bad[0]!r} must be lower-case words joined by hyphens")
    if len(set(manifest.stems)) < len(manifest.stems) or len(manifest.stems) > STEMS_LIMIT:
        raise ValueError(f"stems must be at most {STEMS_LIMIT} names, none twice, got {manifest.stems}")
    _check_graph(manifest.graph)
    check_count("rate_hz", manifest.rate_hz)
    check_range("rate_hz", manifest.rate_hz, *RATES_HZ)
    check_range("level_db", manifest.level_db, LOWEST_LEVEL_DB, 0)
    for key, value in manifest.parity.items():
        check_number(f"parity.{key}", value)
    _check_domain(manifest)


def _check_graph(graph: GraphSpec) -> None:
    if not isinstance(graph.file, str) or not FILE_NAME.fullmatch(graph.file):
        raise ValueError(f"file name {graph.file!r} leaves the bundle folder")
    if not isinstance(graph.sha256, str) or not HASH.fullmatch(graph.sha256):
        raise ValueError(f"graph.sha256 must be 64 digits of lower-case hex, got {graph.sha256!r}")
    if graph.precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {graph.precision!r}")


def _check_domain(manifest: SeparatorManifest) -> None:
    if manifest.domain not in EXPERT_KINDS:
        raise ValueError(f"domain must be one of {', '.join(EXPERT_KINDS)}, got {manifest.domain!r}")
    spectrum = manifest.spectrum
    if (manifest.domain == "spectral") != (spectrum is not None):
        raise ValueError("a spectral graph has a spectrum, a waveform graph has none")
    if spectrum is None:
        check_count("window_samples", manifest.window_samples)
        check_range("window_samples", manifest.window_samples, 1024, WINDOW_LIMIT_S * manifest.rate_hz)
    else:
        for key in ("fft_samples", "hop_samples", "bins", "frames"):
            check_count(f"spectrum.{key}", getattr(spectrum, key))
        check_range("spectrum.fft_samples", spectrum.fft_samples, 64, FFT_LIMIT)
        check_range("spectrum.hop_samples", spectrum.hop_samples, 1, spectrum.fft_samples // 2)
        check_range("spectrum.bins", spectrum.bins, 1, spectrum.fft_samples // 2 + 1)
        check_range("spectrum.frames", spectrum.frames, 3, FRAMES_LIMIT)
    given, wanted = manifest.graph, {EXPERT_KINDS[manifest.domain][0]: manifest.axes}
    if given.inputs != wanted or given.outputs != dict.fromkeys(manifest.stems, manifest.axes):
        raise ValueError(f"the graph must take {wanted} and answer {manifest.stems} with the same axes")
