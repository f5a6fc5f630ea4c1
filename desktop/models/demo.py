"""Where the demo mix that ships with Fluxstem is."""

from __future__ import annotations

import sys
from pathlib import Path

from engine import AudioError

DEMO = Path("demo") / "mix.flac"
DEMO_PROMPTS = ("vocals", "drum kit", "bass guitar", "electric piano")  # what plays in it


def demo_mix() -> Path:
    """Path of the demo mix.

    Raises:
        AudioError: this installation has none.
    """
    beside = Path(__file__).resolve().parents[2] / "resources"
    frozen = Path(getattr(sys, "_MEIPASS", beside)) / "resources"
    for place in (beside, frozen, Path(sys.prefix) / "share" / "fluxstem"):
        if (place / DEMO).is_file():
            return place / DEMO
    raise AudioError("the demo mix is not part of this installation; open a file of your own")


def is_demo(path: str) -> bool:
    """True for the path of the demo mix."""
    return Path(path).parts[-2:] == DEMO.parts
