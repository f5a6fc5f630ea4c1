"""Long files are seen before they are read, several are asked about once, and what is kept stays small."""

import threading

import numpy as np
import pytest
import soundfile

from desktop.audio.store import AudioStore
from desktop.models.disk_use import measure_disk
from desktop.models.request_builder import draft_request
from engine import RequestError

WAIT_MS = 120_000


@pytest.fixture
def slow_reading(monkeypatch):
    """Reading of a file waits after its first block until it is let go."""
    from desktop.audio import store

    go, plain = threading.Event(), store.blocks

    def held(path, check):
        for number, block_NC in enumerate(plain(path, check)):
            if number == 1:
                go.wait(60)
            yield block_NC

    monkeypatch.setattr(store, "blocks", held)
    monkeypatch.setattr(store, "TELL_S", 0.0)
    monkeypatch.setattr("desktop.models.workspace.STREAMED_S", 0.0)
    yield go
    go.set()


@pytest.mark.parametrize("subtype", ["FLOAT", "PCM_24"])
def test_a_long_file_is_seen_and_heard_while_it_is_read(window, qtbot, tmp_path, slow_reading, subtype):
    audio_NC = 0.1 * np.random.default_rng(1).standard_normal((200_000, 2)).astype(np.float32)
    soundfile.write(tmp_path / "long.wav", audio_NC, 16_000, subtype=subtype)
    workspace, opening, grew = window.workspace, [], []
    workspace.opening.connect(opening.append)
    workspace.audio_grew.connect(lambda sha256, samples: grew.append(samples))
    with qtbot.waitSignal(workspace.opened, timeout=WAIT_MS):
        window.open_path(tmp_path / "long.wav")
    source = workspace.document.project.source
    assert opening[0].name == "long.wav"
    assert opening[-1] is None
    assert window.stage.currentWidget() is not window.welcome
    assert workspace.transport.scene(workspace.document.project).length == 200_000
    assert workspace.spectrum(source) is None
    assert workspace.peaks(source).levels[0].shape[1] == -(-200_000 // 64)
    assert not window.grab().isNull()
    slow_reading.set()
    qtbot.waitUntil(lambda: grew[-1:] == [200_000] and not workspace.background.busy, timeout=WAIT_MS)
    wanted_NC = soundfile.read(tmp_path / "long.wav", dtype="float32")[0]
    np.testing.assert_array_equal(workspace.samples(source), wanted_NC)
    np.testing.assert_array_equal(workspace.transport.scene(workspace.document.project).original.samples_NC, wanted_NC)
    assert workspace.peaks(source).levels[0][1].max() == pytest.approx(wanted_NC.max())
    assert workspace.spectrum(source) is not None
    assert not list(workspace.store.cache.glob("*.part"))


def test_a_file_that_turns_out_to_be_damaged_is_closed_with_a_sentence(window, qtbot, tmp_path, slow_reading):
    audio_NC = np.zeros((200_000, 2), np.float32)
    audio_NC[150_000] = np.nan
    soundfile.write(tmp_path / "nan.wav", audio_NC, 16_000, subtype="FLOAT")
    with qtbot.waitSignal(window.workspace.opened, timeout=WAIT_MS):
        window.open_path(tmp_path / "nan.wav")
    slow_reading.set()
    qtbot.waitUntil(lambda: bool(window.workspace.troubles), timeout=WAIT_MS)
    assert "not numbers" in window.workspace.troubles[0]
    assert window.workspace.document.project.source is None


def answers(monkeypatch, answer):
    asked = []

    def choose(parent, title, words, answers, details=""):
        asked.append((title, tuple(name for name, _ in answers), details))
        return answer

    monkeypatch.setattr("desktop.views.questions.choose", choose)
    return asked


def test_several_dropped_files_are_asked_about_once_and_become_lanes(loaded, qtbot, make_wav, monkeypatch):
    asked = answers(monkeypatch, "lanes")
    loaded.drops.take([make_wav("one.wav"), make_wav("other.wav")], False)
    qtbot.waitUntil(lambda: len(loaded.workspace.document.project.lanes) == 2, timeout=WAIT_MS)
    assert sorted(lane.name for lane in loaded.workspace.document.project.lanes) == ["one", "other"]
    [(title, choices, details)] = asked
    assert "2 files" in title
    assert choices == ("project", "lanes", "batch", "cancel")
    assert "other.wav" in details


def test_several_dropped_files_become_a_project_of_their_own(window, qtbot, make_wav, monkeypatch):
    asked = answers(monkeypatch, "project")
    window.drops.take([make_wav("mix.wav"), make_wav("one.wav"), make_wav("other.wav")], False)
    workspace = window.workspace
    qtbot.waitUntil(lambda: len(workspace.document.project.lanes) == 2, timeout=WAIT_MS)
    assert workspace.document.project.title == "mix"
    assert asked[0][1] == ("project", "batch", "cancel")


def test_the_same_is_done_with_several_files_beside_each(window, qtbot, make_wav, monkeypatch, tmp_path):
    answers(monkeypatch, "batch")
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    paths = [make_wav(f"{folder}/song.wav", seconds=0.5) for folder in ("a", "b")]
    window.prompt.text.setText("violin")
    window.drops.take(paths, False)
    jobs = window.workspace.jobs.queue
    assert len(jobs.rows) == 2
    qtbot.waitUntil(lambda: jobs.unfinished == 0, timeout=WAIT_MS)
    for path in paths:
        assert len(list(path.parent.glob("song - *violin*.wav"))) == 2
    assert window.workspace.document.project.lanes == ()


def test_a_batch_without_words_is_one_sentence(workspace, make_wav):
    request = draft_request(task="isolate", text="", bundle=workspace.settings.get("bundle"), device="cpu")
    with pytest.raises(RequestError, match="say in a few words"):
        workspace.batch([make_wav("one.wav")], request)
    assert workspace.jobs.queue.rows == ()


def test_a_project_takes_at_most_three_times_its_audio(workspace, qtbot, tmp_path):
    audio_NC = 0.1 * np.random.default_rng(1).standard_normal((64_000, 2))
    soundfile.write(tmp_path / "song.wav", audio_NC, 16_000, subtype="PCM_24")
    with qtbot.waitSignal(workspace.opened, timeout=WAIT_MS):
        workspace.open(tmp_path / "song.wav")
    for text in ("violin, drums", "bass"):
        workspace.jobs.ask(
            draft_request(task="isolate", text=text, bundle=workspace.settings.get("bundle"), device="cpu")
        )
    qtbot.waitUntil(lambda: workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    assert len(workspace.document.project.lanes) == 4
    found = []
    workspace.disk_use(found.append)
    qtbot.waitUntil(lambda: bool(found), timeout=WAIT_MS)
    [use] = found
    songs = 4 * (tmp_path / "song.wav").stat().st_size  # the mix and three stems
    assert use.project_bytes <= 3 * songs
    assert use.project_bytes <= use.total_bytes <= use.project_bytes * 1.05
    assert use.audio_bytes <= use.project_bytes


def test_float_files_are_played_from_where_they_lie(tmp_path, make_wav):
    store = AudioStore(tmp_path / "audio", tmp_path / "cache")
    ref = store.add(make_wav("song.wav"))
    assert not list(store.cache.glob("*.f32"))
    np.testing.assert_array_equal(store.samples(ref), soundfile.read(store.path(ref), dtype="float32")[0])
    assert measure_disk(store, [ref]).project_bytes < 1.2 * store.path(ref).stat().st_size


def test_the_bridge_reads_the_folders_of_the_settings(workspace, qtbot, tmp_path, make_wav, monkeypatch):
    osc = pytest.importorskip("engine.osc")
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setattr("desktop.models.bridge_service.Path.home", lambda: home)
    clip = make_wav("clip.wav")
    bridge = workspace.bridge
    workspace.settings.set("bridge", "local")
    qtbot.waitUntil(lambda: bridge.port > 0, timeout=WAIT_MS)
    first = bridge._bridge
    workspace.settings.set("bridge_folders", [str(tmp_path)])
    qtbot.waitUntil(lambda: bridge.port > 0 and bridge._bridge is not first, timeout=WAIT_MS)
    with osc.BridgeClient(port=bridge.port, tcp=True, home=bridge.folder) as daw:
        daw.start("isolate", str(clip), "violin", id="bar 1")
        jobs = workspace.jobs.queue
        qtbot.waitUntil(lambda: bool(jobs.rows) and jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.rows[-1].state.value == "done"
