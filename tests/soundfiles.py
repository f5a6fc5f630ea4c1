"""Sound files of every kind and with every fault, made on the spot: a known sound, then bytes changed."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import soundfile

RATE_HZ = 44_100
SAMPLES = 30_000


def sound(samples: int = SAMPLES, channels: int = 2, rate_hz: int = RATE_HZ) -> np.ndarray:
    """A sweep and a little noise on a grid of 16 bits, float64 (samples, channels); nowhere silent."""
    time_N = np.arange(samples) / rate_hz
    sweep_N = 0.4 * np.sin(2 * np.pi * (200 + 900 * time_N) * time_N)
    noise_NC = np.random.default_rng(5).uniform(-0.05, 0.05, (samples, channels))
    return np.rint((sweep_N[:, None] * np.linspace(1, 0.7, channels) + noise_NC) * 32767) / 32768


def with_libsndfile(path: Path, container: str, subtype: str | None = None, **of_sound: int) -> bytes:
    """Write the sound with libsndfile, and return the bytes of the file."""
    rate_hz = of_sound.get("rate_hz", RATE_HZ)
    audio_NC = sound(**of_sound)
    with soundfile.SoundFile(path, "w", rate_hz, audio_NC.shape[1], subtype, format=container) as file:
        for at in range(0, len(audio_NC), 1 << 14):  # Vorbis at once would overflow libsndfile's stack
            file.write(audio_NC[at : at + (1 << 14)])
    return path.read_bytes()


def with_av(
    path: Path, codec: str, container: str, *, sample_format: str = "s16", samples: int = SAMPLES,
    rate_hz: int = RATE_HZ, film: bool = False, options: dict[str, str] | None = None,
    values: np.ndarray | None = None,
) -> bytes:  # fmt: skip
    """Write the sound with FFmpeg, in a film where asked for, and return the bytes of the file.

    ``values`` (samples, 2) stand in for the sound, as they are.
    """
    values_NC = as_stored(sound(samples, 2, rate_hz), sample_format) if values is None else values
    with av.open(str(path), "w", format=container, container_options=options or {}) as out:
        picture = None
        if film:
            picture = out.add_stream("mpeg4", rate=10)
            picture.width = picture.height = 64
            picture.pix_fmt = "yuv420p"
        stream = out.add_stream(codec, rate=rate_hz)
        stream.layout = "stereo"
        stream.format = sample_format
        stream.bit_rate = 128_000  # WMA has no usual one
        if picture is not None:
            for number in range(samples * 10 // rate_hz + 1):
                frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), 20 * number % 255, np.uint8), format="rgb24")
                frame.pts = number
                for packet in picture.encode(frame):
                    out.mux(packet)
            for packet in picture.encode():
                out.mux(packet)
        fill_stream(out, stream, values_NC, sample_format, rate_hz)
    return path.read_bytes()


def as_stored(audio_NC: np.ndarray, sample_format: str) -> np.ndarray:
    """A sound in the numbers of a sample format."""
    if sample_format.startswith("flt"):
        return audio_NC.astype(np.float32)
    values_NC = np.rint(audio_NC * 32768).astype(np.int16)
    return values_NC.astype(np.int32) << 16 if sample_format.startswith("s32") else values_NC


def fill_stream(out, stream, values_NC: np.ndarray, sample_format: str, rate_hz: int) -> None:
    """Encode a sound into a stream of a container."""
    fifo = av.AudioFifo()
    data = values_NC.T if sample_format.endswith("p") else values_NC.reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(data), format=sample_format, layout="stereo")
    frame.sample_rate = rate_hz
    frame.pts = 0
    fifo.write(frame)
    size = stream.codec_context.frame_size or 4096
    while (part := fifo.read(size, partial=True)) is not None:
        for packet in stream.encode(part):
            out.mux(packet)
    for packet in stream.encode(None):
        out.mux(packet)


Damage = Callable[[bytes], bytes]


def patched(at: int, data: bytes) -> Damage:
    """Other bytes at an offset."""
    return lambda whole: whole[:at] + data + whole[at + len(data) :]


def followed_by(data: bytes) -> Damage:
    """More bytes behind the file."""
    return lambda whole: whole + data


def preceded_by(data: bytes) -> Damage:
    """More bytes in front of the file."""
    return lambda whole: data + whole


def half(whole: bytes) -> bytes:
    """The first half of the file."""
    return whole[: len(whole) // 2]


def id3v2(payload: int = 500) -> bytes:
    """An ID3v2.4 tag with padding."""
    size = bytes(payload >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\0\0" + size + bytes(payload)


def ape(items: int = 3000) -> bytes:
    """An APEv2 tag with header and footer."""
    flags = 0x80000000
    front = b"APETAGEX" + struct.pack("<IIII", 2000, items + 32, 1, flags | 0x20000000) + bytes(8)
    back = b"APETAGEX" + struct.pack("<IIII", 2000, items + 32, 1, flags) + bytes(8)
    return front + b"\x01" * items + back


ID3V1 = b"TAG" + b"title".ljust(125, b"\0")
