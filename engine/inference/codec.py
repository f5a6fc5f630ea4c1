"""Audio to latents and back, one batch of windows at a time."""

from __future__ import annotations

import numpy as np

from engine.errors import BundleError
from engine.runtime.backend import FloatArray, GraphSession


class Codec:
    """Encoder and decoder graph of a bundle; latents have unit scale."""

    def __init__(self, encode: GraphSession, decode: GraphSession) -> None:
        self._encode = encode
        self._decode = decode

    def encode(self, audio_BN: FloatArray) -> FloatArray:
        """Encode windows of audio.

        Args:
            audio_BN: float32 (windows, samples of a window) at the model's rate.

        Returns:
            float32 (windows, latent channels, frames).

        Raises:
            BundleError: the graph returned NaN or infinity.
        """
        return _numbers(self._encode.run({"audio": audio_BN[:, None]})["latents"], "encode")

    def decode(self, z_BDL: FloatArray) -> FloatArray:
        """Decode windows of latents.

        Args:
            z_BDL: float32 (windows, latent channels, frames).

        Returns:
            float32 (windows, samples of a window) at the model's rate.

        Raises:
            BundleError: the graph returned NaN or infinity.
        """
        return _numbers(self._decode.run({"latents": z_BDL})["audio"][:, 0], "decode")


def _numbers(values: FloatArray, graph: str) -> FloatArray:
    if not np.isfinite(values).all():
        raise BundleError(
            "the bundle's {graph} graph answered with values that are no numbers; use another bundle", graph=graph
        )
    return values
