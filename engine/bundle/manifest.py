"""The manifest of a bundle as one frozen value: reading, writing and validating it.

It is documented in ``resources/docs/BUNDLE.md``.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any, get_args

from engine.bundle.fields import build, check_count, check_number, check_range, parse_json
from engine.bundle.separation import (
    Axes,
    CascadeSpec,
    ExpertSpec,
    MaskDecoderSpec,
    PanningSpec,
    PoolingSpec,
    check_cascades,
    check_decoder,
    check_expert_axes,
    check_experts,
    check_panning,
    check_pooling,
    decoder_axes,
)
from engine.errors import BundleError, BundleTooNew
from engine.latents import LatentGrid, Slot
from engine.request import OPTIONS, Voice

# 10 had no second round of panning; 9 no panning; 8 no gain of pooling; 7 no cascades; 6 no voice; 5 no shares of
# experts; 4 no pooling; 3 no mask decoder and no experts; 2 no temperature; 1 the text encoder alone, and no wordings;
# all are read as they were
FORMAT = 11
VOICES: tuple[str, ...] = get_args(Voice)
FPS_LIMIT = 120.0
FILES_LIMIT = 256
REQUIRED_GRAPHS = ("encode", "decode", "step", "text")
# kind of encoder -> the fields it fills in, and the axes of its graph's inputs and outputs in terms of fields
ENCODER_KINDS: dict[str, tuple[str, dict[str, str], dict[str, str]]] = {
    "text": (
        "tokenizer tokenizer_sha256 max_tokens",
        {"tokens": "B max_tokens", "token_mask": "B max_tokens"},
        {"embedding": "B dim"},
    ),
    "story": ("pieces", {"pieces": "B pieces dim", "piece_mask": "B pieces"}, {"embedding": "B dim"}),
    "audio": ("samples rate_hz", {"audio": "B 1 samples"}, {"embedding": "B dim"}),
    "scene": (
        "picture_dim frames fps size_px",
        {"frames": "B frames size_px size_px 3"},
        {"picture": "B frames picture_dim", "embedding": "B dim"},
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphSpec:
    """One ONNX file.

    Attributes:
        file: name inside the bundle folder.
        sha256: hash of the file, lower-case hex.
        inputs, outputs: name -> axes, letters or numbers; ``B`` and ``P`` are the only dynamic ones.
        precision: how weights are stored, ``fp32``, ``fp16`` or ``int8``; inputs, outputs and arithmetic are float32.
    """

    file: str
    sha256: str
    inputs: dict[str, list[str | int]]
    outputs: dict[str, list[str | int]]
    precision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSpec:
    """One prompt encoder. ``ENCODER_KINDS`` says which fields a kind fills in; the others stay empty.

    Attributes:
        graph: its key in ``Manifest.graphs``.
        kind: ``text``, ``story`` (long texts, from the embeddings of their pieces), ``audio`` or ``scene``.
        dim: length of the embedding; every graph's last layer brings it into the one prompt space.
        tokenizer, tokenizer_sha256: ``tokenizers`` JSON file inside the folder.
        max_tokens: fixed length of the token input; longer prompts are cut, shorter ones padded with 0.
        pieces: fixed number of pieces a long text is cut into at most.
        samples, rate_hz: length and rate of the audio input.
        picture_dim: features P of one frame, which the ``step`` graph takes as ``picture``.
        frames, fps, size_px: frames of one window, their rate, and their height and width.
    """

    graph: str
    kind: str
    dim: int
    tokenizer: str = ""
    tokenizer_sha256: str = ""
    max_tokens: int = 0
    pieces: int = 0
    samples: int = 0
    rate_hz: int = 0
    picture_dim: int = 0
    frames: int = 0
    fps: float = 0.0
    size_px: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file of the bundle that is no graph: its name inside the folder and its hash, lower-case hex."""

    file: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplerDefaults:
    """Sampler defaults of one task."""

    steps: int
    guidance: float
    start: str  # zeros or noise
    strength: float | None = None  # of tasks that begin at a stem; None leaves it to the task's row
    temperature: float = 1.0  # of the noise they start from
    voice: str = "flow"  # who plays where the words say enough: the flow, or recorded instruments


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """The manifest of a bundle.

    Attributes:
        format: version of this layout; newer ones are refused.
        name, version, licence, attribution: identity and terms.
        trained_on: one line per source of training sound.
        sample_rate_hz, hop_samples, channels, latent_channels, window_frames: the grid; channels is 1 today.
        latent_mean, latent_std: per latent channel; already folded into the graphs (graph latents have unit scale).
        slots: names in order of the ``S`` axis.
        embedding: length of a prompt embedding (``E``).
        graphs: encode, decode, step, text; story, audio and scene where the bundle has those encoders; those of the
            mask decoder and of experts.
        encoders: prompt encoders by kind.
        defaults: task -> steps, guidance, start, strength, temperature, voice.
        mask: ``power`` of the soft mask; ``floor_db`` its lowest gain; ``bias_db`` gain of the stem before the ratio.
        presence: ``midpoint_db`` and ``slope_db`` of the level-to-presence curve.
        parity: tolerance and measured difference between torch and ONNX.
        quality: measured figures, free form.
        training_commit: commit of the code that trained it.
        notes: free text, for example what it can and cannot do.
        asks: wordings of requests and nouns of other languages, as ``engine.text.grammar`` reads them; None
            where the prompts of a bundle are taken as they are.
        recipe: the preset it was trained by, as tables; only training reads it, to continue from it.
        decoder: the mask decoder; None where masks follow from the flow's estimates alone.
        experts: separators trained elsewhere, for some of the prompts.
        terms: prompt embeddings of known terms, by which experts and the manner of pooling are chosen; None where
            there is neither.
        pooling: of the decoder's masks over components of the mix; None where they are used as they are.
        panning: how far a stem's place in the stereo image decides about its mask; None where it does not.
        cascades: sounds that are taken out of another one that is taken out of the mix.
    """

    format: int
    name: str
    version: str
    licence: str
    attribution: list[str]
    trained_on: list[str]
    sample_rate_hz: int
    hop_samples: int
    channels: int
    latent_channels: int
    window_frames: int
    latent_mean: list[float]
    latent_std: list[float]
    slots: list[str]
    embedding: int
    graphs: dict[str, GraphSpec]
    encoders: dict[str, EncoderSpec]
    defaults: dict[str, SamplerDefaults]
    mask: dict[str, float]
    presence: dict[str, float]
    parity: dict[str, float]
    quality: dict[str, Any] = field(default_factory=dict)
    training_commit: str = ""
    notes: str = ""
    asks: Attachment | None = None
    recipe: dict[str, Any] = field(default_factory=dict)
    decoder: MaskDecoderSpec | None = None
    experts: list[ExpertSpec] = field(default_factory=list)
    terms: Attachment | None = None
    pooling: PoolingSpec | None = None
    panning: PanningSpec | None = None
    cascades: list[CascadeSpec] = field(default_factory=list)

    @property
    def grid(self) -> LatentGrid:
        """The latent grid of this bundle."""
        return LatentGrid(self.sample_rate_hz, self.hop_samples, self.latent_channels, self.window_frames)


