"""Audio to latents and back, one batch of windows at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.inference.device_sampler import DeviceLatents
from engine.inference.numbers import all_numbers
from engine.latents import Slot
from engine.runtime.backend import DeviceTensor, FloatArray, GraphSession, ResidentSession, resident_session


class Codec:
    """Encoder and decoder graph of a bundle; latents have unit scale."""

    def __init__(self, encode: GraphSession, decode: GraphSession) -> None:
        self._encode = encode
        self._decode = decode

    def decode_slots(self, latents: FloatArray | DeviceLatents, slots: Sequence[Slot]) -> FloatArray:
        """Decode some slots of sampled latents; those on a device go to its decoder without a way through the host.

        Args:
            latents: float32 (windows, slots, latent channels, frames), or what ``sample_latents`` left on a device.

        Returns:
            float32 (slots, windows, samples of a window) at the model's rate.

        Raises:
            BundleError: the graph returned NaN or infinity.
        """
        resident = resident_session(self._decode)
        if isinstance(latents, DeviceLatents):
            if resident is not None:
                return all_numbers(latents.decoded(resident, slots), "decode")
            latents = latents.numpy()
        decoded_KN = self.decode(np.concatenate([latents[:, slot] for slot in slots]))
        return decoded_KN.reshape(len(slots), len(latents), -1)

    @property
    def resident_decoder(self) -> ResidentSession | None:
        """The decoder, where it may read what is on its device."""
        return resident_session(self._decode)

    @property
    def resident_encoder(self) -> ResidentSession | None:
        """The encoder, where what it gives may stay on its device."""
        return resident_session(self._encode)

    def encode(self, audio_BN: FloatArray) -> FloatArray:
        """Encode windows of audio.

        Args:
            audio_BN: float32 (windows, samples of a window) at the model's rate.

        Returns:
            float32 (windows, latent channels, frames).

        Raises:
            BundleError: the graph returned NaN or infinity.
        """
        return all_numbers(self._encode.run({"audio": audio_BN[:, None]})["latents"], "encode")

    def decode_there(self, decoder: ResidentSession, latents: DeviceTensor, rows: int) -> FloatArray:
        """Decode latents that are on the device.

        Args:
            decoder: see ``resident_decoder``.
            latents: float32 (windows, latent channels, frames), with the padding of a batch.
            rows: windows without it.

        Returns:
            float32 (windows, samples of a window) at the model's rate.

        Raises:
            BundleError: the graph returned NaN or infinity.
        """
        return all_numbers(decoder.run_tensors({"latents": latents})["audio"].numpy(rows)[:, 0], "decode")

    def decode(self, z_BDL: FloatArray) -> FloatArray:
        """Decode windows of latents.

        Args:
            z_BDL: float32 (windows, latent channels, frames).

        Returns:
            float32 (windows, samples of a window) at the model's rate.

        Raises:
            BundleError: the graph returned NaN or infinity.
        """
        return all_numbers(self._decode.run({"latents": z_BDL})["audio"][:, 0], "decode")
