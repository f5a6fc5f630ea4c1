"""Prompts to embeddings: the bundle's tokenizer, then its text graph; a story is heard sentence by sentence."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import BundleError, RequestError
from engine.runtime.backend import FloatArray, GraphSession
from engine.text.embedding import mean_direction
from engine.text.intent import Intent

PROMPT_LIMIT_CHARACTERS = 20_000  # a story; some 3,000 words
ROWS_AT_ONCE = 64
PARTS_LIMIT = 1024  # of all prompts of a call, some seconds of work

_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？])|\n+")


class StoryEncoder:
    """What makes one embedding of those of the pieces of a long text.

    Args:
        graph: pieces (B, K, E), piece_mask (B, K) bool -> embedding (B, E).
        pieces: ``K``; neighbours of a longer text are blended.
    """

    def __init__(self, graph: GraphSession, pieces: int) -> None:
        self._graph = graph
        self._pieces = pieces

    def embed(self, pieces_KE: FloatArray) -> FloatArray:
        """One vector of the prompt space, float32 (embedding,), from those of the pieces in order."""
        groups = np.array_split(pieces_KE, min(self._pieces, len(pieces_KE)))
        whole_1KE = np.zeros((1, self._pieces, pieces_KE.shape[1]), np.float32)
        mask_1K = np.arange(self._pieces)[None] < len(groups)
        for number, group_KE in enumerate(groups):
            whole_1KE[0, number] = group_KE[0] if len(group_KE) == 1 else mean_direction(group_KE)
        embedding_E: FloatArray = self._graph.run({"pieces": whole_1KE, "piece_mask": mask_1K})["embedding"][0]
        return embedding_E


class TextEncoder:
    """A text prompt encoder of a bundle.

    Args:
        graph: tokens (B, T) int64, token_mask (B, T) bool -> embedding (B, E).
        tokenizer: path of a ``tokenizers`` JSON file; id 0 pads.
        max_tokens: ``T``; longer prompts are heard in parts.
        story: what the parts come to; None means that their directions are averaged.

    Raises:
        BundleError: the tokenizer cannot be read.
    """

    def __init__(
        self,
        graph: GraphSession,
        tokenizer: Path,
        max_tokens: int,
        story: StoryEncoder | None = None,
    ) -> None:
        self._graph = graph
        self._max_tokens = max_tokens
        self._tokenizer = _load(tokenizer)
        self._story = story

    def embed(self, prompts: Sequence[Intent], check: Callable[[], None] = lambda: None) -> FloatArray:
        """Embeddings of prompts.

        A prompt of more than ``max_tokens`` lies between the names it holds and means, if any; else it is cut into
        sentences, and sentences that are still too long into pieces, and lies between those.

        Args:
            prompts: what each was understood as.
            check: raises to stop; called between prompts and between runs of the graph.

        Returns:
            float32 (prompts, embedding).

        Raises:
            RequestError: more than ``PARTS_LIMIT`` parts.
        """
        named, parts = list[list[list[int]]](), list[list[list[int]]]()
        for prompt in prompts:
            check()
            too_long = prompt.names and len(self._ids(prompt.target)) > self._max_tokens
            named.append([self._ids(name) for name in prompt.names] if too_long else [])
            parts.append(named[-1] or self._parts(prompt.english))
        count = sum(map(len, parts))
        if count > PARTS_LIMIT:
            raise RequestError(
                "the prompts have {count} sentences or names; at most {most} are heard in one call, "
                "so say it in fewer words or make several calls", count=count, most=PARTS_LIMIT,
            )  # fmt: skip
        rows_RE = self._rows([ids for ids_of_one in parts for ids in ids_of_one], check)
        found, at = [], 0
        for names, ids_of_one in zip(named, parts, strict=True):
            part_RE = rows_RE[at : at + len(ids_of_one)]
            found.append(mean_direction(part_RE) if names else self._joined(part_RE))
            at += len(ids_of_one)
        return np.stack(found)

    def _joined(self, part_RE: FloatArray) -> FloatArray:
        if len(part_RE) == 1:
            only_E: FloatArray = part_RE[0]
            return only_E
        return mean_direction(part_RE) if self._story is None else self._story.embed(part_RE)

    def _parts(self, prompt: str) -> list[list[int]]:
        """Tokens of the parts of a prompt, each of ``max_tokens`` at most."""
        whole = self._ids(prompt)
        if len(whole) <= self._max_tokens:
            return [whole]
        sentences = [sentence for sentence in _SENTENCE_END.split(prompt) if sentence.strip()]
        return [ids for sentence in sentences for ids in self._halved(sentence) if ids]

    def _halved(self, sentence: str) -> list[list[int]]:
        """Tokens of a sentence, cut into halves of its words until each fits; the last resort is to cut a word."""
        ids, words, size = self._ids(sentence), sentence.split(), self._max_tokens
        if len(ids) <= size:
            return [ids]
        if len(words) == 1:
            return [ids[at : at + size] for at in range(0, len(ids), size)]
        half = len(words) // 2
        return [*self._halved(" ".join(words[:half])), *self._halved(" ".join(words[half:]))]

    def _ids(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text.strip()).ids
        return ids

    def _rows(self, rows: list[list[int]], check: Callable[[], None]) -> FloatArray:
        found = []
        for first in range(0, len(rows), ROWS_AT_ONCE):
            check()
            some = rows[first : first + ROWS_AT_ONCE]
            tokens_BT = np.zeros((len(some), self._max_tokens), np.int64)
            mask_BT = np.zeros((len(some), self._max_tokens), np.bool_)
            for row, ids in enumerate(some):
                tokens_BT[row, : len(ids)] = ids
                mask_BT[row, : len(ids)] = True
            found.append(self._graph.run({"tokens": tokens_BT, "token_mask": mask_BT})["embedding"])
        return np.concatenate(found)


def check_prompt(prompt: str) -> None:
    """Refuse prompts that say nothing, never end, or are no text.

    Raises:
        RequestError: no letter, number or symbol in it, more than ``PROMPT_LIMIT_CHARACTERS``, or no text.
    """
    kinds = {unicodedata.category(character) for character in prompt}
    if "Cs" in kinds or "\0" in prompt:
        raise RequestError("the prompt holds bytes that are no characters; use plain words")
    if all(kind[0] in "CZPM" for kind in kinds):
        raise RequestError("the prompt is empty; say in a few words what to look for, for example violin")
    if len(prompt) > PROMPT_LIMIT_CHARACTERS:
        raise RequestError(
            "the prompt has {count} characters; at most {most} are allowed, "
            "and a few words are best to find something", count=len(prompt), most=PROMPT_LIMIT_CHARACTERS,
        )  # fmt: skip


def _load(path: Path) -> Any:
    from tokenizers import Tokenizer  # its library takes a while to load; only the host process needs it

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise BundleError("{path} is no tokenizer ({error}); get the bundle again", path=path, error=error) from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
