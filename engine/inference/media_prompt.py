"""Images, videos and audio files as prompts: what they add to the prompt embedding, and what is seen when.

Each file is decoded once; frames stay on disk and are encoded window by window.
"""

from __future__ import annotations

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.errors import ExampleError
from engine.inference.clip import gain_into_model
from engine.inference.model import Model
from engine.media.decoder import DecodeSpec
from engine.media.encoders import VideoEncoder
from engine.media.limits import DECODE_LIMIT_S, LENGTH_LIMIT_S, TICKS_PER_FRAME
from engine.media.reference import MediaExample, beside_words, examples_of
from engine.media.sandbox import DecodedMedia, decode_apart
from engine.request import Request
from engine.runtime.backend import FloatArray
from engine.text.embedding import mean_direction

LOOKS = 8  # windows of a video whose mean is its embedding
KEPT_WINDOWS = 256  # cached picture features; prompts and candidates ask for the same windows again

Frames = npt.NDArray[np.uint8]


class VisualPrompt:
    """An image or a video on the timeline of the input; time 0 is the start of both.

    Args:
        media: its frames; must stay open while this is used.
    """

    def __init__(self, media: DecodedMedia, encoder: VideoEncoder) -> None:
        self._media = media
        self._encoder = encoder
        self._shown_T = media.shown()
        self._windows: OrderedDict[float, tuple[FloatArray, FloatArray]] = OrderedDict()

    def frames(self, start_s: float) -> Frames:
        """Frames of a window, uint8 (frames, size, size, 3); black where there are none.

        Args:
            start_s: where the window begins; may lie before or after the video. An image is seen at any time.
        """
        size = self._encoder.size_px
        seen: Frames = np.zeros((self._encoder.frames, size, size, 3), np.uint8)
        for row, number in enumerate(self._numbers(start_s)):
            if number >= 0:
                seen[row] = self._media.frame(number)
        return seen

    def window(self, start_s: float) -> tuple[FloatArray, FloatArray]:
        """Encode a window: float32 (frames, picture features), zeros where nothing is seen; and (embedding,)."""
        key = 0.0 if self._media.kind == "image" else start_s
        if key not in self._windows:
            frames_FHWC = self.frames(start_s)
            picture_FP, embedding_E = self._encoder.encode(frames_FHWC)
            seen_F1 = frames_FHWC.max(axis=(1, 2, 3))[:, None] > 0
            self._windows[key] = np.where(seen_F1, picture_FP, np.float32(0)), embedding_E * seen_F1.any()
            if len(self._windows) > KEPT_WINDOWS:
                self._windows.popitem(last=False)
        self._windows.move_to_end(key)
        return self._windows[key]

    def embedding(self) -> FloatArray:
        """Embedding of the whole image or video, float32 (embedding,)."""
        window_s = self._encoder.frames / self._encoder.fps
        length_s = len(self._shown_T) / self._ticks_hz
        count = 1 if self._media.kind == "image" else min(LOOKS, max(1, int(np.ceil(length_s / window_s))))
        starts_s = np.linspace(0.0, max(0.0, length_s - window_s), count)
        return mean_direction(np.stack([self.window(float(start_s))[1] for start_s in starts_s]))

    @property
    def _ticks_hz(self) -> float:
        return self._encoder.fps * TICKS_PER_FRAME

    def _numbers(self, start_s: float) -> npt.NDArray[np.int64]:
        """Index of the nearest frame for each frame of a window; -1 where there is none."""
        if self._media.kind == "image":
            return np.zeros(self._encoder.frames, np.int64)
        time_F = start_s + np.arange(self._encoder.frames) / self._encoder.fps
        tick_F = np.floor(time_F * self._ticks_hz + 0.5).astype(np.int64)
        if self._media.loops:
            return np.where(tick_F >= 0, self._shown_T[tick_F % len(self._shown_T)], -1)
        inside_F = (tick_F >= 0) & (tick_F < len(self._shown_T))
        return np.where(inside_F, self._shown_T[np.clip(tick_F, 0, len(self._shown_T) - 1)], -1)


class EncodedExamples:
    """The encoded examples of a request; see ``engine.inference.run.Examples``.

    Args:
        embeddings_KE: float32 (examples, embedding).
        visuals: the images and videos among them.
        weight: of the examples against the words, 0 to 1.
        shape_FP: of the picture features of a window.
    """

    def __init__(
        self, embeddings_KE: FloatArray, visuals: list[VisualPrompt], weight: float, shape_FP: tuple[int, int]
    ) -> None:
        self.embedding_E = mean_direction(embeddings_KE)
        self._visuals = visuals
        self._weight = weight
        self._shape_FP = shape_FP

    def prompt(self, text_E: FloatArray | None) -> FloatArray:
        """Embedding of words and examples together, float32 (embedding,).

        Args:
            text_E: float32 (embedding,) of the words; None where there are none.

        Source: interpolation between prompts as in MGE-LDM (arXiv 2505.23305), appendix E.3.
        """
        if text_E is None or not text_E.any():
            return self.embedding_E
        return mean_direction(np.stack([text_E, self.embedding_E]), (1 - self._weight, self._weight))

    def picture(self, start_s: float) -> FloatArray:
        """Picture features of the window that begins ``start_s`` seconds into the input.

        Returns:
            float32 (picture frames, picture features); zeros where nothing is seen, the mean where several examples
            show something.
        """
        if not self._visuals:
            return np.zeros(self._shape_FP, np.float32)
        pictures_KFP = np.stack([visual.window(start_s)[0] for visual in self._visuals])
        seen_KF1 = pictures_KFP.any(axis=2, keepdims=True)
        mean_FP: FloatArray = pictures_KFP.sum(axis=0) / np.maximum(seen_KF1.sum(axis=0), 1).astype(np.float32)
        return mean_FP


