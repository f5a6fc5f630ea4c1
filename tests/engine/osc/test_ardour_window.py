"""The kit's scripts in Ardour's own window: a stereo region goes out, stem and rest come back, nothing is blocked."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from ardoursession import SUPERCLOCK, ArdourSession
from ardourwindow import ArdourWindow, ardour_window, missing_programs
from clihelp import music, write_music
from oschelp import Caller

from engine.osc import Bridge

ROOT = Path(__file__).parents[3]
KIT = ROOT / "resources" / "daw" / "ardour"
RATE_HZ = 48_000
NAME, POSITION, CLIP = "wide clip", 72_000, 24_000  # of the region in the session; samples
BLOCKERS = ("blocker", "another")  # jobs that others wait behind
ATTEMPTS, ATTEMPT_S = 3, 15.0  # a click or key is lost now and then, where no window manager says what has the keys
MISSING = missing_programs()

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")]


def waiting(caller: Caller) -> list[str]:
    """Ids of the jobs of the kit that the bridge has not finished."""
    caller.say("/fluxstem/jobs")
    found = []
    while (message := caller.next())[0] != "/fluxstem/jobs.end":
        if message[0] == "/fluxstem/jobs.reply" and message[1].startswith("ardour-"):
            found.append(message[1])
    return found


def regions_of(session: ArdourSession) -> dict[str, tuple[int, int, int]]:
    """Region -> position, length (samples) and channels, as the session was saved; each is alone on its track."""
    text = (session.folder / f"{session.name}.ardour").read_text(encoding="utf-8")
    found = {}
    for body in re.findall(r'<Playlist id="\d+"[^>]*?[^/]>(.*?)</Playlist>', text, re.S):
        regions = re.findall(r"<Region ([^>]*)>", body)
        assert len(regions) <= 1, regions
        for region in regions:
            length, position = re.search(r'length="a(\d+)@a(\d+)"', region).groups()
            name, channels = re.search(r'(?:^| )name="([^"]*)"', region)[1], re.search(r'channels="(\d+)"', region)[1]
            places = (int(value) * RATE_HZ / SUPERCLOCK for value in (position, length))
            found[name] = (*places, int(channels))
    return found


def ask_for_bass(ardour: ArdourWindow) -> None:
    """Select the region, call the action, and press OK."""
    ardour.do("Editor/select-all-tracks")  # objects are selected in selected tracks only
    ardour.do("Editor/select-all-objects")
    ardour.call_script()
    dialog = ardour.window("Fluxstem")
    time.sleep(2.0)  # it is drawn
    ardour.confirm(dialog)


@pytest.fixture
def clip(tmp_path, monkeypatch):
    """A session with one stereo region, split as Ardour records it, and its sound; the user has ``fluxstem``."""
    home = tmp_path / "in"
    program = home / ".local" / "bin" / "fluxstem"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\ncd "{ROOT}" && exec ".venv/bin/python" -m engine "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    session = ArdourSession(home / "song", RATE_HZ)
    session.create("Clip")
    sound = tmp_path / f"{NAME}.wav"
    sound_NC = np.repeat(music(CLIP / RATE_HZ, RATE_HZ), 2, axis=1) * np.float32([1.0, 0.5])
    soundfile.write(sound, sound_NC, RATE_HZ, subtype="FLOAT")
    session.place("Clip", sound, POSITION, apart=True)
    return session, sound_NC


@pytest.fixture
def asked(toy_engine, settings, clip, tmp_path):
    """Ardour, the bridge's port, and the id of a job that waits behind others."""
    session, _ = clip
    home = tmp_path / "in"
    with (
        Bridge(toy_engine, replace(settings, home=tmp_path / "data" / "fluxstem" / "bridge")) as bridge,
        ardour_window(session, home, KIT) as ardour,
    ):
        port = bridge.state.udp_port
        asker = Caller(port)
        long = write_music(home / "long.wav", seconds=300)
        for blocker in BLOCKERS:
            asker.say("/fluxstem/isolate", blocker, str(long), "bass", "render=flow", "steps=1000")
            asker.until("/fluxstem/ack")
        ask_for_bass(ardour)
        [job] = ardour.until(lambda: waiting(Caller(port)), "the job")
        yield ardour, port, job


def is_cancelled(watcher: Caller, job: str, limit_s: float) -> bool:
    """Whether the bridge says within a time that a job is cancelled."""
    end_s = time.monotonic() + limit_s
    while (left_s := end_s - time.monotonic()) > 0:
        message = watcher.next(left_s)
        if message is not None and message[1:2] == (job,):
            assert message[0] != "/fluxstem/done", "nobody cancelled it in time"
            if message[0] == "/fluxstem/cancelled":
                return True
    return False


def test_a_job_is_cancelled_from_the_window_that_was_free_meanwhile(asked, tmp_path):
    ardour, port, job = asked
    watcher = Caller(port)
    watcher.ask("/fluxstem/notify", 1)
    for attempt in range(ATTEMPTS):
        if not ardour.shows("Fluxstem"):
            ardour.call_script()  # it can be asked again while the job waits
        dialog = ardour.window("Fluxstem")
        ardour.choose_first(dialog)
        ardour.shot(tmp_path / f"jobs-{attempt}.png")
        ardour.confirm(dialog)
        if is_cancelled(watcher, job, ATTEMPT_S):
            break
    else:
        pytest.fail(f"the job was not cancelled in {ATTEMPTS} attempts; {tmp_path} has pictures of the screen")
    for blocker in BLOCKERS:
        watcher.say("/fluxstem/cancel", blocker)


