"""The prompt space shared by words, audio and images: vectors of E numbers and norm sqrt(E); zeros mean no prompt."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.runtime.backend import FloatArray

_LEAST_NORM = 1e-6


def mean_direction(vectors_KE: FloatArray, weights_K: Sequence[float] | None = None) -> FloatArray:
    """Weighted mean of the directions of several vectors.

    Args:
        vectors_KE: float32 (vectors, embedding); zeros are ignored.
        weights_K: of each; None means equal weights.

    Returns:
        float32 (embedding,), of norm sqrt(E); zeros where the vectors cancel or there is nothing to blend.

    Source: interpolation of conditions as in MGE-LDM (arXiv 2505.23305), appendix E.3.
    """
    weights_K1 = np.ones((len(vectors_KE), 1)) if weights_K is None else np.asarray(weights_K, np.float64)[:, None]
    mean_E = (weights_K1 * _directions(vectors_KE)).sum(axis=0)
    norm = float(np.linalg.norm(mean_E))
    if norm < _LEAST_NORM:
        return np.zeros(vectors_KE.shape[1], np.float32)
    blend_E: FloatArray = (mean_E * (np.sqrt(len(mean_E)) / norm)).astype(np.float32)
    return blend_E


def cosine_similarity(vectors_BE: FloatArray, vector_E: FloatArray) -> FloatArray:
    """Cosine of each vector with one, float32 (vectors,), -1 to 1; 0 where either is zero."""
    cosine_B: FloatArray = (_directions(vectors_BE) @ _directions(vector_E[None])[0]).astype(np.float32)
    return np.clip(cosine_B, -1.0, 1.0)


def _directions(vectors_KE: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    wide_KE = np.asarray(vectors_KE, np.float64)
    norms_K1 = np.linalg.norm(wide_KE, axis=1, keepdims=True)
    return np.where(norms_K1 < _LEAST_NORM, 0.0, wide_KE / np.maximum(norms_K1, _LEAST_NORM))
