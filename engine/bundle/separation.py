"""Manifest entries of the mask decoder, of experts and of cascades.

A *mask decoder* maps a prompt and the spectrogram of the mix to soft masks of STEM and REST, and to whether the stem
sounds at all. An *expert* is a separator trained elsewhere that knows some stems and takes no prompt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.bundle.fields import check_count, check_number, check_range, check_text, check_texts

Axes = list[str | int]  # of one input or output: letters or numbers
FRAMES_STEP = 64  # windows of a mask decoder with a free axis of frames have any multiple of these
LEAST_FRAMES = 128  # of such a window
SIDES = 2  # left and right
LOWEST_LEVEL_DB = -80.0
# level of a stem against its mix -> presence, where no network estimates that: a separator's stem, what stems leave
LEVEL_PRESENCE = {"midpoint_db": -30.0, "slope_db": 3.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskDecoderSpec:
    """The mask decoder and the grid it works on.

    Attributes:
        graph: its key in ``Manifest.graphs``.
        rate_hz: of the audio it reads.
        fft_samples, hop_samples: periodic Hann window and hop of its spectrogram.
        bins: of the spectrum, from 0 Hz up; F.
        frames: of one window; T.
        presence_frames: frames that share one presence value.
        level_db: RMS over both channels that a section of the mix is brought to before it is read, full scale 1.
        gate_low, gate_high: the gate is shut below the first presence and open above the second.
    """

    graph: str
    rate_hz: int
    fft_samples: int
    hop_samples: int
    bins: int
    frames: int
    presence_frames: int
    level_db: float
    gate_low: float
    gate_high: float

    @property
    def window_s(self) -> float:
        """Seconds of one window."""
        return self.frames * self.hop_samples / self.rate_hz


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpertSpec:
    """A separator trained elsewhere, for some of the prompts.

    Attributes:
        name: what users call it.
        graph: its key in ``Manifest.graphs``.
        kind: of ``EXPERT_KINDS``: what it reads and answers.
        terms: keys of ``terms.json`` it is used for; the term nearest to a prompt decides.
        output: of the graph, the stem.
        licence: of its weights.
        attribution: credit lines to keep.
        share: its weight in the mean of log-odds with the mask decoder's mask, above 0; at 1 it answers alone.
    """

    name: str
    graph: str
    kind: str
    terms: list[str]
    output: str
    licence: str
    attribution: list[str]
    share: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolingSpec:
    """How masks are pooled over the components of a mix; see ``engine.mask_pooling``.

    Attributes:
        components: that a window of the mix is split into.
        confidence: exponent of how sure a mask is of a bin, in its weight.
        sharpness: factor on the log-odds of a component's share.
        alone: keys of ``terms.json`` whose pooled mask takes the decoder's place.
        never: keys whose masks stay; all others get the mean of both.
        most_gain: on the odds of a timid mask of what is there; 1 leaves them.
        gain_rank: component, counted from the one that the stem owns most, that the gain brings to even odds.
        gain_low, gain_high: presence of a block up to which it gets no gain, and from which it gets all of it.
    """

    components: int
    confidence: float
    sharpness: float
    alone: list[str]
    never: list[str]
    most_gain: float = 1.0
    gain_rank: int = 1
    gain_low: float = 0.0
    gain_high: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CascadeSpec:
    """Sounds that are taken out of another one that is taken out of the mix; see ``engine.inference.cascade``.

    Attributes:
        whole: key of ``terms.json`` that is taken out first, as ``drums``.
        parts: keys of what the whole is made of, which compete for it.
    """

    whole: str
    parts: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PanningSpec:
    """How far the place of a stem in the stereo image decides about its mask; see ``engine.mask_panning``.

    Attributes:
        strength: factor on the log-odds that places give, where they are believed altogether; 0 leaves masks alone.
        again: the same for a second round, which asks the places that the first one's mask has; 0 for none. Masks
            that are pooled together with the decoder's own get one, those of voices, basses or pieces of a kit do not.
        again_low, again_high: presence up to which a stem gets no second round, and from which it gets all of it.
    """

    strength: float
    again: float = 0.0
    again_low: float = 0.0
    again_high: float = 1.0


MOST_COMPONENTS = 256
MOST_STRENGTH = 10.0
MOST_ODDS_GAIN = 1000.0
LEAST_SHARE = 0.01  # of an expert


def check_pooling(pooling: PoolingSpec) -> None:
    """Validate the numbers of pooling.

    Raises:
        ValueError: one is invalid.
    """
    check_count("pooling.components", pooling.components)
    check_range("pooling.components", pooling.components, 1, MOST_COMPONENTS)
    check_range("pooling.confidence", pooling.confidence, 0, 10)
    check_range("pooling.sharpness", pooling.sharpness, 0.1, 10)
    for key in ("alone", "never"):
        check_texts(f"pooling.{key}", getattr(pooling, key))
    check_range("pooling.most_gain", pooling.most_gain, 1, MOST_ODDS_GAIN)
    check_count("pooling.gain_rank", pooling.gain_rank)
    check_range("pooling.gain_rank", pooling.gain_rank, 1, pooling.components)
    check_range("pooling.gain_low", pooling.gain_low, 0, 1)
    check_range("pooling.gain_high", pooling.gain_high, 0, 1)
    if pooling.gain_low >= pooling.gain_high:
        raise ValueError(
            f"pooling.gain_low must be below gain_high, got {pooling.gain_low!r} and {pooling.gain_high!r}"
        )


def check_panning(panning: PanningSpec) -> None:
    """Validate the numbers of panning.

    Raises:
        ValueError: one is invalid.
    """
    check_range("panning.strength", panning.strength, 0, MOST_STRENGTH)
    check_range("panning.again", panning.again, 0, MOST_STRENGTH)
    check_range("panning.again_low", panning.again_low, 0, 1)
    check_range("panning.again_high", panning.again_high, 0, 1)
    if panning.again_low >= panning.again_high:
        raise ValueError(
            f"panning.again_low must be below again_high, got {panning.again_low!r} and {panning.again_high!r}"
        )


def check_cascades(cascades: Sequence[CascadeSpec]) -> None:
    """Validate entries of cascades.

    Raises:
        ValueError: one is invalid, or a part has two wholes.
    """
    for cascade in cascades:
        check_text("cascades.whole", cascade.whole)
        check_texts("cascades.parts", cascade.parts)
    parts = [part for cascade in cascades for part in cascade.parts]
    if twice := {part for part in parts if parts.count(part) > 1 or part in {one.whole for one in cascades}}:
        raise ValueError(f"a part must belong to one whole and be none itself, got {sorted(twice)}")


# kind of expert -> its input and that input's axes, which its outputs have too; letters stand for numbers of the grid
EXPERT_KINDS: dict[str, tuple[str, str]] = {
    "spectral": ("mix", "B 2 frames bins"),  # magnitudes in, a mask for each stem out
    "waveform": ("audio", "B 2 N"),  # sound in, sound for each stem out; N is any number
}


def check_decoder(decoder: MaskDecoderSpec) -> None:
    """Validate a mask decoder's numbers.

    Raises:
        ValueError: one is invalid.
    """
    for key in ("rate_hz", "fft_samples", "hop_samples", "bins", "frames", "presence_frames"):
        check_count(f"decoder.{key}", getattr(decoder, key))
    if decoder.hop_samples > decoder.fft_samples:
        raise ValueError(f"decoder.hop_samples must be at most fft_samples, got {decoder.hop_samples}")
    if decoder.bins > decoder.fft_samples // 2 + 1:
        raise ValueError(f"decoder.bins must be at most {decoder.fft_samples // 2 + 1}, got {decoder.bins}")
    # Windows overlap by two blocks of presence, and must get ahead by one at least.
    if decoder.frames % decoder.presence_frames or decoder.frames < 3 * decoder.presence_frames:
        raise ValueError(f"decoder.frames must be 3 or more times presence_frames, got {decoder.frames}")
    check_range("decoder.level_db", decoder.level_db, LOWEST_LEVEL_DB, 0)
    check_number("decoder.gate_low", decoder.gate_low)
    check_number("decoder.gate_high", decoder.gate_high)
    if not 0 <= decoder.gate_low < decoder.gate_high <= 1:
        raise ValueError(
            f"decoder.gate_low and gate_high must rise from 0 to 1, got {decoder.gate_low} and {decoder.gate_high}"
        )


def decoder_axes(
    decoder: MaskDecoderSpec, embedding: int, takes: Sequence[str]
) -> tuple[dict[str, Axes], dict[str, Axes]]:
    """Axes of the inputs and outputs of the decoder's graph.

    Args:
        decoder: its row of the manifest.
        embedding: length of a prompt embedding.
        takes: names of the graph's inputs; ``estimate`` may be missing.
    """
    plane: Axes = ["B", SIDES, decoder.frames, decoder.bins]
    inputs: dict[str, Axes] = {"mix": plane, "prompt": ["P", embedding]}
    if "estimate" in takes:
        inputs["estimate"] = plane
    blocks = decoder.frames // decoder.presence_frames
    return inputs, {"stem": ["P", *plane], "rest": ["P", *plane], "presence": ["P", "B", blocks]}


def check_experts(experts: Sequence[ExpertSpec]) -> None:
    """Validate entries of experts, except their graphs.

    Raises:
        ValueError: something is missing or twice.
    """
    for expert in experts:
        where = f"experts.{expert.name}"
        for key in ("name", "graph", "output", "licence"):
            check_text(f"{where}.{key}", getattr(expert, key))
        check_texts(f"{where}.terms", expert.terms)
        check_texts(f"{where}.attribution", expert.attribution)
        check_range(f"{where}.share", expert.share, LEAST_SHARE, 1)
        if expert.kind not in EXPERT_KINDS:
            raise ValueError(f"{where}.kind must be one of {', '.join(EXPERT_KINDS)}, got {expert.kind!r}")
    names = [expert.name for expert in experts]
    if twice := {name for name in names if names.count(name) > 1}:
        raise ValueError(f"experts must have names of their own, got {sorted(twice)} twice")


def check_expert_axes(
    expert: ExpertSpec, decoder: MaskDecoderSpec, inputs: dict[str, Axes], outputs: dict[str, Axes]
) -> None:
    """Check the graph of an expert against its kind.

    Raises:
        ValueError: inputs, outputs or their axes are others.
    """
    name, words = EXPERT_KINDS[expert.kind]
    if list(inputs) != [name]:
        raise ValueError(f"{expert.graph} must take {name} alone, got {sorted(inputs)}")
    if expert.output not in outputs:
        raise ValueError(f"{expert.graph} must answer {expert.output}, got {sorted(outputs)}")
    own = inputs[name]
    if words.endswith("N") and type(own[-1]) is int and own[-1] > 0:
        wanted: Axes = ["B", SIDES, own[-1]]
    else:
        wanted = ["B", SIDES, *(getattr(decoder, word, word) for word in words.split()[2:])]
    for value, axes in ((name, own), (expert.output, outputs[expert.output])):
        if axes != wanted:
            raise ValueError(f"{value} of {expert.graph} must have the axes {wanted}, got {axes}")
