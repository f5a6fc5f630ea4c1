"""One renderer for all tests of the studio: its SoundFont takes some 340 MB."""

import pytest

from training.data.sources import SoundLibrary
from training.synthesis.render import PartRenderer


@pytest.fixture(scope="session")
def renderer() -> PartRenderer:
    return PartRenderer(SoundLibrary.find())
