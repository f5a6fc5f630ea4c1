"""Videos to small square frames and to audio, with PyAV. Runs in the decoder process.

Only listed containers are read, from an open file and not by name, so that nothing in a file can make FFmpeg open
another file or an address. Rotation, mirroring (display matrix) and pixel shape are honoured.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction
from typing import Any, BinaryIO

import av
import numpy as np
import numpy.typing as npt

from engine.media.frames import Frame, fitted_px, with_bars
from engine.media.limits import CHANNELS_LIMIT, FRAME_LIMIT_PIXELS, SIDE_LIMIT_PX, UnusableFile

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,ogg,flv,asf,ivf,nut,mxf,dv,h264,hevc,m4v,"
    "mp3,wav,flac,aac,ac3,eac3,aiff,caf,w64,au,amr,ape,wv,tta,tak,rm,dsf,mpc8,mpc,dts,truehd"
)
NOTHING_KNOWN = "is no picture, video or sound that can be read, or is damaged; use PNG, JPEG, MP4, WebM, WAV or MP3"
LAST_FRAME_S = 1 / 8  # how long a last frame is shown that does not say it


class NotAContainer(UnusableFile):
    """The file is not a supported container."""


class NoAudioStream(UnusableFile):
    """The file has no audio stream."""


@contextlib.contextmanager
def open_container(file: BinaryIO) -> Iterator[Any]:
    """Open the container in a file.

    Raises:
        NotAContainer: it is not a supported one, or damaged.
    """
    file.seek(0)
    options = {"format_whitelist": CONTAINERS, "protocol_whitelist": "none"}
    try:
        container = av.open(file, options=options, metadata_errors="ignore")
    except (av.FFmpegError, ValueError, OSError) as error:  # OSError: a place before the beginning, by a damaged header
        raise NotAContainer(NOTHING_KNOWN) from error
    with container:
        yield container


def video_stream(container: Any) -> Any | None:
    """The video stream; None when there is none. Cover art does not count."""
    streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
    return streams[0] if streams else None


def video_frames(container: Any, stream: Any, size_px: int, from_s: float) -> Iterator[tuple[float, float, Frame]]:
    """Decode the frames of a video from shortly before ``from_s``, in the order they are shown.

    Yields:
        start and duration, in seconds from the start of the file, and uint8 (size, size, 3).

    Raises:
        UnusableFile: its frames are too large, or none can be decoded.
    """
    context = stream.codec_context
    if context.width * context.height > FRAME_LIMIT_PIXELS or max(context.width, context.height) > SIDE_LIMIT_PX:
        raise UnusableFile(
            "has frames of {width} x {height} pixels; at most {millions} million are read, so save it smaller",
            width=context.width, height=context.height, millions=FRAME_LIMIT_PIXELS // 1_000_000,
        )  # fmt: skip
    start_s = _start_s(container, stream)
    usual_s = float(1 / (stream.average_rate or Fraction(1) / Fraction(LAST_FRAME_S)))
    if from_s > 0:
        with contextlib.suppress(av.FFmpegError):  # what cannot seek is read from its start
            container.seek(int((from_s + start_s) * av.time_base), backward=True, any_frame=False)
    last_s = -1.0
    for frame in _decoded(container, stream):
        if frame.width * frame.height > FRAME_LIMIT_PIXELS:
            raise UnusableFile("changes its size beyond what is read; save it again")
        at_s = last_s + usual_s if frame.pts is None else float(frame.pts * frame.time_base) - start_s
        if at_s <= last_s:  # it goes back in time
            continue
        last_s = at_s
        shown_s = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else usual_s
        yield at_s, shown_s, _small(frame, stream, size_px)


def audio_blocks(container: Any, rate_hz: int) -> Iterator[npt.NDArray[np.float32]]:
    """Decode the audio of a file as mono at a rate, block by block.

    Raises:
        NoAudioStream: it has none.
        UnusableFile: it has too many channels, or cannot be decoded.
    """
    if not container.streams.audio:
        raise NoAudioStream("holds no sound")
    stream = container.streams.audio[0]
    if not 1 <= stream.channels <= CHANNELS_LIMIT:
        raise UnusableFile(
            "has {channels} channels; at most {limit} are read", channels=stream.channels, limit=CHANNELS_LIMIT
        )
    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate_hz)
    for frame in _decoded(container, stream):
        for part in resampler.resample(frame):
            yield part.to_ndarray().reshape(-1).astype(np.float32)
    for part in resampler.resample(None):
        yield part.to_ndarray().reshape(-1).astype(np.float32)


def _decoded(container: Any, stream: Any) -> Iterator[Any]:
    """Decode a stream; a damaged end is left out, as players do."""
    some = False
    source = container.decode(stream)
    while True:
        try:
            frame = next(source)
        except StopIteration:
            break
        except av.FFmpegError as error:
            if not some:
                reason = str(error.strerror or error)
                raise UnusableFile("cannot be decoded ({reason}); save it again", reason=reason) from error
            break
        some = True
        yield frame
    if not some:
        raise UnusableFile("holds nothing that can be decoded; save it again")


def _start_s(container: Any, stream: Any) -> float:
    """Time 0 of the file: the start of its first stream."""
    if container.start_time is not None:
        return float(container.start_time / av.time_base)
    return float(stream.start_time * stream.time_base) if stream.start_time is not None else 0.0


def _small(frame: Any, stream: Any, size_px: int) -> Frame:
    shape = stream.sample_aspect_ratio or 1
    turn = _orientation(frame)
    width, height = fitted_px(frame.width * float(shape), frame.height, size_px)
    small = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA").to_ndarray()
    return with_bars(_turned(small, turn), size_px)


def _orientation(frame: Any) -> tuple[int, int, int, int]:
    """Rotation and mirroring of the display matrix: x' = a x + c y, y' = b x + d y, as (a, b, c, d)."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return 1, 0, 0, 1
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    return a, b, c, d


def _turned(picture: Frame, turn: tuple[int, int, int, int]) -> Frame:
    a, b, c, d = turn
    if abs(b) > abs(a):  # sides change places
        picture = picture.transpose(1, 0, 2)
        a, d = c, b
    picture = picture[:, ::-1] if a < 0 else picture
    return picture[::-1] if d < 0 else picture
