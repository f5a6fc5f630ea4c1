"""The bundle: a folder with ``manifest.json``, ONNX graphs and a tokenizer; the only contract with training and export.

No pickle, no Python, no path outside the folder; every file is checked against its SHA-256 before use. The byte layout
and every limit are written down in ``resources/docs/BUNDLE.md``. Knows nothing of ONNX Runtime.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Iterator
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

from engine.errors import BundleDamaged, BundleError, BundleTooNew
from engine.shapes import LatentGrid, Slot

FORMAT = 1
MANIFEST = "manifest.json"
CHECKSUM = "manifest.sha256"  # one line of sha256sum; a bundle without it is taken at its word
MANIFEST_LIMIT_BYTES = 1 << 20
REQUIRED_GRAPHS = ("encode", "decode", "step", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """One ONNX file.

    Attributes:
        file: name inside the bundle folder.
        sha256: hash of the file, lower-case hex.
        inputs, outputs: name -> axes, letters or numbers; ``B`` is the only dynamic one.
        precision: how weights are stored, ``fp32`` or ``fp16``; inputs, outputs and arithmetic are float32.
    """

    file: str
    sha256: str
    inputs: dict[str, list[str | int]]
    outputs: dict[str, list[str | int]]
    precision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoder:
    """One prompt encoder.

    Attributes:
        graph: its key in ``Manifest.graphs``.
        kind: ``text`` today.
        dim: length of the embedding.
        tokenizer, tokenizer_sha256: ``tokenizers`` JSON file inside the folder.
        max_tokens: fixed length of the token input; longer prompts are cut, shorter ones padded with 0.
    """

    graph: str
    kind: str
    dim: int
    tokenizer: str
    tokenizer_sha256: str
    max_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Sampler defaults of one task."""

    steps: int
    guidance: float
    start: str  # zeros or noise
    strength: float | None = None  # of tasks that begin at a stem; None leaves it to the task's row


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a bundle says of itself.

    Attributes:
        format: number of this layout; newer ones are refused.
        name, version, licence, attribution: who it is and on what terms.
        trained_on: one line per source of training sound.
        sample_rate_hz, hop_samples, channels, latent_channels, window_frames: the grid; channels is 1 today.
        latent_mean, latent_std: per latent channel; already folded into the graphs (graph latents have unit scale).
        slots: names in order of the ``S`` axis.
        embedding: length of a prompt embedding (``E``).
        graphs: encode, decode, step, text.
        encoders: prompt encoders by kind.
        defaults: task -> steps, guidance, start.
        mask: ``power`` of the soft mask; ``floor_db`` its lowest gain; ``bias_db`` gain of the stem before the ratio.
        presence: ``midpoint_db`` and ``slope_db`` of the level-to-presence curve.
        parity: tolerance and measured difference between torch and ONNX.
        quality: measured figures, free form.
        training_commit: commit of the code that trained it.
        notes: free text, for example what it knows and does not know.
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
    graphs: dict[str, Graph]
    encoders: dict[str, Encoder]
    defaults: dict[str, Defaults]
    mask: dict[str, float]
    presence: dict[str, float]
    parity: dict[str, float]
    quality: dict[str, Any] = field(default_factory=dict)
    training_commit: str = ""
    notes: str = ""

    @property
    def grid(self) -> LatentGrid:
        """The latent grid of this bundle."""
        return LatentGrid(self.sample_rate_hz, self.hop_samples, self.latent_channels, self.window_frames)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A checked bundle on disk."""

    folder: Path
    manifest: Manifest
    sha256: str  # of manifest.json, which holds the hashes of everything else

    @property
    def label(self) -> str:
        """Its name and version."""
        return f"{self.manifest.name} {self.manifest.version}"

    def path(self, file: str) -> Path:
        """Path of a file named by the manifest."""
        return self.folder / file


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, lower-case hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def manifest_to_json(manifest: Manifest) -> str:
    """The text of ``manifest.json``."""
    return json.dumps(asdict(manifest), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def write_manifest(folder: Path, text: str) -> None:
    """Put ``manifest.json`` and its hash into a bundle folder; the manifest last, and whole or not at all."""
    partial = folder / f".{MANIFEST}.partial"
    partial.write_text(text, "utf-8")
    (folder / CHECKSUM).write_text(f"{file_sha256(partial)}  {MANIFEST}\n", "ascii")
    os.replace(partial, folder / MANIFEST)


def load_bundle(folder: Path | str, check_hashes: bool = True) -> Bundle:
    """Read and check a bundle.

    Args:
        folder: the bundle folder.
        check_hashes: False skips reading the graphs (for a quick listing).

    Raises:
        BundleError: there is no bundle, it cannot be read, or its manifest makes no sense.
        BundleTooNew: its format is newer than ``FORMAT``.
        BundleDamaged: a file is missing or its hash differs.
    """
    folder = Path(folder)
    path = folder / MANIFEST
    if not os.path.isfile(path):
        raise BundleError(f"no bundle at {folder}; a bundle is a folder with a {MANIFEST}")
    with _readable(folder):
        if path.stat().st_size > MANIFEST_LIMIT_BYTES:
            raise BundleError(
                f"{path} is over {MANIFEST_LIMIT_BYTES} bytes, which no manifest is; get the bundle again"
            )
        raw = path.read_bytes()
        _check_manifest_hash(folder, raw)
    manifest = parse_manifest(raw, str(path))
    bundle = Bundle(folder, manifest, hashlib.sha256(raw).hexdigest())
    if check_hashes:
        check_files(bundle)
    return bundle


def check_files(bundle: Bundle) -> None:
    """Compare every file with the manifest.

    Raises:
        BundleDamaged: a file is missing or its hash differs.
    """
    for file, sha256 in _named_files(bundle.manifest):
        path = bundle.path(file)
        if not path.is_file():
            raise BundleDamaged(f"bundle {bundle.manifest.name}: {file} is missing; get the bundle again")
        with _readable(bundle.folder):
            found = file_sha256(path)
        if found != sha256:
            raise BundleDamaged(f"bundle {bundle.manifest.name}: {file} differs from its hash; get the bundle again")


def parse_manifest(raw: bytes, where: str) -> Manifest:
    """Turn the bytes of a manifest into a checked value.

    Raises:
        BundleError: not a manifest.
        BundleTooNew: its format is newer than ``FORMAT``.
    """
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise BundleDamaged(f"{where} is not JSON ({error}); get the bundle again") from error
    if not isinstance(data, dict) or type(data.get("format")) is not int or data["format"] < 1:
        raise BundleError(f"{where} is not a bundle manifest: it has no format number; get the bundle again")
    if data["format"] > FORMAT:
        raise BundleTooNew(
            f"{where} has bundle format {data['format']}, this engine reads up to {FORMAT}; update the engine"
        )
    try:
        data["graphs"] = {key: _build(Graph, value) for key, value in data["graphs"].items()}
        data["encoders"] = {key: _build(Encoder, value) for key, value in data["encoders"].items()}
        data["defaults"] = {key: _build(Defaults, value) for key, value in data["defaults"].items()}
        manifest: Manifest = _build(Manifest, data)
        _check(manifest)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BundleError(f"{where} is not a usable manifest ({error}); get the bundle again") from error
    return manifest


@contextlib.contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BundleError(f"bundle {folder} cannot be read ({error.strerror}); check that it may be read") from error


def _check_manifest_hash(folder: Path, raw: bytes) -> None:
    path = folder / CHECKSUM
    if path.is_file() and path.read_bytes()[:64] != hashlib.sha256(raw).hexdigest().encode("ascii"):
        raise BundleDamaged(f"bundle {folder.name}: {MANIFEST} differs from its hash; get the bundle again")


def _build(kind: Any, data: dict[str, Any]) -> Any:
    known = {f.name: f for f in fields(kind)}
    needed = {name for name, f in known.items() if f.default is MISSING and f.default_factory is MISSING}
    if unknown := set(data) - set(known):
        raise ValueError(f"unknown keys {sorted(unknown)}")
    if missing := needed - set(data):
        raise ValueError(f"missing keys {sorted(missing)}")
    return kind(**data)


def _check(manifest: Manifest) -> None:
    for name in ("sample_rate_hz", "hop_samples", "channels", "latent_channels", "window_frames", "embedding"):
        _check_count(name, getattr(manifest, name))
    for name in ("name", "version", "licence", "training_commit", "notes"):
        if not isinstance(getattr(manifest, name), str):
            raise ValueError(f"{name} must be a text, got {getattr(manifest, name)!r}")
    for name in ("mask", "presence", "parity"):
        for key, value in getattr(manifest, name).items():
            _check_number(f"{name}.{key}", value)
    for task, defaults in manifest.defaults.items():
        _check_count(f"defaults.{task}.steps", defaults.steps)
        _check_number(f"defaults.{task}.guidance", defaults.guidance)
        if defaults.start not in ("zeros", "noise"):
            raise ValueError(f"defaults.{task}.start must be zeros or noise, got {defaults.start!r}")
        if defaults.strength is not None:
            _check_number(f"defaults.{task}.strength", defaults.strength)
            if not 0 <= defaults.strength <= 1:
                raise ValueError(f"defaults.{task}.strength must be from 0 to 1, got {defaults.strength!r}")
    if manifest.channels != 1:
        raise ValueError(f"channels must be 1, got {manifest.channels}")
    if manifest.slots != [slot.name for slot in Slot]:
        raise ValueError(f"slots must be {[slot.name for slot in Slot]}, got {manifest.slots}")
    if missing := set(REQUIRED_GRAPHS) - set(manifest.graphs):
        raise ValueError(f"missing graphs {sorted(missing)}")
    _check_axes(manifest)
    for file, _ in _named_files(manifest):
        parts = PurePosixPath(file).parts
        if len(parts) != 1 or parts[0] in ("", ".", "..") or "\\" in file or "\0" in file or os.path.isabs(file):
            raise ValueError(f"file name {file!r} leaves the bundle folder")


def _check_count(name: str, value: object) -> None:
    if type(value) is not int or value < 1:
        raise ValueError(f"{name} must be a positive whole number, got {value!r}")


def _check_number(name: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{name} must be a number, got {value!r}")


def _check_axes(manifest: Manifest) -> None:
    """The grid is what the graphs were exported for."""
    audio = ["B", manifest.channels, manifest.grid.window_samples]
    latents = ["B", manifest.latent_channels, manifest.window_frames]
    slots = ["B", len(Slot), *latents[1:]]
    for graph, given, wanted in (
        ("encode", manifest.graphs["encode"].inputs, {"audio": audio}),
        ("encode", manifest.graphs["encode"].outputs, {"latents": latents}),
        ("decode", manifest.graphs["decode"].inputs, {"latents": latents}),
        ("decode", manifest.graphs["decode"].outputs, {"audio": audio}),
        ("step", manifest.graphs["step"].inputs, {"x": slots, "prompt": ["B", len(Slot), manifest.embedding]}),
        ("step", manifest.graphs["step"].outputs, {"x_next": slots}),
        ("text", manifest.graphs["text"].outputs, {"embedding": ["B", manifest.embedding]}),
    ):
        for name, axes in wanted.items():
            if given.get(name) != axes:
                raise ValueError(f"{name} of {graph} must have the axes {axes}, got {given.get(name)}")


def _named_files(manifest: Manifest) -> list[tuple[str, str]]:
    files = [(graph.file, graph.sha256) for graph in manifest.graphs.values()]
    return files + [(encoder.tokenizer, encoder.tokenizer_sha256) for encoder in manifest.encoders.values()]
