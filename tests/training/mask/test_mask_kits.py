"""Kits in their pieces: every kit of the library in turn, each piece a stem of its own."""

import numpy as np
import pytest

from training.data.sources import SoundLibrary, Voice
from training.mask.kits import kit_piece
from training.mask.render import SAMPLES, RecordedRenderer
from training.mask.terms import KIT


class Machines(SoundLibrary):
    """A library of two drum machines."""

    def voices(self, family, held_out):
        return [Voice("synth", "dance"), Voice("synth", "toy")]


@pytest.fixture
def renderer(tmp_path):
    return RecordedRenderer(Machines(SoundLibrary.find().font, None, None), tmp_path, False)


def test_kits_take_turns_and_come_in_pieces(renderer):
    for number, source in enumerate(("synth:dance", "synth:toy", "synth:dance")):
        rows = kit_piece(renderer, 5, number)
        assert {row.label["source"] for row in rows} == {source}
        parts = [row.label["part_name"] for row in rows]
        assert set(parts) & set(KIT)
        assert len(set(parts)) == len(parts)
        assert all(row.audio_CN.shape == (1, SAMPLES) and np.any(row.audio_CN) for row in rows)


def test_a_kit_depends_on_its_number_alone(renderer):
    first, again = kit_piece(renderer, 5, 0), kit_piece(renderer, 5, 0)
    assert [row.label for row in first] == [row.label for row in again]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.audio_CN, other.audio_CN)
