"""Mixes that chose nothing are the same for everybody, and no training may hear their kits."""

import numpy as np
import pytest
import soundfile

from training.data.hydrogen import tables
from training.mask.confirm import KITS, kit_cases, main
from training.mask.terms import TERMS

RATE = 44_100
PIECES = ("Kick", "Snare", "Closed HH", "Open HH", "Tom Low", "Tom Mid", "Tom Hi", "Crash", "Ride")
KIT_TERMS = {"kick", "snare", "hi-hat", "toms", "cymbals"}


@pytest.fixture
def kits(tmp_path):
    """Kits of tones that die away, in Hydrogen's format."""
    time_s = np.arange(RATE // 4) / RATE
    for at, name in enumerate(KITS):
        (tmp_path / name).mkdir()
        rows = []
        for place, piece in enumerate(PIECES):
            tone = np.sin(2 * np.pi * (70 + 90 * place + 7 * at) * time_s) * np.exp(-12 * time_s)
            soundfile.write(tmp_path / name / f"{place}.wav", tone, RATE)
            rows.append(
                f"<instrument><name>{piece}</name><volume>1</volume><filename>{place}.wav</filename></instrument>"
            )
        (tmp_path / name / "drumkit.xml").write_text(f"<drumkit_info>{''.join(rows)}</drumkit_info>")
    return tmp_path


def test_the_mixes_are_the_same_whenever_they_are_made(kits):
    one, two = kit_cases(kits, grooves=1), kit_cases(kits, grooves=1)
    assert [case.term for case in one] == [case.term for case in two]
    assert all(np.array_equal(a.mix, b.mix) and np.array_equal(a.stem, b.stem) for a, b in zip(one, two, strict=True))


def test_every_kit_is_asked_for_pieces_that_sound_in_it(kits):
    cases = kit_cases(kits, grooves=1)
    assert {case.source for case in cases} == set(KITS)
    for case in cases:
        assert TERMS[case.term] in KIT_TERMS
        assert 10 * np.log10(float((case.stem**2).mean() / (case.mix**2).mean())) > -25


def test_the_pieces_that_are_asked_for_leave_little_of_the_kit(kits):
    cases = [case for case in kit_cases(kits, grooves=1) if case.source == KITS[0]]
    left = cases[0].mix - np.sum([case.stem for case in cases], axis=0)
    assert (left**2).mean() < 0.1 * (cases[0].mix ** 2).mean()


def test_no_kit_to_judge_by_is_one_to_train_on():
    assert not set(KITS) & set(tables()["kits"])


def test_a_folder_that_lacks_a_kit_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match=r"lacks BJA_Pacific, .* hydrogen-drumkits"):
        kit_cases(tmp_path)


def test_nothing_to_judge_by_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["mask.pt"])
    assert "--kits, --songs or both" in capsys.readouterr().err
