"""A bundle with its graphs open on a device.

Knows nothing of requests or audio files.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

from engine.backend import Backend, GraphSession
from engine.bundle import Bundle, Defaults, Manifest
from engine.codec import Codec
from engine.errors import BundleError
from engine.examples.encoders import AudioEncoder, SceneEncoder
from engine.messages import Request, Start
from engine.prompts import StoryEncoder, TextEncoder
from engine.routing import load_asks
from engine.sampler import Walk
from engine.shapes import LatentGrid
from engine.tasks import rule_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Model:
    """Everything a task needs of a bundle.

    Attributes:
        bundle: what was opened.
        device: the provider that really runs.
        codec: audio <-> latents.
        step: one Euler step.
        text: prompts -> embeddings.
        audio: sounds -> embeddings in the same space, None for a bundle that cannot listen.
        scene: frames -> picture features and embeddings in the same space, None for a bundle that cannot see.
    """

    bundle: Bundle
    device: str
    codec: Codec
    step: GraphSession
    text: TextEncoder
    audio: AudioEncoder | None = None
    scene: SceneEncoder | None = None

    @property
    def grid(self) -> LatentGrid:
        """The latent grid of the bundle."""
        return self.bundle.manifest.grid


def open_model(bundle: Bundle, backend: Backend) -> Model:
    """Open the graphs of a bundle.

    Raises:
        BundleError: a graph or the tokenizer cannot be read, or the bundle has no text encoder.
        DeviceError: the device that was asked for cannot be had.
    """
    manifest, encoders = bundle.manifest, bundle.manifest.encoders
    if "text" not in encoders:
        raise BundleError(f"bundle {manifest.name} has no text encoder; choose another bundle")
    named = ["encode", "decode", "step", *(encoder.graph for encoder in encoders.values())]
    opened = {name: backend.open(bundle.path(manifest.graphs[name].file)) for name in named}
    by_kind = {kind: opened[encoder.graph] for kind, encoder in encoders.items()}
    story = StoryEncoder(by_kind["story"], encoders["story"].pieces) if "story" in encoders else None
    text = encoders["text"]
    log.info("opened %s on %s", manifest.name, backend.device)
    return Model(
        bundle=bundle,
        device=backend.device,
        codec=Codec(opened["encode"], opened["decode"]),
        step=opened["step"],
        text=TextEncoder(by_kind["text"], bundle.path(text.tokenizer), text.max_tokens, story, load_asks(bundle)),
        audio=AudioEncoder.of(encoders["audio"], by_kind["audio"]) if "audio" in encoders else None,
        scene=SceneEncoder.of(encoders["scene"], by_kind["scene"]) if "scene" in encoders else None,
    )


def resolved(request: Request, manifest: Manifest) -> Request:
    """The request with the defaults of the bundle and the task where it left the choice open."""
    walk = walk_of(request, manifest)
    seconds = rule_of(request.task).makes_s if request.seconds is None else request.seconds
    strength = None if rule_of(request.task).strength is None else walk.strength
    return replace(
        request, steps=walk.steps, guidance=walk.guidance, start=walk.start, seconds=seconds, strength=strength,
        temperature=walk.temperature,
    )  # fmt: skip


def walk_of(request: Request, manifest: Manifest) -> Walk:
    """How to sample: what the request says, else the bundle's default for the task.

    A bundle older than the task is asked as it is for regenerate.
    """
    by_task, rule = manifest.defaults, rule_of(request.task, request.slot)
    other = by_task.get("regenerate", Defaults(steps=8, guidance=1.0, start="noise"))
    defaults = by_task.get(request.task, other)
    strengths = (request.strength, defaults.strength, rule.strength, 1.0)
    several = request.candidates > 1  # which are to differ: not from zeros, and from all of the noise
    start: Start = request.start or ("zeros" if defaults.start == "zeros" and not several else "noise")
    temperature = max(defaults.temperature, 1.0) if several else defaults.temperature
    return Walk(
        steps=defaults.steps if request.steps is None else request.steps,
        guidance=float(defaults.guidance if request.guidance is None else request.guidance),
        start=start,
        seed=request.seed,
        strength=float(next(strength for strength in strengths if strength is not None)),
        guide=request.guide,
        slot=rule.prompt_slot,
        temperature=float(temperature if request.temperature is None else request.temperature),
    )
