"""Audio and video encoder of a bundle: arrays in, vectors of the prompt space out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from engine.bundle.bundle import EncoderSpec
from engine.errors import BundleError
from engine.runtime.backend import FloatArray, GraphSession

AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class AudioEncoder:
    """Audio encoder: audio (B, 1, N) -> embedding (B, E)."""

    graph: GraphSession
    samples: int  # of a window
    rate_hz: int

    @classmethod
    def from_manifest(cls, encoder: EncoderSpec, graph: GraphSession) -> AudioEncoder:
        """From its entry in the manifest."""
        return cls(graph, encoder.samples, encoder.rate_hz)

    def embed(self, audio_BN: FloatArray) -> FloatArray:
        """Embeddings of windows of audio; their level does not matter.

        Args:
            audio_BN: float32 (windows, samples) at ``rate_hz``; other lengths are cut, or repeated to fill.

        Returns:
            float32 (windows, embedding).

        Raises:
            BundleError: the graph returned NaN or infinity.
        """
        if audio_BN.shape[1] < self.samples:
            audio_BN = np.pad(audio_BN, ((0, 0), (0, self.samples - audio_BN.shape[1])), mode="wrap")
        audio_B1N = np.ascontiguousarray(audio_BN[:, None, : self.samples], np.float32)
        found = [
            self.graph.run({"audio": audio_B1N[at : at + AT_ONCE]})["embedding"]
            for at in range(0, len(audio_B1N), AT_ONCE)
        ]
        return _numbers(np.concatenate(found), "audio")


@dataclass(frozen=True, slots=True)
class VideoEncoder:
    """Video encoder: frames (B, F, H, W, 3) -> picture (B, F, P), embedding (B, E)."""

    graph: GraphSession
    frames: int  # of a window
    fps: float
    size_px: int
    picture_dim: int

    @classmethod
    def from_manifest(cls, encoder: EncoderSpec, graph: GraphSession) -> VideoEncoder:
        """From its entry in the manifest."""
        return cls(graph, encoder.frames, encoder.fps, encoder.size_px, encoder.picture_dim)

    def encode(self, frames_FHWC: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
        """Encode one window of frames.

        Args:
            frames_FHWC: uint8 (frames, size, size, 3); all black means no picture.

        Returns:
            float32 (frames, picture features), and float32 (embedding,).

        Raises:
            BundleError: the graph returned NaN or infinity.
        """
        answer = self.graph.run({"frames": frames_FHWC[None].astype(np.float32) / np.float32(255)})
        return _numbers(answer["picture"][0], "scene"), _numbers(answer["embedding"][0], "scene")


def _numbers(values: FloatArray, graph: str) -> FloatArray:
    if not np.isfinite(values).all():
        raise BundleError(
            "the bundle's {graph} graph answered with values that are no numbers; use another bundle", graph=graph
        )
    return values
