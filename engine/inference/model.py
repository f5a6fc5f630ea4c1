"""A bundle with its graphs open on a device."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.bundle.bundle import Bundle, Manifest, MaskDecoderSpec, SamplerDefaults
from engine.bundle.free_axes import free_axes
from engine.bundle.separation import PanningSpec
from engine.bundle.separator import TASKS_OF_ALL, SeparatorManifest
from engine.errors import BundleError, RequestError
from engine.inference.cascade import CascadedDecoder
from engine.inference.codec import Codec
from engine.inference.component_pooling import ComponentPooling
from engine.inference.experts import Experts, SeparatorMasker, StemNameEncoder, make_masker, open_experts
from engine.inference.masker import DecoderTail, MaskDecoder
from engine.inference.sampler import SamplerConfig
from engine.inference.terms import TermTable, read_terms
from engine.latents import LatentGrid, Slot
from engine.media.encoders import AudioEncoder, VideoEncoder
from engine.request import OPTIONS, Request, Start, Voice
from engine.runtime.backend import (
    PROVIDERS,
    Array,
    Backend,
    FloatArray,
    GraphSession,
    ResidentSession,
    resident_session,
)
from engine.tasks import rule_of
from engine.text.encoder import StoryEncoder, TextEncoder

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Model:
    """Everything a task needs of a bundle.

    Attributes:
        bundle: what was opened.
        device: the execution provider in use.
        codec: audio <-> latents.
        step: one Euler step.
        text: prompts -> embeddings.
        audio: audio -> embeddings in the same space; None where the bundle has no audio encoder.
        video: frames -> picture features and embeddings in the same space; None where it has no video encoder.
        masker: the mask decoder; None where masks follow from the flow's estimates alone.
        experts: separators for some of the prompts; None where there are none.
        terms: that prompts are told apart by; None where the bundle has none.
        cascades: of the mask decoder, for parts of a whole.
    """

    bundle: Bundle
    device: str
    codec: Codec
    step: GraphSession
    text: TextEncoder | StemNameEncoder
    audio: AudioEncoder | None = None
    video: VideoEncoder | None = None
    masker: MaskDecoder | None = None
    experts: Experts | None = None
    terms: TermTable | None = None
    cascades: tuple[CascadedDecoder, ...] = ()

    @property
    def panning(self) -> PanningSpec | None:
        """How far places in the stereo image decide about masks; None where they do not."""
        return self.bundle.manifest.panning

    @property
    def grid(self) -> LatentGrid:
        """The latent grid of the bundle."""
        return self.bundle.manifest.grid


class LazySession:
    """A graph that is opened on first use; see ``engine.runtime.backend.GraphSession``."""

    def __init__(self, backend: Backend, path: Path) -> None:
        self._backend, self._path = backend, path
        self._session: GraphSession | None = None

    @property
    def resident(self) -> ResidentSession | None:
        """See ``engine.runtime.backend.resident_session``."""
        return resident_session(self._opened())

    def run(self, inputs: Mapping[str, Array], wanted: Sequence[str] = ()) -> dict[str, FloatArray]:
        """Run the graph once.

        Raises:
            BundleError: the file is not a graph this runtime can read.
            DeviceError: the device refused.
        """
        return self._opened().run(inputs, wanted)

    def _opened(self) -> GraphSession:
        if self._session is None:
            self._session = self._backend.open(self._path)
        return self._session


def open_model(bundle: Bundle, backend: Backend) -> Model:
    """Open the graphs of a bundle; where it has a mask decoder, those of the flow only when they are needed.

    Raises:
        BundleError: a graph or the tokenizer cannot be read, or the bundle has no text encoder.
        DeviceError: the device that was asked for cannot be had.
    """
    manifest, encoders = bundle.manifest, bundle.manifest.encoders
    if bundle.separator is not None:
        return _open_separator(bundle, bundle.separator, backend)
    if "text" not in encoders:
        raise BundleError("bundle {name} has no text encoder; choose another bundle", name=manifest.name)
    flow, decoder = ["encode", "decode", "step"], manifest.decoder
    first = [*(encoder.graph for encoder in encoders.values()), *(flow if decoder is None else [decoder.graph])]
    opened: dict[str, GraphSession] = {
        name: LazySession(backend, bundle.path(graph.file)) for name, graph in manifest.graphs.items()
    }
    opened |= {name: backend.open(bundle.path(manifest.graphs[name].file)) for name in first}
    by_kind = {kind: opened[encoder.graph] for kind, encoder in encoders.items()}
    story = StoryEncoder(by_kind["story"], encoders["story"].pieces) if "story" in encoders else None
    text = encoders["text"]
    terms = None if manifest.terms is None else read_terms(bundle.path(manifest.terms.file), manifest.embedding)
    masker = None if decoder is None else _mask_decoder(opened, decoder, bundle, backend.device, terms)
    log.info("opened %s on %s", manifest.name, backend.device)
    return Model(
        bundle=bundle,
        device=backend.device,
        codec=Codec(opened["encode"], opened["decode"]),
        step=opened["step"],
        text=TextEncoder(by_kind["text"], bundle.path(text.tokenizer), text.max_tokens, story),
        audio=AudioEncoder.from_manifest(encoders["audio"], by_kind["audio"]) if "audio" in encoders else None,
        video=VideoEncoder.from_manifest(encoders["scene"], by_kind["scene"]) if "scene" in encoders else None,
        masker=masker,
        experts=open_experts(bundle, opened, masker, terms),
        terms=terms,
        cascades=_cascades(manifest, masker, terms),
    )


def _open_separator(bundle: Bundle, separator: SeparatorManifest, backend: Backend) -> Model:
    """A model whose mask decoder is the separator and whose text encoder knows the names of its stems."""
    graph = backend.open(bundle.path(separator.graph.file))
    masker = make_masker(graph, separator.domain, separator.axes, separator.stems, bundle.label)
    missing = _NoFlow(bundle.label)
    log.info("opened %s on %s", bundle.label, backend.device)
    return Model(
        bundle=bundle,
        device=backend.device,
        codec=Codec(missing, missing),
        step=missing,
        text=StemNameEncoder(separator.stems, bundle.label),
        masker=SeparatorMasker(masker, separator.grid),
    )


class _NoFlow:
    """Stands in for the graphs that a separator does not have, and refuses to run."""

    def __init__(self, label: str) -> None:
        self._label = label

    def run(self, inputs: Mapping[str, Array], wanted: Sequence[str] = ()) -> dict[str, FloatArray]:
        """Refuse.

        Raises:
            RequestError: always.
        """
        raise no_flow(self._label)


def no_flow(label: str) -> RequestError:
    """The error of a request that a separator cannot answer."""
    return RequestError(
        "{bundle} is a separator and has no flow; choose {able} with the render masked, or another bundle",
        bundle=label, able=" or ".join(TASKS_OF_ALL),
    )  # fmt: skip


def _mask_decoder(
    graphs: Mapping[str, GraphSession], decoder: MaskDecoderSpec, bundle: Bundle, device: str, terms: TermTable | None
) -> MaskDecoder:
    manifest = bundle.manifest
    takes_estimate, name = "estimate" in manifest.graphs[decoder.graph].inputs, f"{decoder.graph}-answer"
    end = None
    if name in manifest.graphs and not takes_estimate:
        inputs = manifest.graphs[name].inputs
        shapes = {key: tuple(map(int, axes[1:])) for key, axes in inputs.items() if key not in ("mix", "prompt")}
        end = DecoderTail(graphs[name], shapes, manifest.embedding)
    masker = MaskDecoder(graphs[decoder.graph], decoder, takes_estimate, end)
    masker.takes_fewer_frames = device == PROVIDERS["cpu"] and not takes_estimate and all(
        free_axes(bundle.path(manifest.graphs[one].file).read_bytes()) for one in (decoder.graph, name)
        if one in manifest.graphs
    )  # fmt: skip
    if manifest.pooling is not None and terms is not None:
        masker.pooling = ComponentPooling(manifest.pooling, terms)
    return masker


def _cascades(manifest: Manifest, decoder: MaskDecoder | None, terms: TermTable | None) -> tuple[CascadedDecoder, ...]:
    pooling = manifest.pooling
    if decoder is None or pooling is None or terms is None:
        return ()
    return tuple(CascadedDecoder(decoder, spec, pooling, terms) for spec in manifest.cascades)


def fill_defaults(request: Request, manifest: Manifest) -> Request:
    """Fill in the defaults of the bundle and the task where the request leaves the choice open."""
    sampling = resolve_sampling(request, manifest)
    seconds = rule_of(request.task).makes_s if request.seconds is None else request.seconds
    strength = None if rule_of(request.task).strength is None else sampling.strength
    return replace(
        request, steps=sampling.steps, guidance=sampling.guidance, start=sampling.start, seconds=seconds,
        strength=strength, temperature=sampling.temperature, voice=resolve_voice(request, manifest),
    )  # fmt: skip


# what only the flow takes: who says one of these wants the flow
_OF_THE_FLOW = ("steps", "guidance", "temperature", "strength", "guide", "examples")


def resolve_voice(request: Request, manifest: Manifest) -> Voice:
    """Who makes the sound: as the request says, else the bundle's choice for the task.

    A bundle's choice of recorded instruments holds where words alone ask for a stem: examples, and settings of the
    sampler that a request names itself, are the flow's. Notes of a file are played by recorded instruments.
    """
    if request.voice is not None:
        return request.voice
    if request.notes_file:
        return "sampled"
    defaults = manifest.defaults.get(request.task)
    if defaults is None or defaults.voice != "sampled" or rule_of(request.task, request.slot).answer is not Slot.STEM:
        return "flow"
    told = any(getattr(request, name) != OPTIONS[name].default for name in _OF_THE_FLOW)
    return "flow" if told else "sampled"


def resolve_sampling(request: Request, manifest: Manifest) -> SamplerConfig:
    """Sampler settings: what the request says, else the bundle's default for the task.

    A bundle older than the task uses its defaults for regenerate.
    """
    by_task, rule = manifest.defaults, rule_of(request.task, request.slot)
    other = by_task.get("regenerate", SamplerDefaults(steps=8, guidance=1.0, start="noise"))
    defaults = by_task.get(request.task, other)
    strengths = (request.strength, defaults.strength, rule.strength, 1.0)
    several = request.candidates > 1  # they must differ: start from noise, at full temperature
    start: Start = request.start or ("zeros" if defaults.start == "zeros" and not several else "noise")
    temperature = max(defaults.temperature, 1.0) if several else defaults.temperature
    return SamplerConfig(
        steps=defaults.steps if request.steps is None else request.steps,
        guidance=float(defaults.guidance if request.guidance is None else request.guidance),
        start=start,
        seed=request.seed,
        strength=float(next(strength for strength in strengths if strength is not None)),
        guide=request.guide,
        slot=rule.prompt_slot,
        temperature=float(temperature if request.temperature is None else request.temperature),
    )
