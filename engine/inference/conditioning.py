"""Prompt embeddings of a request: one row for each slot, from words and examples.

Words for the stem, the mix and the rest condition rows of their own (MGE-LDM, arXiv 2505.23305, section 3.2: every
track has its own condition); examples are averaged with the words of the prompt. Where a task makes another slot than
the stem, the prompt conditions that slot, and words for the rest condition what goes with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.inference.run import RunContext
from engine.latents import SLOTS, Slot
from engine.media.reference import example_path
from engine.runtime.backend import FloatArray
from engine.tasks import rule_of
from engine.text.intent import Intent


@dataclass(frozen=True, slots=True)
class Conditioning:
    """One prompt, embedded.

    Attributes:
        prompt: as typed; empty where there are only examples.
        name: for the names of files.
        prompt_SE: float32 (slots, embedding); zeros mean unconditional.
        parts: each sound of a prompt of several, which are one stem together; empty for one.
    """

    prompt: str
    name: str
    prompt_SE: FloatArray
    parts: tuple[Conditioning, ...] = ()


def prompt_conditionings(run: RunContext) -> list[Conditioning]:
    """Conditioning of each prompt of a request; a single one where there are only examples."""
    request = run.request
    words = (*request.prompts, *filter(None, (request.mix_prompt, request.rest_prompt)))
    parts = {prompt: run.intents[prompt].parts for prompt in request.prompts}
    embedded = _embedded(run, (*words, *(part for some in parts.values() for part in some)))
    with_examples = request.task != "replace"  # there examples describe the new sound, not the one to look for

    def conditioned(prompt: str, parts: tuple[str, ...] = ()) -> Conditioning:
        rows_SE = _rows(run, embedded, prompt, with_examples)
        several = () if run.examples is not None else tuple(conditioned(part) for part in parts)
        return Conditioning(prompt, prompt or _name_of_examples(run), rows_SE, several)

    return [conditioned(prompt, parts.get(prompt, ())) for prompt in request.prompts or ("",)]


def as_asked(run: RunContext, conditioning: Conditioning) -> RunContext:
    """The run, with the row of the table that a prompt asks for: "no drums" wants the mix without them."""
    intent = run.intents.get(conditioning.prompt)
    return replace(run, rule=rule_of("remove")) if intent is not None and intent.complement else run


def replacement_conditioning(run: RunContext) -> Conditioning:
    """Conditioning of the sound that replaces the prompts; examples describe it."""
    words = run.request.replacement
    texts = tuple(filter(None, (words, run.request.mix_prompt, run.request.rest_prompt)))
    return Conditioning(words, words or _name_of_examples(run), _rows(run, _embedded(run, texts), words, True))


def _embedded(run: RunContext, words: tuple[str, ...]) -> dict[str, FloatArray]:
    if not words:
        return {}
    with run.timer.measure("prompt"):
        return dict(zip(words, run.model.text.embed([_intent(run, text) for text in words], run.check), strict=True))


def _intent(run: RunContext, text: str) -> Intent:
    """What a text was understood as; the parts of a prompt are in English already."""
    return run.intents.get(text) or Intent.of(text, None, run.request.task)


def _rows(run: RunContext, embedded: dict[str, FloatArray], prompt: str, with_examples: bool) -> FloatArray:
    rows_SE = np.zeros((SLOTS, run.model.bundle.manifest.embedding), np.float32)
    rule, request = run.rule, run.request
    said = ((rule.prompt_slot, prompt), (Slot.MIX, request.mix_prompt), (rule.rest_slot, request.rest_prompt))
    for slot, words in said:
        if words:
            rows_SE[slot] = embedded[words]
    if with_examples and run.examples is not None:
        rows_SE[rule.prompt_slot] = run.examples.prompt(embedded[prompt] if prompt else None)
    return rows_SE


def _name_of_examples(run: RunContext) -> str:
    return f"like {Path(example_path(run.request.examples[0])).stem}" if run.request.examples else ""
