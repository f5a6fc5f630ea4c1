"""What each result of a request is to sound like: one prompt for every slot, in the bundle's own terms.

Words for the stem, the whole and the rest go into rows of their own (MGE-LDM, arXiv 2505.23305, section 3.2: every
track has its own condition); what examples say joins the words of the prompt. Where another slot than the stem is made,
the prompt is about that, and words for the rest are about what goes with it. Knows nothing of audio files or windows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.inference.run import Job
from engine.latents import SLOTS, Slot
from engine.media.reference import example_path
from engine.runtime.backend import FloatArray


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that is asked for.

    Attributes:
        prompt: in words, as asked; empty where only examples say what.
        name: for the names of files.
        prompt_SE: float32 (slots, embedding); zeros where nothing is said.
    """

    prompt: str
    name: str
    prompt_SE: FloatArray


def asked_of(job: Job) -> list[Asked]:
    """What each prompt of a request asks for; a request of examples alone asks for one thing."""
    request = job.request
    words = (*request.prompts, *filter(None, (request.mix_prompt, request.rest_prompt)))
    embedded = _embedded(job, words)
    with_examples = request.task != "replace"  # there they say how the new sound is, not what to look for
    return [
        Asked(prompt, prompt or _name_of_examples(job), _rows(job, embedded, prompt, with_examples))
        for prompt in request.prompts or ("",)
    ]


def replacement_of(job: Job) -> Asked:
    """What a request asks to be put in the place of its prompts; examples say how that sounds."""
    words = job.request.replacement
    texts = tuple(filter(None, (words, job.request.mix_prompt, job.request.rest_prompt)))
    return Asked(words, words or _name_of_examples(job), _rows(job, _embedded(job, texts), words, True))


def _embedded(job: Job, words: tuple[str, ...]) -> dict[str, FloatArray]:
    if not words:
        return {}
    with job.clock.measure("prompt"):
        return dict(zip(words, job.model.text.embed(words, job.check), strict=True))


def _rows(job: Job, embedded: dict[str, FloatArray], prompt: str, with_examples: bool) -> FloatArray:
    rows_SE = np.zeros((SLOTS, job.model.bundle.manifest.embedding), np.float32)
    rule, request = job.rule, job.request
    said = ((rule.prompt_slot, prompt), (Slot.MIX, request.mix_prompt), (rule.rest_slot, request.rest_prompt))
    for slot, words in said:
        if words:
            rows_SE[slot] = embedded[words]
    if with_examples and job.examples is not None:
        rows_SE[rule.prompt_slot] = job.examples.prompt(embedded[prompt] if prompt else None)
    return rows_SE


def _name_of_examples(job: Job) -> str:
    return f"like {Path(example_path(job.request.examples[0])).stem}" if job.request.examples else ""