@dataclass(frozen=True)
class Other:
    """A task other than isolate: what the action hands to the hook, and what the hook brings in.

    Attributes:
        words: of the job, by name.
        regions: names of the regions; each lies where the clip or the playhead is.
        length: of each of them, samples.
    """

    words: dict[str, str]
    regions: tuple[str, ...]
    length: int = CLIP


OTHERS = {
    "remove": Other({"prompt": "drums"}, (f"{NAME} - without drums", f"{NAME} - drums")),
    "regenerate": Other({"prompt": "piano"}, (f"{NAME} - piano",)),
    "restyle": Other({"prompt": "cello"}, (f"{NAME} - cello",)),
    "replace": Other(
        {"prompt": "violin", "with": "trumpet"},
        tuple(f"{NAME} - trumpet for violin{part}" for part in ("", " stem", " rest")),
    ),
    "inpaint": Other({"prompt": "oboe", "start": "6000", "end": "12000"}, (f"{NAME} - oboe",)),
    "extend": Other({"prompt": "flute", "seconds": "0.5"}, (f"{NAME} - flute",), 2 * CLIP),
    "generate": Other({"prompt": "organ", "seconds": "0.5"}, ("organ",)),
    "arrange": Other({"prompt": "bass; piano", "seconds": "0.5"}, ("bass", "piano", "bass, piano mix")),
}
ANEW = ("generate", "arrange")  # they go to the playhead
PLAYHEAD = 2 * POSITION


def hand_over_the_others(ardour: ArdourWindow, session: ArdourSession, home: Path) -> None:
    """What the action writes for each other task, all at once."""
    text = (session.folder / f"{session.name}.ardour").read_text(encoding="utf-8")
    [region] = set(re.findall(rf'<Region (?=[^>]*name="{NAME})(?:[^>]*?\s)?id="(\d+)"', _playlist(text, "Clip")))
    lines = []
    for task, other in OTHERS.items():
        words = {"program": home / ".local" / "bin" / "fluxstem", "task": task, "rest": 1, "mute": 0, **other.words}
        words |= {"position": PLAYHEAD} if task in ANEW else {"region": region}
        lines += ["job", *(f"{name}\t{value}" for name, value in words.items())]
    draft = ardour.config / "draft"
    draft.write_text("\n".join(lines) + "\n")
    draft.rename(ardour.config / "fluxstem-asked")


def _playlist(text: str, track: str) -> str:
    return re.search(rf'<Playlist id="\d+" name="{track}[^"]*"[^>]*?[^/]>(.*?)</Playlist>', text, re.S)[1]


def test_stem_and_rest_of_a_stereo_region_come_back_on_tracks_at_its_place_and_so_do_all_other_tasks(
    asked, clip, tmp_path
):
    (ardour, port, _), (session, sound_NC) = asked, clip
    watcher = Caller(port)
    watcher.ask("/fluxstem/notify", 1)
    for blocker in BLOCKERS:
        watcher.say("/fluxstem/cancel", blocker)  # the job's turn has come
    assert watcher.until("/fluxstem/done", "/fluxstem/fail", limit_s=90)[0] == "/fluxstem/done"
    files = session.folder / "interchange" / session.name / "audiofiles"
    ardour.until(lambda: len(list(files.glob("* rest%R.wav"))) == 1, "the rest")
    ardour.until(lambda: not waiting(Caller(port)), "the end of the jobs")

    def saved(names: set[str]) -> dict[str, tuple[int, int, int]]:
        ardour.save()
        found = regions_of(session)
        return found if set(found) >= names else {}

    first = dict.fromkeys((NAME, f"{NAME} - bass", f"{NAME} - bass rest"), (POSITION, CLIP, 2))
    assert ardour.until(lambda: saved(set(first)), "the saved session") == first
    ardour.shot(tmp_path / "done.png")
    for channel, side in enumerate("LR"):
        [stem] = files.glob(f"*bass%{side}.wav")
        [rest] = files.glob(f"* rest%{side}.wav")
        sum_N = soundfile.read(stem, dtype="float32")[0] + soundfile.read(rest, dtype="float32")[0]
        np.testing.assert_allclose(sum_N, sound_NC[:, channel], atol=1e-6)
    hand_over_the_others(ardour, session, tmp_path / "in")
    ended = [watcher.until("/fluxstem/done", "/fluxstem/fail", limit_s=120) for _ in OTHERS]
    assert [message for message in ended if message[0] == "/fluxstem/fail"] == []
    under_way = ardour.config / "fluxstem-running"
    ardour.until(lambda: not under_way.read_text(encoding="utf-8"), "the files of all tasks")
    ardour.shot(tmp_path / "all.png")
    wanted = {name: (task, other.length) for task, other in OTHERS.items() for name in other.regions}
    found = ardour.until(lambda: saved(set(wanted)), "the session with all of them")
    assert set(found) == {*first, *wanted}
    for name, (task, length) in wanted.items():
        position, length_there, channels = found[name]
        assert (position, channels) == (PLAYHEAD if task in ANEW else POSITION, 2), name
        # What is made of nothing has 44.1 kHz, and Ardour's resampler ends a sample late.
        assert length_there - length in ((0, 1) if task in ANEW else (0,)), name
    assert not ardour.shows("Fluxstem"), "the hook has met no error"
