"""Projects: values, history, files, autosave and what survives a kill."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from desktop.audio.store import AudioRef, AudioStore
from desktop.models.document import Document
from desktop.models.project import Lane, LaneTake, Project, TakeOrigin, project_from_json, to_json
from desktop.models.project_file import ProjectLock, audio_folder, load_project, read_project, save_project
from desktop.models.recovery import Recovery
from desktop.models.settings import KEYS, AppSettings
from engine import AudioError, OutputError, RequestError

ROOT = Path(__file__).parents[2]


def ref(letter="a", samples=1000):
    return AudioRef(letter * 64, ".wav", 16_000, 2, samples)


def lane(name="violin", **values):
    made = TakeOrigin(task="isolate", prompt=name, presence=0.9, null_db=-300.0, regions=((10, 20),))
    return Lane(name=name, takes=(LaneTake(audio=ref(), made=made),), **values)


@pytest.fixture
def project():
    return Project(title="song", source=ref("b"), rate_hz=16_000, lanes=(lane(), lane("bass", gain_db=-3.0, pan=0.5)))


@pytest.fixture
def document(qtbot, project):
    made = Document()
    made.replace_all(project)
    return made


def test_a_project_comes_back_from_json_as_it_was(project):
    assert project_from_json(json.loads(json.dumps(to_json(project)))) == project


OLD_PROJECT = """{
 "fluxstem_project": 1, "title": "song", "source_path": "/music/song.wav", "rate_hz": 16000, "daw": "bar 12",
 "source": {"sha256": "%s", "suffix": ".wav", "rate_hz": 16000, "channels": 2, "samples": 1000},
 "lanes": [{"id": "0123456789ab", "name": "violin", "role": "stem", "colour": 3, "active": 0, "gain_db": -3.0,
  "pan": 0.5, "solo": false, "mute": true,
  "takes": [{"id": "ba9876543210", "start": 7,
   "audio": {"sha256": "%s", "suffix": ".flac", "rate_hz": 16000, "channels": 1, "samples": 900},
   "made": {"task": "isolate", "prompt": "violin", "seed": 4, "steps": 8, "guidance": null, "bundle": "small 0.1",
    "device": "CPUExecutionProvider", "presence": 0.9, "null_db": -300.0, "level_db": -6.5,
    "regions": [[10, 20]], "heard": [[0, 500, 0.75]]}}]}]
}"""


def test_a_project_of_an_earlier_version_opens(tmp_path):
    path = tmp_path / "song.fluxstem"
    path.write_text(OLD_PROJECT % ("b" * 64, "c" * 64))
    project = read_project(path)
    [lane] = project.lanes
    assert (project.daw, lane.mute, lane.take.start, lane.take.audio.suffix) == ("bar 12", True, 7, ".flac")
    assert (lane.take.made.steps, lane.take.made.regions) == (8, ((10, 20),))
    assert lane.take.made.heard == ((0, 500, 0.75),)
    assert lane.take.made.similarity is None, "which came later"
    assert lane.out_of == "mix", "an isolated stem is a part of the sum"


@pytest.mark.parametrize(
    "damage",
    [
        {"rate_hz": "fast"},
        {"lanes": [{"name": "x", "takes": []}]},
        {"source": {"sha256": "../../etc/passwd", "suffix": ".wav", "rate_hz": 1, "channels": 1, "samples": 1}},
        {"source": {"sha256": "a" * 64, "suffix": "/../x", "rate_hz": 1, "channels": 1, "samples": 1}},
        {"lanes": 3},
        {"title": None},
    ],
)
def test_a_damaged_project_is_refused_with_a_sentence(tmp_path, project, damage):
    path = tmp_path / "song.fluxstem"
    path.write_text(json.dumps({"fluxstem_project": 1, **to_json(project), **damage}))
    with pytest.raises(RequestError, match="damaged"):
        read_project(path)


WRONG = (None, True, -1, 1e308, float("nan"), 2**70, "", "x" * 10_000, [], {}, [[]], [None], {"a": 1})


def places(value, path=()):
    """The path of a JSON value and of everything in it."""
    yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield from places(inner, (*path, key))


def test_whatever_stands_at_any_place_of_a_project_it_opens_or_is_called_damaged(project):
    good = json.dumps(to_json(project))
    for path in places(json.loads(good)):
        for wrong in WRONG:
            data = json.loads(good)
            inner = data
            for key in path[:-1]:
                inner = inner[key]
            if path:
                inner[path[-1]] = wrong
            try:
                opened = project_from_json(data if path else wrong)
            except ValueError:  # which read_project makes a sentence of
                continue
            assert project_from_json(json.loads(json.dumps(to_json(opened)))) == opened, (path, wrong)


@pytest.mark.parametrize(
    ("text", "words"), [("{}", "not a Fluxstem project"), ("[1", "damaged"), ('{"fluxstem_project": 99}', "newer")]
)
def test_what_is_no_project_is_refused(tmp_path, text, words):
    path = tmp_path / "song.fluxstem"
    path.write_text(text)
    with pytest.raises(RequestError, match=words):
        read_project(path)


def test_every_change_can_be_undone_and_done_again(document, project):
    one, two = (found.id for found in project.lanes)
    document.set_lane(one, "mute violin", mute=True)
    document.set_lane(two, "turn bass", gain_db=-6.0)
    document.set_lane(two, "turn bass", gain_db=-9.0)
    document.add_lanes("add harp", [lane("harp")])
    document.remove_lane(one)
    states = [document.project]
    while document.undo.canUndo():
        document.undo.undo()
        states.append(document.project)
    assert document.project == project
    assert len(states) == 5, "two turns of one knob are one step"
    while document.undo.canRedo():
        document.undo.redo()
    assert document.project == states[0]


def test_new_lanes_get_colours_of_their_own(document):
    for number in range(4):
        document.add_lanes("add", [lane(f"lane {number}")])
    colours = [found.colour for found in document.project.lanes]
    assert len(set(colours[1:])) == 5


def test_gain_and_pan_stay_in_their_range(document, project):
    document.set_lane(project.lanes[0].id, "turn", gain_db=500.0, pan=-9.0)
    assert (document.project.lanes[0].gain_db, document.project.lanes[0].pan) == (12.0, -1.0)


def test_solo_silences_the_others_and_wins_over_mute(project):
    violin = project.lanes[0]
    both = project.with_lane(replace(violin, solo=True, mute=True))
    assert [both.heard(one) for one in both.lanes] == [True, False]


def test_a_selection_stays_inside_the_sound(document):
    document.select((900, 5000))
    assert document.selection == (900, 1000)
    document.select((700, 300))
    assert document.selection == (300, 700)
    document.select((400, 400))
    assert document.selection is None


@pytest.fixture
def saved(tmp_path, make_wav):
    store = AudioStore(tmp_path / "audio", tmp_path / "cache")
    found = store.add(make_wav(seconds=0.3))
    project = Project(title="mix", source=found, rate_hz=found.rate_hz, lanes=(lane(),))
    project = replace(
        project, lanes=(Lane(name="all", takes=(LaneTake(audio=found, made=TakeOrigin(task="import")),)),)
    )
    path = tmp_path / "projects" / "mix.fluxstem"
    save_project(project, path, store)
    return project, path, store


def test_a_saved_project_opens_on_another_machine(saved, tmp_path):
    project, path, store = saved
    other = AudioStore(tmp_path / "other-audio", tmp_path / "other-cache")
    assert load_project(path, other) == project
    np.testing.assert_array_equal(other.samples(project.source), store.samples(project.source))


def test_a_project_without_its_audio_says_so(saved, tmp_path):
    _, path, _ = saved
    for file in audio_folder(path).iterdir():
        file.unlink()
    with pytest.raises(AudioError, match="put the folder"):
        load_project(path, AudioStore(tmp_path / "other", tmp_path / "other-cache"))


def test_a_full_disk_leaves_the_old_project_as_it_was(saved, monkeypatch):
    project, path, store = saved
    before = path.read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        save_project(replace(project, title="new"), path, store)
    assert path.read_bytes() == before
    assert not list(path.parent.glob(".*.part"))


def test_a_folder_that_cannot_be_made_is_a_sentence(saved, tmp_path):
    project, _, store = saved
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="could not be saved"):
        save_project(project, tmp_path / "file" / "mix.fluxstem", store)


def test_two_windows_cannot_have_one_project(saved):
    _, path, _ = saved
    code = (
        "import sys; from desktop.models.project_file import ProjectLock; from pathlib import Path;"
        "lock = ProjectLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(RequestError, match=f"process {other.pid}"):
            ProjectLock(path)
    finally:
        other.kill()
        other.wait()
        other.stdin.close()
        other.stdout.close()
    ProjectLock(path).release()  # a lock dies with its process


def test_a_killed_window_leaves_its_work_behind(saved, tmp_path):
    project, path, _ = saved
    root = tmp_path / "sessions"
    code = (
        "import sys, os, signal; from pathlib import Path; from desktop.models.recovery import Recovery;"
        "from desktop.models.project_file import read_project; r = Recovery(Path(sys.argv[1]));"
        "r.keep(read_project(Path(sys.argv[2])), sys.argv[2]); os.kill(os.getpid(), signal.SIGKILL)"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(root), str(path)], cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    mine = Recovery(root)
    [left] = mine.left_behind()
    assert (left.project, left.saved_as) == (project, str(path))
    assert mine.audio_in_use() == {project.source.sha256}
    mine.forget(left)
    assert mine.left_behind() == []
    mine.close()
    assert not list(root.iterdir())


def test_a_window_that_is_open_is_not_recovered(tmp_path, project):
    one, two = Recovery(tmp_path), Recovery(tmp_path)
    one.keep(project, "")
    assert two.left_behind() == []
    one.close()
    two.close()


def test_settings_survive_a_restart_and_nonsense_is_the_default(qtbot, tmp_path):
    file = tmp_path / "settings.ini"
    settings = AppSettings(file)
    settings.set("theme", "light")
    settings.set("bundle_folders", ["one", "two"])
    settings.set("volume", 0.5)
    settings.sync()
    text = file.read_text().replace("theme=light", "theme=pink")
    file.write_text(text)
    again = AppSettings(file)
    assert again.get("theme") == "system"
    assert again.get("bundle_folders") == ["one", "two"]
    assert again.get("volume") == 0.5
    with pytest.raises(ValueError, match="theme"):
        again.set("theme", "pink")


@pytest.mark.parametrize("name", KEYS)
def test_every_default_is_allowed(qtbot, tmp_path, name):
    assert AppSettings(tmp_path / "none.ini").get(name) == KEYS[name].default


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for the superuser")
def test_a_read_only_folder_is_a_sentence(saved, tmp_path):
    project, _, store = saved
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    with pytest.raises(OutputError, match="another folder"):
        save_project(project, locked / "mix.fluxstem", store)


def test_audio_that_rotted_is_told_by_take_and_never_stands_for_what_it_was(saved, tmp_path):
    project, path, _ = saved
    [stored] = list(audio_folder(path).iterdir())
    raw = bytearray(stored.read_bytes())
    raw[-200:-100] = bytes(100)
    stored.write_bytes(raw)
    store, damaged = AudioStore(tmp_path / "other", tmp_path / "other-cache"), list[str]()
    found = load_project(path, store, tell_damaged=damaged.extend)
    assert damaged == ["mix", "all"]
    assert found.source.sha256 == hashlib.sha256(raw).hexdigest() != project.source.sha256
    assert found.lanes[0].takes[0].audio == found.source
    assert not store.path(project.source).exists(), "nothing lies under the hash of the true sound"
    assert store.samples(found.source).shape == (project.source.samples, project.source.channels)


def test_a_hostile_project_cannot_put_another_sound_under_the_hash_of_a_song(saved, tmp_path, make_wav):
    project, path, good = saved
    song = good.path(project.source)
    silent = make_wav(seconds=0.3)
    soundfile.write(silent, np.zeros((project.source.samples, project.source.channels)), project.rate_hz)
    [stored] = list(audio_folder(path).iterdir())
    shutil.copyfile(silent, stored)
    store = AudioStore(tmp_path / "other", tmp_path / "other-cache")
    load_project(path, store)
    ref = store.add(song)
    assert ref == project.source
    np.testing.assert_array_equal(store.samples(ref), good.samples(project.source))


def test_a_store_that_rotted_is_mended_by_the_true_sound(saved, tmp_path):
    project, path, store = saved
    right = np.array(store.samples(project.source))
    store.path(project.source).unlink()
    store.path(project.source).write_bytes(b"rotten")
    again = AudioStore(store.folder, store.cache)
    assert not again.holds(project.source)
    damaged: list[str] = []
    assert load_project(path, again, tell_damaged=damaged.extend) == project
    assert damaged == []
    assert again.holds(project.source)
    np.testing.assert_array_equal(again.samples(project.source), right)


def test_links_in_a_projects_folder_are_not_followed(saved, tmp_path):
    _, path, store = saved
    [stored] = list(audio_folder(path).iterdir())
    shutil.move(stored, tmp_path / "elsewhere.wav")
    stored.symlink_to(tmp_path / "elsewhere.wav")
    with pytest.raises(AudioError, match="cannot be opened"):
        load_project(path, AudioStore(tmp_path / "other", tmp_path / "other-cache"))
    assert store.path(read_project(path).source).stat().st_nlink == 1, "an edit in the project's folder stays there"
