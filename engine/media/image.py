"""Images and animations to small square frames, with Pillow. Runs in the decoder process.

EXIF orientation, transparency (over white), palettes, CMYK and 16 bits are honoured. The whole image is kept: it is
fitted into the square, with black bars.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.media.frames import Frame, fitted_px, with_bars
from engine.media.limits import PICTURE_LIMIT_PIXELS, SIDE_LIMIT_PX, UnusableFile

FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF", "BMP", "DIB", "TIFF", "PPM", "ICO", "JPEG2000", "PSD", "QOI")
ANIMATED = ("GIF", "WEBP", "PNG", "AVIF")  # the pages of a TIFF are no moving picture
SHORTEST_FRAME_S, USUAL_FRAME_S = 0.011, 0.1  # what says less than a hundredth is shown for a tenth, as browsers do
WHITE = (255, 255, 255)


def open_image(file: BinaryIO) -> Image.Image | None:
    """Open the image in a file, without decoding it; None when there is none.

    Raises:
        UnusableFile: it is larger than allowed.
    """
    Image.MAX_IMAGE_PIXELS = None  # this process has limits of its own, with a sentence
    warnings.simplefilter("ignore")
    file.seek(0)
    try:
        image = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError:
        return None
    except (OSError, ValueError, SyntaxError, MemoryError) as error:
        raise UnusableFile("is a damaged picture ({reason}); save it again", reason=_words(error)) from error
    width, height = image.size
    if width * height > PICTURE_LIMIT_PIXELS or max(width, height) > SIDE_LIMIT_PX:
        raise UnusableFile(
            "has {width} x {height} pixels; at most {millions} million and {side} on a side are read, "
            "so save it smaller",
            width=width, height=height, millions=PICTURE_LIMIT_PIXELS // 1_000_000, side=SIDE_LIMIT_PX,
        )  # fmt: skip
    return image


def is_animated(image: Image.Image) -> bool:
    """True for an image with more than one frame."""
    return image.format in ANIMATED and bool(getattr(image, "is_animated", False))


def loops(image: Image.Image) -> bool:
    """True for an animation that starts again at its end."""
    return bool(image.info.get("loop", 1) == 0)


def first_frame(image: Image.Image, size_px: int) -> Frame:
    """Decode the first frame of an image, uint8 (size, size, 3).

    Raises:
        UnusableFile: it is damaged.
    """
    try:
        image.draft(None, (4 * size_px, 4 * size_px))  # a JPEG is decoded at half, a quarter or an eighth
        return _square(ImageOps.exif_transpose(image), size_px)
    except (OSError, ValueError, SyntaxError, EOFError, IndexError, ZeroDivisionError) as error:
        raise UnusableFile("is a damaged picture ({reason}); save it again", reason=_words(error)) from error


def animation_frames(image: Image.Image, size_px: int) -> Iterator[tuple[float, float, Frame]]:
    """Decode the frames of an animation.

    Yields:
        start and duration in seconds, and uint8 (size, size, 3).

    Raises:
        UnusableFile: it is damaged.
    """
    at_s, number = 0.0, 0
    while True:
        try:
            image.seek(number)
            image.load()
            frame = _square(image.copy(), size_px)
        except EOFError:
            return
        except (OSError, ValueError, SyntaxError, IndexError) as error:
            raise UnusableFile("is a damaged animation ({reason}); save it again", reason=_words(error)) from error
        asked_s = float(image.info.get("duration") or 0) / 1000
        shown_s = asked_s if asked_s >= SHORTEST_FRAME_S else USUAL_FRAME_S
        yield at_s, shown_s, frame
        at_s, number = at_s + shown_s, number + 1


def _square(image: Image.Image, size_px: int) -> Frame:
    size = fitted_px(*image.size, size_px)
    smaller = max(image.size) > size_px
    filter = Image.Resampling.BOX if smaller else Image.Resampling.BILINEAR
    if image.mode in ("I;16", "I;16B", "I;16L", "I;16N", "I", "F"):
        image = _eight_bits(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        clear = image.convert("RGBA").convert("RGBa").resize(size, filter).convert("RGBA")
        white = Image.new("RGBA", size, (*WHITE, 255))
        image = Image.alpha_composite(white, clear)
    elif image.mode != "RGB":
        image = image.convert("RGB")
    shown = image.convert("RGB") if image.size == size else image.resize(size, filter)
    return with_bars(np.asarray(shown, np.uint8), size_px)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Grey values of 16 or 32 bits, or fractions, which Pillow itself would cut off at 255."""
    values = np.asarray(image, np.float32)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    full = 65535.0 if image.mode.startswith("I") else 1.0 if values.max(initial=0.0) <= 1 else 255.0
    return Image.fromarray((np.clip(values / full, 0, 1) * 255).astype(np.uint8), "L")


def _words(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
