"""Example files that show what to look for: images, videos, audio, and which bundle takes which.

Goes by names alone, for what is inside a file the engine finds out.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from engine import ExampleError, RequestError


@dataclass(frozen=True, slots=True)
class ExampleKind:
    """One row: what it is called, what many of it are called, the encoder a bundle needs for it, its icon."""

    words: str
    plural: str
    encoder: str
    icon: str


KINDS: dict[str, ExampleKind] = {
    "image": ExampleKind("image", "images", "scene", "picture"),
    "video": ExampleKind("video", "videos", "scene", "film"),
    "audio": ExampleKind("audio file", "audio files", "audio", "wave"),
}
PATTERNS = (  # for a file dialog
    "*.png *.jpg *.jpeg *.webp *.bmp *.gif *.mp4 *.mov *.mkv *.webm *.avi *.wav *.flac *.ogg *.mp3 *.aif *.aiff *.m4a"
)


def kind_of(path: Path) -> ExampleKind:
    """The kind of an example, by its file name.

    Raises:
        ExampleError: none of them.
    """
    guessed = mimetypes.guess_type(path.name)[0] or ""
    try:
        return KINDS[guessed.split("/")[0]]
    except KeyError:
        raise ExampleError(
            "{file} is not an image, video or audio file; drop one of these to show what to look for", file=path.name
        ) from None


def usable(encoders: Collection[str]) -> list[ExampleKind]:
    """The kinds that a bundle with these encoders takes."""
    return [kind for kind in KINDS.values() if kind.encoder in encoders]


def check_example(path: Path, bundle: str, encoders: Collection[str]) -> ExampleKind:
    """Check that a bundle takes an example.

    Args:
        bundle: name and version, for the sentence.
        encoders: kinds of prompts the bundle has graphs for.

    Raises:
        ExampleError: it is no picture, video or sound, or it is gone.
        RequestError: the bundle has no encoder for it.
    """
    kind = kind_of(path)
    if not path.is_file():
        raise ExampleError("there is no file {path}; it may have been moved or deleted", path=path)
    if kind.encoder not in encoders:
        raise RequestError(
            "the bundle {bundle} accepts no {kinds}; choose another bundle, or describe it in words",
            bundle=bundle,
            kinds=kind.plural,
        )
    return kind