@contextlib.contextmanager
def open_examples(
    model: Model, request: Request, length_s: float | None, folder: Path, check: Callable[[], None]
) -> Iterator[EncodedExamples | None]:
    """Decode and encode the examples of a request.

    Args:
        request: as ``engine.checks`` accepts it.
        length_s: how much of a video can be needed, from its start; None means all of it.
        folder: where decoded frames are kept while this is open.
        check: raises to stop.

    Yields:
        The encoded examples; None where the request has none or their weight is 0.

    Raises:
        ExampleError: a file cannot be used, or the bundle does not take its kind.
    """
    named = list(examples_of(request))
    if not named:
        yield None
        return
    with contextlib.ExitStack() as stack:
        visuals: list[VisualPrompt] = []
        embeddings: list[FloatArray] = []
        for example in named:
            seems = _kind(model, example)
            found = decode_apart(example, _decode_spec(model, example, seems, length_s), folder, check)
            stack.enter_context(found)
            if found.kind == "audio":
                embeddings.append(_embed_audio(model, example, found))
            else:
                visuals.append(VisualPrompt(found, _video_encoder(model, example, found.kind)))
                embeddings.append(visuals[-1].embedding())
        if not beside_words(request) and not mean_direction(np.stack(embeddings)).any():
            raise ExampleError("the examples show nothing but black; give others, or say in words what to look for")
        video = model.video
        shape_FP = (video.frames, video.picture_dim) if video is not None else (0, 0)
        yield EncodedExamples(np.stack(embeddings), visuals, request.example_weight, shape_FP)


def _decode_spec(model: Model, example: MediaExample, seems: str, length_s: float | None) -> DecodeSpec:
    audio, video = model.audio, model.video
    start_s, end_s = example.part_s
    lasts_s = 0.0  # images and audio are quick; a video is given as much time as it lasts
    if seems in ("video", "container"):
        lasts_s = min(_or_limit(length_s), _or_limit(None if end_s is None else end_s - start_s))
    return DecodeSpec(
        kind=example.kind,
        part_s=example.part_s,
        length_s=length_s,
        size_px=0 if video is None else video.size_px,
        ticks_hz=0.0 if video is None else video.fps * TICKS_PER_FRAME,
        rate_hz=0 if audio is None else audio.rate_hz,
        samples=0 if audio is None else audio.samples,
        limit_s=DECODE_LIMIT_S + lasts_s,
    )


def _embed_audio(model: Model, example: MediaExample, found: DecodedMedia) -> FloatArray:
    """Mean direction of the windows of an audio file, all brought to the model's level by one gain."""
    if model.audio is None:
        raise _not_taken(model, example, "audio")
    windows_KN = found.sound()
    loudest = float(np.square(windows_KN, dtype=np.float64).mean(axis=1).max())
    return mean_direction(model.audio.embed(windows_KN * np.float32(gain_into_model(loudest))))


def _video_encoder(model: Model, example: MediaExample, kind: str) -> VideoEncoder:
    if model.video is None:
        raise _not_taken(model, example, kind)
    return model.video


def _or_limit(seconds: float | None) -> float:
    return LENGTH_LIMIT_S if seconds is None else min(seconds, LENGTH_LIMIT_S)


def _kind(model: Model, example: MediaExample) -> str:
    """Guess the kind of a file; refuse what the bundle has no encoder for before anything is decoded."""
    guess = example.guess_kind()
    kind = example.kind or guess
    lacking = model.video is None if kind in ("image", "video") else model.audio is None
    if kind == "container":
        lacking = model.video is None and model.audio is None
    if lacking:
        raise _not_taken(model, example, kind)
    return kind


_REFUSALS = {  # by the kind of a file, and whether the bundle takes the other kinds
    ("image", False): "the bundle {bundle} takes no pictures as examples, so {example} cannot be used; it takes words",
    ("image", True): (
        "the bundle {bundle} takes no pictures as examples, so {example} cannot be used; it takes words and sounds"
    ),
    ("video", False): "the bundle {bundle} takes no videos as examples, so {example} cannot be used; it takes words",
    ("video", True): (
        "the bundle {bundle} takes no videos as examples, so {example} cannot be used; it takes words and sounds; "
        "to have the sound of it heard, give it as audio"
    ),
    ("audio", False): "the bundle {bundle} takes no sounds as examples, so {example} cannot be used; it takes words",
    ("audio", True): (
        "the bundle {bundle} takes no sounds as examples, so {example} cannot be used; "
        "it takes words, pictures and videos"
    ),
    ("container", False): (
        "the bundle {bundle} takes no videos and no sounds as examples, so {example} cannot be used; it takes words"
    ),
}


def _not_taken(model: Model, example: MediaExample, kind: str) -> ExampleError:
    others = (model.video if kind == "audio" else model.audio) is not None
    return ExampleError(_REFUSALS[kind, others], bundle=model.bundle.label, example=example.name)