def manifest_to_json(manifest: Manifest) -> str:
    """The text of ``manifest.json``; empty fields are left out."""
    data = asdict(manifest)
    for encoder in data["encoders"].values():
        for name in [name for name, value in encoder.items() if not value]:
            del encoder[name]
    for name in ("asks", "decoder", "experts", "terms", "pooling", "panning", "cascades"):
        if not data[name]:
            del data[name]
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def parse_manifest(raw: bytes, where: str) -> Manifest:
    """Parse and validate the bytes of a manifest.

    Raises:
        BundleError: it is not a manifest.
        BundleTooNew: its format is newer than ``FORMAT``.
    """
    data = parse_json(raw, where)
    if not isinstance(data, dict) or type(data.get("format")) is not int or data["format"] < 1:
        raise BundleError(
            "{where} is not a bundle manifest: it has no format number; get the bundle again", where=where
        )
    if data["format"] > FORMAT:
        raise BundleTooNew(
            "{where} has bundle format {format}, this engine reads up to {newest}; update the engine",
            where=where,
            format=data["format"],
            newest=FORMAT,
        )
    try:
        data["graphs"] = {key: build(GraphSpec, value) for key, value in data["graphs"].items()}
        data["encoders"] = {key: build(EncoderSpec, value) for key, value in data["encoders"].items()}
        data["defaults"] = {key: build(SamplerDefaults, value) for key, value in data["defaults"].items()}
        data |= {key: build(kind, data[key]) for key, kind in _OPTIONAL.items() if data.get(key) is not None}
        data["experts"] = [build(ExpertSpec, value) for value in data.get("experts", [])]
        data["cascades"] = [build(CascadeSpec, value) for value in data.get("cascades", [])]
        manifest: Manifest = build(Manifest, data)
        _check(manifest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(
            "{where} is not a usable manifest ({reason}); get the bundle again", where=where, reason=error
        ) from error
    return manifest


_OPTIONAL = {
    "asks": Attachment, "decoder": MaskDecoderSpec, "terms": Attachment, "pooling": PoolingSpec, "panning": PanningSpec
}  # fmt: skip


def named_files(manifest: Manifest) -> list[tuple[str, str]]:
    """Every file of a bundle but the manifest: (name, SHA-256)."""
    files = [(graph.file, graph.sha256) for graph in manifest.graphs.values()]
    files += [(e.tokenizer, e.tokenizer_sha256) for e in manifest.encoders.values() if e.kind == "text"]
    return files + [(one.file, one.sha256) for one in (manifest.asks, manifest.terms) if one is not None]


def _check(manifest: Manifest) -> None:
    for name in ("sample_rate_hz", "hop_samples", "channels", "latent_channels", "window_frames", "embedding"):
        check_count(name, getattr(manifest, name))
    for name in ("name", "version", "licence", "training_commit", "notes"):
        if not isinstance(getattr(manifest, name), str):
            raise ValueError(f"{name} must be a text, got {getattr(manifest, name)!r}")
    for name in ("mask", "presence", "parity"):
        for key, value in getattr(manifest, name).items():
            check_number(f"{name}.{key}", value)
    for task, defaults in manifest.defaults.items():
        _check_defaults(f"defaults.{task}", defaults)
    if manifest.channels != 1:
        raise ValueError(f"channels must be 1, got {manifest.channels}")
    if manifest.slots != [slot.name for slot in Slot]:
        raise ValueError(f"slots must be {[slot.name for slot in Slot]}, got {manifest.slots}")
    if missing := set(REQUIRED_GRAPHS) - set(manifest.graphs):
        raise ValueError(f"missing graphs {sorted(missing)}")
    for name, encoder in manifest.encoders.items():
        _check_encoder(name, encoder, manifest)
    _check_separation(manifest)
    _check_axes(manifest)
    if len(named_files(manifest)) > FILES_LIMIT:
        raise ValueError(f"it names {len(named_files(manifest))} files, at most {FILES_LIMIT} are allowed")
    for file, _ in named_files(manifest):
        parts = PurePosixPath(file).parts
        if len(parts) != 1 or parts[0] in ("", ".", "..") or "\\" in file or "\0" in file or os.path.isabs(file):
            raise ValueError(f"file name {file!r} leaves the bundle folder")


def _check_defaults(where: str, defaults: SamplerDefaults) -> None:
    """Check that defaults are within the limits of a request."""
    check_count(f"{where}.steps", defaults.steps)
    check_range(f"{where}.steps", defaults.steps, *OPTIONS["steps"].limits)
    check_range(f"{where}.guidance", defaults.guidance, *OPTIONS["guidance"].limits)
    if defaults.start not in ("zeros", "noise"):
        raise ValueError(f"{where}.start must be zeros or noise, got {defaults.start!r}")
    if defaults.voice not in VOICES:
        raise ValueError(f"{where}.voice must be {' or '.join(VOICES)}, got {defaults.voice!r}")
    check_range(f"{where}.temperature", defaults.temperature, *OPTIONS["temperature"].limits)
    if defaults.strength is not None:
        check_range(f"{where}.strength", defaults.strength, *OPTIONS["strength"].limits)


def _check_encoder(name: str, encoder: EncoderSpec, manifest: Manifest) -> None:
    if encoder.kind not in ENCODER_KINDS or encoder.kind != name:
        raise ValueError(f"encoder {name} must be of its own kind, one of {list(ENCODER_KINDS)}, got {encoder.kind!r}")
    if encoder.graph not in manifest.graphs:
        raise ValueError(f"encoder {name} names the graph {encoder.graph!r}, which is not there")
    if encoder.dim != manifest.embedding:
        raise ValueError(f"encoder {name} must have dim {manifest.embedding}, got {encoder.dim!r}")
    for key in ENCODER_KINDS[encoder.kind][0].split():
        value, where = getattr(encoder, key), f"encoders.{name}.{key}"
        if key == "fps":
            check_number(where, value)
            if not 0 < value <= FPS_LIMIT:
                raise ValueError(f"{where} must be above 0 and at most {FPS_LIMIT:g}, got {value!r}")
        elif key.startswith("tokenizer"):
            if not isinstance(value, str) or not value:
                raise ValueError(f"{where} must be a text, got {value!r}")
        else:
            check_count(where, value)


def _check_separation(manifest: Manifest) -> None:
    decoder, graphs = manifest.decoder, manifest.graphs
    check_experts(manifest.experts)
    check_cascades(manifest.cascades)
    if manifest.cascades and manifest.pooling is None:
        raise ValueError("cascades need pooling, over whose components their parts compete")
    if decoder is None:
        if manifest.experts:
            raise ValueError("experts need a decoder, whose grid they share")
        if manifest.cascades:
            raise ValueError("cascades need a decoder, which is run twice")
        if manifest.panning is not None:
            raise ValueError("panning needs a decoder, whose masks it changes")
        return
    check_decoder(decoder)
    named = {"decoder": decoder.graph} | {f"expert {expert.name}": expert.graph for expert in manifest.experts}
    for name, key in named.items():
        if key not in graphs:
            raise ValueError(f"{name} names the graph {key!r}, which is not there")
    if manifest.pooling is not None:
        check_pooling(manifest.pooling)
        if manifest.terms is None:
            raise ValueError("pooling needs terms, by which prompts are told apart")
    if manifest.panning is not None:
        check_panning(manifest.panning)
    if manifest.experts and manifest.terms is None:
        raise ValueError("experts need terms, by which they are found")
    for expert in manifest.experts:
        if expert.share < 1 and "estimate" in graphs[decoder.graph].inputs:
            raise ValueError(f"experts.{expert.name}.share must be 1 beside a decoder that reads the flow's estimates")
        graph = graphs[expert.graph]
        check_expert_axes(expert, decoder, graph.inputs, graph.outputs)


def _check_axes(manifest: Manifest) -> None:
    """Check that the graphs were exported for the grid."""
    audio: Axes = ["B", manifest.channels, manifest.grid.window_samples]
    latents: Axes = ["B", manifest.latent_channels, manifest.window_frames]
    slots: Axes = ["B", len(Slot), *latents[1:]]
    step: dict[str, Axes] = {"x": slots, "prompt": ["B", len(Slot), manifest.embedding]}
    wanted = {
        "encode": ({"audio": audio}, {"latents": latents}),
        "decode": ({"latents": latents}, {"audio": audio}),
        "step": (step, {"x_next": slots}),
    }
    for encoder in manifest.encoders.values():
        _, inputs, outputs = ENCODER_KINDS[encoder.kind]
        wanted[encoder.graph] = (_axes(encoder, inputs), _axes(encoder, outputs))
    if "picture" in manifest.graphs["step"].inputs:
        if "scene" not in manifest.encoders:
            raise ValueError("step takes a picture, so there must be a scene encoder")
        step["picture"] = wanted[manifest.encoders["scene"].graph][1]["picture"]
    if (decoder := manifest.decoder) is not None:
        takes = list(manifest.graphs[decoder.graph].inputs)
        wanted[decoder.graph] = decoder_axes(decoder, manifest.embedding, takes)
    for name, both in wanted.items():
        graph = manifest.graphs[name]
        for given, axes_of in zip((graph.inputs, graph.outputs), both, strict=True):
            for value, axes in axes_of.items():
                if given.get(value) != axes:
                    raise ValueError(f"{value} of {name} must have the axes {axes}, got {given.get(value)}")


def _axes(encoder: EncoderSpec, named: dict[str, str]) -> dict[str, Axes]:
    """Axes with names of fields replaced by their numbers."""

    def axis(word: str) -> str | int:
        return int(word) if word.isdigit() else "B" if word == "B" else int(getattr(encoder, word))

    return {value: [axis(word) for word in words.split()] for value, words in named.items()}
