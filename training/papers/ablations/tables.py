"""The papers' ablation tables: the variants, what each changes, and what the paper prints for it.

A paper's number stands here as it is printed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

PAPER_STEPS = 250  # of MGE-LDM's table 5
GUIDANCE = 2.0  # of the paper's tables (E.3)
OUR_STEPS = 20  # the same walk, 12.5 times shorter: small models gain nothing from more


@dataclass(frozen=True, slots=True)
class SamplingConfig:
    """Sampler settings of a variant.

    Attributes:
        steps: T.
        resamples: U of RePaint; 0 holds known latents at t = 1 instead (adaptive timesteps).
        guidance: of the prompt; 1 is none.
    """

    steps: int = 1
    resamples: int = 0
    guidance: float = 1.0


@dataclass(frozen=True, slots=True)
class AblationVariant:
    """One row.

    Attributes:
        name: of the row.
        paper: what the paper prints, by its own figures.
        flow, masking: fields of ``FlowConfig`` and ``MaskingConfig`` that differ from the table's base.
        sampling: how it is sampled.
        hide_features: share of the pictures' and words' features that is zeroed in training (AudioX's feature masking).
    """

    name: str
    paper: dict[str, float]
    flow: dict[str, Any] = field(default_factory=dict)
    masking: dict[str, Any] = field(default_factory=dict)
    sampling: SamplingConfig = SamplingConfig()
    hide_features: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AblationTable:
    """One table.

    Attributes:
        doc: what is asked.
        source: paper and place.
        base: ``sight`` is the preset's own network with pictures; ``mge`` is MGE-LDM's, as deep as the preset's.
        figure: of ours, by which rows are put in order.
        paper_figure: of the paper's.
        reference: the row that the others are compared with.
        variants: the rows, as in the paper.
        note: what differs from the paper, in a sentence.
    """

    doc: str
    source: str
    base: str
    figure: str
    paper_figure: str
    reference: str
    variants: tuple[AblationVariant, ...]
    note: str


SMALLER_IS_BETTER = ("log-mel L1", "latent error", "FAD", "avg. S_A", "avg. S_B")
MAGE = "MAGE (arXiv 2604.09803)"
MGE = "MGE-LDM (arXiv 2505.23305)"
AUDIOX = "AudioX (arXiv 2503.10522)"
FULL = {"SDR": 6.67, "SIR": 17.99, "SAR": 7.88}
DRAWN = (
    "The paper has films of players; here they are drawn, half of the mixes are of two instruments of one family that "
    "only the picture tells apart, and estimate and truth are heard through the codec."
)
TRACKS = "The paper's model is far larger; log-mel L1 is between decoded estimate and decoded truth."
UNIFORM = {"tasks": {"generate": 1.0}, "mixture": 0.0, "zero": 1.0, "unconditional": 0.0}  # one time for all tracks


def _fusion(name: str, operator: str, sdr: float, sir: float, sar: float) -> AblationVariant:
    return AblationVariant(name, {"SDR": sdr, "SIR": sir, "SAR": sar}, {"fusion": operator})


def _repaint(steps: int, resamples: int, average_a: float, average_b: float) -> AblationVariant:
    sampling = SamplingConfig(max(1, round(steps * OUR_STEPS / PAPER_STEPS)), resamples, GUIDANCE)
    paper = {"avg. S_A": average_a, "avg. S_B": average_b}
    return AblationVariant(f"RePaint T {steps}, U {resamples}", paper, masking=UNIFORM, sampling=sampling)


def _guided(scale: float, average_a: float, average_b: float) -> AblationVariant:
    return AblationVariant(
        f"s = {scale:g}", {"avg. S_A": average_a, "avg. S_B": average_b}, sampling=SamplingConfig(OUR_STEPS, 0, scale)
    )


def _row(name: str, average_a: float, average_b: float, **flow: Any) -> AblationVariant:
    return AblationVariant(
        name, {"avg. S_A": average_a, "avg. S_B": average_b}, flow, sampling=SamplingConfig(OUR_STEPS, 0, GUIDANCE)
    )


def _masked(name: str, fad: float, masking: dict[str, float], features: dict[str, float]) -> AblationVariant:
    return AblationVariant(name, {"FAD": fad}, masking=masking, hide_features=features)


TABLES: dict[str, AblationTable] = {
    "fusion": AblationTable(
        "how a picture speaks to the tokens", f"{MAGE}, appendix C", "sight", "SDR", "SDR", "cross-gated",
        (
            _fusion("additive", "additive", 2.09, 3.53, 4.32),
            _fusion("gated residual", "gated-residual", 2.41, 4.61, 5.37),
            _fusion("self-attention", "self-attention", 2.42, 4.64, 5.45),
            _fusion("cross-attention", "cross-attention", 2.49, 5.64, 6.45),
            _fusion("cross-gated", "cross-gated", **{key.lower(): value for key, value in FULL.items()}),
        ),
        DRAWN,
    ),
    "parts": AblationTable(
        "what alignment and gating are worth", f"{MAGE}, section 5", "sight", "SDR", "SDR", "full",
        (
            AblationVariant("without AVNA", {"SDR": 3.01, "SIR": 5.83, "SAR": 6.24}, {"avna": "off"}),
            AblationVariant("without CGM", {"SDR": 3.23, "SIR": 5.64, "SAR": 5.32}, {"fusion": "off"}),
            AblationVariant("full", FULL),
        ),
        DRAWN + " Without AVNA every token gets the pooled picture; without CGM the pooled picture and the filter of "
        "the mix are left.",
    ),
    "picture": AblationTable(
        "a still picture against a moving one", f"{MAGE}, appendix D", "sight", "SDR", "SDR", "temporal",
        (
            AblationVariant("still", {"SDR": 4.12, "SIR": 9.01, "SAR": 8.73}, {"picture_time": "still"}),
            AblationVariant("temporal", FULL, {"picture_time": "temporal"}),
        ),
        DRAWN,
    ),
    "repaint": AblationTable(
        "adaptive timesteps against RePaint", f"{MGE}, table 5", "mge", "log-mel L1", "avg. S_A", "adaptive, T 250",
        (
            _row("adaptive, T 250", 2.31, 2.48),
            _repaint(250, 1, 2.79, 3.56),
            _repaint(125, 2, 2.55, 3.81),
            _repaint(50, 5, 2.40, 3.07),
            _repaint(25, 10, 2.34, 2.99),
            _repaint(250, 2, 2.53, 3.31),
            _repaint(250, 4, 2.38, 3.12),
        ),
        TRACKS + f" T is divided by {PAPER_STEPS / OUR_STEPS:g} (250 is {OUR_STEPS} steps), and RePaint walks its last "
        "step once, so equal T x U are not quite equal work. RePaint's model is trained with one time for all tracks, "
        "the adaptive one with the mix given always (the paper's in a quarter of the steps), for equal steps.",
    ),
    "norm": AblationTable(
        "group norm per track against layer norm", f"{MGE}, table 7", "mge", "log-mel L1", "avg. S_A", "group norm",
        (_row("group norm", 2.31, 2.43, norm="group"), _row("layer norm", 2.67, 2.55, norm="layer")),
        TRACKS,
    ),
    "dropout": AblationTable(
        "how often the model does without the prompt in training", f"{MGE}, table 7", "mge", "log-mel L1", "avg. S_A",
        "p = 0.1",
        (_row("p = 0.1", 2.31, 2.43, prompt_dropout=0.1), _row("p = 0.5", 2.08, 2.40, prompt_dropout=0.5)),
        TRACKS,
    ),
    "guidance": AblationTable(
        "guidance scale", f"{MGE}, table 7", "mge", "log-mel L1", "avg. S_A", "s = 1",
        (_guided(1.0, 2.30, 2.35), _guided(2.0, 2.31, 2.43), _guided(4.0, 2.33, 2.54), _guided(8.0, 2.44, 2.83)),
        TRACKS + " One training, sampled at four scales.",
    ),
    "masking": AblationTable(
        "masking of inputs, of features, or none", f"{AUDIOX}, table A3", "sight", "latent error", "FAD", "inputs",
        (
            _masked("none", 2.98, {}, {}),
            _masked("features", 3.68, {}, {"picture": 0.6, "words": 0.2}),
            _masked("inputs", 2.81, {"hide_picture": 0.6, "hide_words": 0.2, "hide_audio": 0.6}, {}),
        ),
        "The paper judges generated sound by FAD, from text or video; here the stem is taken out of a mix, and the "
        "error of its latents is measured. Shares are the paper's: 0.6 of video, 0.2 of words, 0.6 of audio.",
    ),
}  # fmt: skip
