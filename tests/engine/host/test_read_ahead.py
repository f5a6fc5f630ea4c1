"""The next file is decoded while the one before it is worked on: the same samples, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile
from soundfiles import sound, with_av

from engine.audio.reader import blocks
from engine.errors import AudioError, Cancelled
from engine.events import Done
from engine.host.queue import HostQueue
from engine.host.read_ahead import ReadAhead
from engine.host.worker import Worker
from engine.media.intake import open_audio
from engine.request import Request

LIMIT_S = 60.0


def quiet(done: float, stage: str) -> None:
    """Nobody looks at the progress."""


def keep_going() -> None:
    """Nobody asks to stop."""


def whole(info) -> np.ndarray:
    return np.concatenate(list(blocks(info)), axis=1)


class Counted:
    """Opens files, and knows how often."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.gate = threading.Event()
        self.gate.set()

    @contextlib.contextmanager
    def __call__(self, path, folder, report, check):
        self.paths.append(Path(path).name)
        while not self.gate.wait(0.01):
            check()
        with open_audio(path, folder, report, check) as info:
            yield info


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """One sound in four kinds of file."""
    made = {name: tmp_path / name for name in ("a.mp3", "b.flac", "c.m4a", "d.wav")}
    soundfile.write(made["a.mp3"], sound(), 44_100, format="MP3")
    soundfile.write(made["b.flac"], sound(), 44_100, subtype="PCM_16")
    with_av(made["c.m4a"], "alac", "ipod", sample_format="s16p")
    soundfile.write(made["d.wav"], sound(), 44_100, subtype="PCM_16")
    return made


@pytest.fixture
def opener() -> Counted:
    return Counted()


@pytest.fixture
def ahead(opener: Counted):
    made = ReadAhead(opener)
    yield made
    made.close()


def request(path: Path, **more) -> Request:
    return Request(task="isolate", prompts=("violin",), input=str(path), out=str(path.parent), **more)


@pytest.mark.parametrize("name", ["a.mp3", "b.flac", "c.m4a"])
def test_a_file_that_was_decoded_ahead_has_the_same_samples(ahead, opener, files, name):
    path = files[name]
    with open_audio(str(path), path.parent, quiet, keep_going) as alone:
        expected_CN = whole(alone)
    ahead.begin(request(path))
    with ahead.open_audio(str(path), path.parent, quiet, keep_going) as info:
        assert info.decoded is not None
        np.testing.assert_array_equal(whole(info), expected_CN)
        later_CN = np.concatenate(list(blocks(info, 7_001, 9_000)), axis=1)
        np.testing.assert_array_equal(later_CN, expected_CN[:, 7_001:9_000])
        assert (info.container, info.subtype, info.samples) == (alone.container, alone.subtype, alone.samples)
    assert opener.paths == [name], "it is opened once"


def test_what_is_stored_as_it_is_and_what_has_regions_is_left_to_its_turn(ahead, opener, files):
    ahead.begin(request(files["d.wav"]))
    with ahead.open_audio(str(files["d.wav"]), files["d.wav"].parent, quiet, keep_going) as info:
        assert info.decoded is None
    opener.paths.clear()
    ahead.begin(request(files["a.mp3"], region_s=(0.0, 0.1)))
    assert opener.paths == []


def test_a_file_that_changed_meanwhile_is_decoded_again(ahead, opener, files):
    path = files["b.flac"]
    opener.gate.clear()
    ahead.begin(request(path))
    soundfile.write(path, 0.5 * sound()[:5_000], 44_100, subtype="PCM_16")
    os.utime(path, ns=(1, 1))
    opener.gate.set()
    with ahead.open_audio(str(path), path.parent, quiet, keep_going) as info:
        assert info.samples == 5_000
    assert opener.paths == ["b.flac", "b.flac"]


def test_what_goes_wrong_ahead_is_told_by_the_job_itself(ahead, opener, tmp_path):
    path = tmp_path / "broken.mp3"
    path.write_bytes(b"no sound at all" * 100)
    ahead.begin(request(path))
    with pytest.raises(AudioError, match=r"broken\.mp3"), ahead.open_audio(str(path), tmp_path, quiet, keep_going):
        pass
    ahead.begin(request(tmp_path / "missing.mp3"))
    missing = str(tmp_path / "missing.mp3")
    with pytest.raises(AudioError, match="there is no file"), ahead.open_audio(missing, tmp_path, quiet, keep_going):
        pass


def test_a_job_that_is_cancelled_while_its_file_is_decoded_does_not_wait_for_it(ahead, opener, files):
    path = files["c.m4a"]
    opener.gate.clear()
    ahead.begin(request(path))

    def stop() -> None:
        raise Cancelled("enough")

    with pytest.raises(Cancelled), ahead.open_audio(str(path), path.parent, quiet, stop):
        pass


def test_only_the_next_job_of_the_queue_is_prepared_and_all_are_forgotten(files):
    begun, forgotten, events = [], [], []
    may_end, all_done, at_work = threading.Semaphore(0), threading.Event(), threading.Event()

    class Listed:
        def begin(self, request):
            begun.append(Path(request.input).name)

        def forget(self, request):
            forgotten.append(Path(request.input).name)
            if len(forgotten) == len(files):
                all_done.set()

        def close(self):
            begun.append("closed")

    def work(job, request, report, check):
        at_work.set()
        assert may_end.acquire(timeout=LIMIT_S)
        return Done(job, (), 0.0, "", "")

    jobs = HostQueue(work, events.append, Listed())
    names = sorted(files)
    jobs.submit(names[0], request(files[names[0]]))
    assert at_work.wait(LIMIT_S)
    for name in names[1:]:
        jobs.submit(name, request(files[name]))
    assert set(begun) == {names[1]}, "while the first is at work, the second is prepared and no other"
    for _ in names:
        may_end.release()
    assert all_done.wait(LIMIT_S)
    assert list(dict.fromkeys(begun)) == names[1:]
    assert forgotten == names
    assert jobs.close(LIMIT_S)
    assert begun[-1] == "closed"


def test_results_are_bit_for_bit_those_of_a_file_that_was_not_decoded_ahead(toy_bundle, files, tmp_path):
    ahead = ReadAhead()
    worker, made = Worker(ahead.open_audio), []
    for number in range(2):
        out = tmp_path / f"out{number}"
        out.mkdir()
        asked = Request(
            task="isolate", prompts=("violin",), input=str(files["a.mp3"]), out=str(out), bundle=str(toy_bundle)
        )
        if number:
            ahead.begin(asked)
        [result] = worker("job", asked, quiet, keep_going).results
        made.append((Path(result.stem).read_bytes(), Path(result.rest).read_bytes()))
        assert all(not path.name.startswith(".") for path in out.iterdir()), "nothing is left beside the results"
    ahead.close()
    assert made[0] == made[1]
