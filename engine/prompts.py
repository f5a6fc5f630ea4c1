"""Prompts to embeddings: the bundle's tokenizer, then its text graph.

Knows nothing of audio or slots.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Any

import numpy as np

from engine.backend import FloatArray, GraphSession
from engine.errors import BundleError, RequestError

PROMPT_LIMIT_CHARACTERS = 2000


class TextEncoder:
    """A text prompt encoder of a bundle.

    Args:
        graph: tokens (B, T) int64, token_mask (B, T) bool -> embedding (B, E).
        tokenizer: path of a ``tokenizers`` JSON file; id 0 pads.
        max_tokens: ``T``; longer prompts are cut.

    Raises:
        BundleError: the tokenizer cannot be read.
    """

    def __init__(self, graph: GraphSession, tokenizer: Path, max_tokens: int) -> None:
        self._graph = graph
        self._max_tokens = max_tokens
        self._tokenizer = _load(tokenizer)

    def embed(self, prompts: tuple[str, ...]) -> FloatArray:
        """Embeddings of prompts.

        Args:
            prompts: as ``check_prompt`` accepts them.

        Returns:
            float32 (prompts, embedding).
        """
        tokens_BT = np.zeros((len(prompts), self._max_tokens), np.int64)
        mask_BT = np.zeros((len(prompts), self._max_tokens), np.bool_)
        for row, prompt in enumerate(prompts):
            ids = self._tokenizer.encode(prompt.strip()).ids[: self._max_tokens]
            tokens_BT[row, : len(ids)] = ids
            mask_BT[row, : len(ids)] = True
        return self._graph.run({"tokens": tokens_BT, "token_mask": mask_BT})["embedding"]


def check_prompt(prompt: str) -> None:
    """Refuse prompts that say nothing, never end, or are no text.

    Raises:
        RequestError: nothing to see in it, longer than ``PROMPT_LIMIT_CHARACTERS``, or bytes that are no characters.
    """
    kinds = {unicodedata.category(character) for character in prompt}
    if "Cs" in kinds or "\0" in prompt:
        raise RequestError("the prompt holds bytes that are no characters; use plain words")
    if all(kind[0] in "CZ" for kind in kinds):
        raise RequestError("the prompt is empty; say in a few words what to look for, for example violin")
    if len(prompt) > PROMPT_LIMIT_CHARACTERS:
        raise RequestError(
            f"the prompt has {len(prompt)} characters; at most {PROMPT_LIMIT_CHARACTERS} are allowed, "
            "and a few words are best"
        )


def _load(path: Path) -> Any:
    from tokenizers import Tokenizer  # its library takes a while to load; only the host process needs it

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        raise BundleError(f"{path} is no tokenizer ({error}); get the bundle again") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer
