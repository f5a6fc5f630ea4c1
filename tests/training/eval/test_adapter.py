"""Any separator behind a command: it is given jobs and must leave stems; what goes wrong is one sentence."""

import sys

import numpy as np
import pytest
from benchkit import SEPARATOR, example

from training.eval.adapter import CommandSeparator, parse_separator

ASKED = 'assert (job["prompt"], job["family"]) == ("the piano", "piano")'
EXAMPLES = [example(k) for k in range(2)]


def changed(how):
    return SEPARATOR.replace("{change}", how).replace("{check}", ASKED)


def script(tmp_path, text):
    path = tmp_path / "separator.py"
    path.write_text(text)
    return CommandSeparator("mine", (sys.executable, str(path)))


def test_a_command_gets_the_mixes_and_its_stems_come_back(tmp_path):
    answers = list(script(tmp_path, changed("* 0.5")).separate(EXAMPLES))
    for one, answer in zip(EXAMPLES, answers, strict=True):
        np.testing.assert_array_equal(answer.stem_CN, one.mix_CN * np.float32(0.5))
        assert answer.extra["seconds"] > 0


def test_one_channel_goes_to_all(tmp_path):
    [answer, _] = script(tmp_path, changed("[:, 0]")).separate(EXAMPLES)
    np.testing.assert_array_equal(answer.stem_CN, np.stack([EXAMPLES[0].mix_CN[0]] * 2))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("raise SystemExit('no weights here')", "mine ended with 1: no weights here"),
        ("", "left no stem-0000.wav"),
        (changed("[:-1]"), "gave 9599 samples in 2 channels at 8000 Hz; the mix has 9600 in 2"),
    ],
)
def test_what_goes_wrong_is_said(tmp_path, text, complaint):
    with pytest.raises(ValueError, match=complaint):
        list(script(tmp_path, text).separate(EXAMPLES))


def test_a_command_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ValueError, match="cannot be started"):
        list(CommandSeparator("mine", (str(tmp_path / "nothing"),)).separate(EXAMPLES))


def test_a_separator_is_a_name_and_a_command():
    assert parse_separator("mine=python 'my file.py' --fast").command == ("python", "my file.py", "--fast")
    for text in ("python mine.py", "=python", "mine="):
        with pytest.raises(ValueError, match="NAME=COMMAND"):
            parse_separator(text)
