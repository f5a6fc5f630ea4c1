"""One renderer for all tests of the studio: its SoundFont takes some 340 MB."""

import pytest

from training.data.sources import Sounds
from training.synthesis.render import Renderer


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return Renderer(Sounds.find())
