"""Known terms of a bundle and their prompt embeddings: the term nearest to a prompt decides who answers it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import BundleError
from engine.runtime.backend import FloatArray

LIMIT_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class TermTable:
    """Terms that can be told apart by prompt embeddings.

    Attributes:
        terms: in the order of ``embeddings_KE``.
        embeddings_KE: float32 (terms, embedding), of norm 1.
    """

    terms: tuple[str, ...]
    embeddings_KE: FloatArray

    @classmethod
    def of(cls, table: Mapping[str, Sequence[float]], embedding: int) -> TermTable:
        """The table of ``terms.json``; embeddings of any length.

        Args:
            embedding: numbers of each.
        """
        rows_KE = np.array(list(table.values()), np.float32).reshape(-1, embedding)
        lengths_K1 = np.linalg.norm(rows_KE, axis=1, keepdims=True)
        return cls(tuple(table), rows_KE / np.maximum(lengths_K1, np.float32(1e-12)))

    def nearest(self, prompt_E: FloatArray) -> str:
        """The term whose embedding points most in the direction of a prompt's; "" without terms, or for zeros."""
        length = float(np.linalg.norm(prompt_E))
        if not self.terms or length == 0:
            return ""
        return self.terms[int(np.argmax(self.embeddings_KE @ (prompt_E / np.float32(length))))]

    def rows(self, terms: Sequence[str]) -> FloatArray:
        """Embeddings of some of the terms, float32 (terms, embedding), of norm 1."""
        return self.embeddings_KE[[self.terms.index(term) for term in terms]]

    def named(self, prompt: str, prompt_E: FloatArray) -> str:
        """The term that a prompt's words are, else the nearest one.

        Args:
            prompt: its words; "" where there are only examples.
        """
        word = as_term(prompt)
        return word if word in self.terms else self.nearest(prompt_E)


def as_term(words: str) -> str:
    """Words as terms are written: lower case, joined by hyphens, without an article."""
    parts = words.casefold().replace("-", " ").replace("_", " ").strip().rstrip(".!?").split()
    return "-".join(parts[1:] if parts[:1] == ["the"] else parts)


def read_terms(path: Path, embedding: int) -> TermTable:
    """Read the prompt embeddings of known terms.

    Args:
        path: of ``terms.json``.
        embedding: numbers of each.

    Raises:
        BundleError: too large, or not a table of so many numbers for each term.
    """
    try:
        if path.stat().st_size > LIMIT_BYTES:
            raise ValueError(f"over {LIMIT_BYTES} bytes")
        data = json.loads(path.read_bytes())
        terms = {str(term): [float(value) for value in row] for term, row in data.items()}
        if bad := [term for term, row in terms.items() if len(row) != embedding or not np.isfinite(row).all()]:
            raise ValueError(f"{bad[0]} has not {embedding} numbers")
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError("{path} holds no terms ({reason}); get the bundle again", path=path, reason=error) from error
    return TermTable.of(terms, embedding)
