"""What the real window says and shows: trouble with sound and files, figures in the user's language, the disk, the
time that is typed, chips of the demo, and files of computed lanes that nobody has to wait for."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QEnterEvent, QGuiApplication
from PySide6.QtWidgets import QCheckBox

from desktop.app import translate
from desktop.audio.store import AudioStore
from desktop.models.bundles import BundleRow
from desktop.models.disk_use import measure_disk
from desktop.models.job_list import JobState
from desktop.models.project import BrushEdit, TakeOrigin
from desktop.models.typed_time import seconds_of
from desktop.views.dialogs.settings_dialog import SettingsDialog
from desktop.views.timeline.lane_view import LaneView
from engine import TASKS, TimeMap

WAIT_MS = 120_000
LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def german(qapp):
    translate(qapp, "de")
    yield
    translate(qapp, "en")


def run(window, qtbot, words):
    window.prompt.text.setText(words)
    window.prompt.go.click()
    jobs = window.workspace.jobs.queue
    qtbot.waitUntil(lambda: bool(jobs.rows) and jobs.unfinished == 0, timeout=WAIT_MS)
    assert jobs.rows[-1].state is JobState.DONE, jobs.rows[-1].message
    return window.workspace.document.project.lanes


class NoSound:
    """PortAudio on a machine without an output."""

    PortAudioError = RuntimeError

    def OutputStream(self, **asked):  # noqa: N802
        raise RuntimeError("Error querying device -1")


def test_without_a_device_the_banner_says_so_in_plain_words_and_opens_the_sound_settings(loaded, qtbot, monkeypatch):
    loaded.workspace.transport.player.library = NoSound
    pages = []
    monkeypatch.setattr(loaded, "show_settings", pages.append)
    loaded.actions_by_name["play"].trigger()
    assert loaded.banner.words.text() == (
        "Sound cannot be played (no output device was found); plug in an output device or choose one in the settings; "
        "everything else works."
    )
    assert loaded.banner.sound.isVisible()
    loaded.banner.sound.click()
    assert pages == [1]
    loaded.prompt.text.setText("")
    loaded.prompt.go.click()
    assert not loaded.banner.sound.isVisible(), "other trouble has nothing to do with sound"


@pytest.mark.parametrize("name", ["Broken.wav", "broken.mp3", "broken.mp4"])
def test_a_broken_file_is_a_sentence_without_numbers_and_paths_of_a_library(window, qtbot, tmp_path, name):
    (tmp_path / name).write_bytes(b"\1\2\3\4" * 1000)
    window.open_path(tmp_path / name)
    qtbot.waitUntil(lambda: window.banner.isVisible(), timeout=WAIT_MS)
    words = window.banner.words.text()
    assert words.startswith(name)
    assert "Errno" not in words
    assert str(tmp_path) not in words
    assert "damaged" in words


def test_an_empty_prompt_is_answered_in_the_words_of_its_task(loaded):
    said = set()
    loaded.workspace.document.select((2000, 9000))
    for task in TASKS:
        loaded.prompt.set_task(task)
        loaded.prompt.text.setText("")
        loaded.prompt.go.click()
        said.add(loaded.banner.words.text())
        assert loaded.banner.words.text().startswith("Say in a few words")
    assert len(said) == len(TASKS)


def test_figures_are_written_in_the_users_language(loaded, qtbot, german):
    violin = run(loaded, qtbot, "violin")[0]
    header = loaded.timeline.lanes[violin.id].header
    loaded.workspace.document.set_lane(violin.id, "turn", gain_db=-3.5)
    assert header.gain.text.text() == "−3,5 dB"
    loaded.prompt.text.clear()
    [offer] = [chip for key, chip in loaded.prompt.offers.buttons.items() if key == ("words", "violin")]
    assert offer.text().endswith(" %")
    assert "16 kHz" in loaded.timeline.mix_header.facts.text()
    qtbot.waitUntil(lambda: loaded.workspace.sum_db is not None, timeout=WAIT_MS)
    assert loaded.sum.words == f"−{abs(round(loaded.workspace.sum_db))} dB"
    loaded.workspace.settings.set("job_list", True)
    assert "." not in loaded.queue.cards[loaded.workspace.jobs.queue.rows[-1].id].state.text()


def test_the_settings_show_what_the_project_takes_on_the_disk(loaded, qtbot):
    run(loaded, qtbot, "violin")
    dialog = SettingsDialog(loaded.workspace, loaded)
    qtbot.addWidget(dialog)
    qtbot.waitUntil(lambda: "times its audio" in dialog.cache.text(), timeout=WAIT_MS)
    found = []
    loaded.workspace.disk_use(found.append)
    qtbot.waitUntil(lambda: bool(found), timeout=WAIT_MS)
    assert f"{found[0].ratio:.1f} times" in dialog.cache.text()
    assert found[0].ratio <= 3


def test_the_settings_have_a_row_for_the_tempo(loaded, qtbot):
    dialog = SettingsDialog(loaded.workspace, loaded)
    qtbot.addWidget(dialog)
    [row] = [one for one in dialog.findChildren(QCheckBox) if one.text() == "Estimate tempo and key of what is opened"]
    assert not row.isChecked(), "the tests have it off"
    row.click()
    assert loaded.workspace.settings.get("find_tempo")
    row.click()
    assert not loaded.workspace.settings.get("find_tempo")


@pytest.mark.parametrize(
    ("name", "subtype"),
    [("song.wav", "PCM_16"), ("song.wav", "PCM_24"), ("song.wav", "FLOAT"), ("song.flac", "PCM_16"),
     ("song.ogg", "VORBIS")],
)  # fmt: skip
def test_no_format_takes_more_than_three_times_its_audio(tmp_path, name, subtype):
    audio_NC = 0.1 * np.random.default_rng(1).standard_normal((100_001, 2))
    soundfile.write(tmp_path / name, audio_NC, 44_100, subtype=subtype)
    store = AudioStore(tmp_path / "audio", tmp_path / "cache")
    ref = store.add(tmp_path / name)
    assert measure_disk(store, [ref]).ratio <= 3
    np.testing.assert_array_equal(store.samples(ref), soundfile.read(tmp_path / name, dtype="float32")[0])
    assert store.samples(ref)[5:9].dtype == np.float32


def test_the_long_lists_of_a_bundle_are_folded(loaded, qtbot):
    dialog = SettingsDialog(loaded.workspace, loaded, 2)
    qtbot.addWidget(dialog)
    dialog.show()
    banks = tuple(f"bank {number}" for number in range(40))
    loaded.workspace.bundles.rows = (
        BundleRow("x", "x 1", licence="CC0-1.0", trained_on=banks, attribution=("a", "b")),
    )
    dialog._show_bundles()
    assert "bank 7" not in dialog.card.text()
    assert dialog.sources_fold.text() == "Trained on (40), Credits (2)"
    assert not dialog.sources.isVisible()
    dialog.sources_fold.click()
    assert dialog.sources.isVisible()
    assert "bank 7" in dialog.sources.text()


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("62.5", 62.5), ("1:02,5", 62.5), ("1:01:01", 3661.0), (" 0:03 ", 3.0), ("3|2", 4.5), ("2", 2.0), ("x", None),
     ("1:2:3:4", None), ("", None), ("|3", None)],
)  # fmt: skip
def test_a_time_is_read_as_people_write_it(typed, seconds):
    assert seconds_of(typed, TimeMap(bpm=120.0)) == seconds
    assert seconds_of("3|2", None) is None


def test_a_time_that_is_typed_is_gone_to_and_esc_stays(loaded, qtbot):
    field, transport = loaded.top.time, loaded.workspace.transport
    qtbot.mouseClick(field, LEFT)
    qtbot.waitUntil(field.hasSelectedText, timeout=WAIT_MS)
    qtbot.keyClicks(field, "0:00.25")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert transport.position == 4000
    assert loaded.timeline.hasFocus()
    assert field.text() == "0:00.250"
    loaded.workspace.document.select((1000, 5000))
    qtbot.mouseClick(field, LEFT)
    qtbot.keyClicks(field, "0:00.7")
    qtbot.keyClick(field, Qt.Key.Key_Escape)
    assert transport.position == 4000
    assert field.text() == "0:00.250"
    assert loaded.workspace.document.selection == (1000, 5000)


def test_the_match_takes_no_more_room_than_its_figure_and_never_moves_what_is_beside_it(loaded):
    loaded.resize(1700, 900)
    loaded.top.show_match(True, 0.0)
    assert loaded.top.match.text() == "Match"
    width = loaded.top.match.width()
    loaded.top.show_match(True, -12.3)
    assert (loaded.top.match.text(), loaded.top.match.figure) == ("Match", "−12.3 dB")
    assert loaded.top.match.width() == width
    metrics = loaded.top.match.fontMetrics()
    assert width < metrics.horizontalAdvance("Match -18.8 dB")
    assert "Match" in loaded.top.match.accessibleName()


def test_the_demo_has_chips_that_take_what_plays_in_it_out_at_one_click(window, qtbot):
    with qtbot.waitSignal(window.workspace.opened, timeout=WAIT_MS):
        window.open_demo()
    trials = [key for key in window.prompt.offers.buttons if key[0] == "trial"]
    assert len(trials) == 4
    window.prompt.offers.buttons[trials[1]].click()
    [row] = window.workspace.jobs.queue.rows
    assert row.context[0].request.prompts == ("drum kit",)
    qtbot.waitUntil(lambda: window.workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    assert [lane.name for lane in window.workspace.document.project.lanes] == ["drum kit", "Everything else"]
    assert not [key for key in window.prompt.offers.buttons if key[0] == "trial"]


def test_another_song_has_no_chips_of_the_demo(loaded):
    assert not [key for key in loaded.prompt.offers.buttons if key[0] == "trial"]


@pytest.fixture
def drags(monkeypatch):
    """Files of the drags that were begun."""
    begun = []
    monkeypatch.setattr("desktop.views.lane_actions.start_drag", lambda source, paths, *rest: begun.append(paths))
    return begun


def test_a_lane_that_is_computed_is_written_beside_the_window_and_dragged_when_it_is_ready(
    loaded, qtbot, drags, monkeypatch
):
    rest = run(loaded, qtbot, "violin")[1]
    header, made = loaded.timeline.lanes[rest.id].header, []
    plain = loaded.workspace.background.run
    monkeypatch.setattr(loaded.workspace.background, "run", lambda work, then, failed: made.append((work, then)))
    header.grip.dragged.emit(False)
    assert not drags, "nothing was written on the window's thread"
    monkeypatch.setattr(loaded.workspace.background, "run", plain)
    monkeypatch.setattr("desktop.views.lane_actions.QGuiApplication.mouseButtons", lambda: LEFT)
    [(work, then)] = made
    then(work())
    [[path]] = drags
    whole_NC = soundfile.read(path, dtype="float32")[0]
    np.testing.assert_array_equal(whole_NC, loaded.workspace.sound(rest).samples_NC)


def test_the_mouse_over_the_handle_has_the_file_written_so_that_the_drag_begins_at_once(loaded, qtbot, drags):
    rest = run(loaded, qtbot, "violin")[1]
    grip = loaded.timeline.lanes[rest.id].header.grip
    place = QPointF(2, 2)
    grip.enterEvent(QEnterEvent(place, place, grip.mapToGlobal(place)))
    qtbot.waitUntil(lambda: loaded.workspace.files.at_once(rest.id) is not None, timeout=WAIT_MS)
    qtbot.mousePress(grip, LEFT, pos=QPoint(2, 2))
    qtbot.mouseMove(grip, QPoint(60, 40))
    [[path]] = drags
    assert path.is_file()


def test_the_path_of_the_mix_without_a_lane_is_copied_when_its_file_is_there(loaded, qtbot):
    violin = run(loaded, qtbot, "violin")[0]
    QGuiApplication.clipboard().clear()
    [files] = [row.menu() for row in loaded.lane_actions.menu(violin.id).actions() if row.text() == "File"]
    [copy] = [row for row in files.actions() if "without it" in row.text()]
    copy.trigger()
    qtbot.waitUntil(lambda: Path(QGuiApplication.clipboard().text() or "-").is_file(), timeout=WAIT_MS)
    assert Path(QGuiApplication.clipboard().text()).name == "song - without violin.wav"


def test_what_is_drawn_is_heard_alone_until_the_lamp_or_esc_ends_it(loaded, qtbot, device):
    loaded.workspace.transport.player.library = lambda: device
    violin = run(loaded, qtbot, "violin")[0]
    transport = loaded.workspace.transport
    for lane_id in (violin.id, ""):
        shape = BrushEdit(first=2000, last=8000, low_hz=500.0, high_hz=2000.0, source="", target="")
        [only] = [
            row for row in loaded.lane_actions.shape_menu(lane_id, shape).actions() if row.text() == "Hear only this"
        ]
        only.trigger()
        scene = transport.scene(loaded.workspace.document.project)
        sounds = [scene.original] if not lane_id else [track for track in scene.tracks if track.heard]
        assert transport.playing
        assert 2000 <= transport.position < 8000
        assert len(sounds) == 1
        assert np.abs(sounds[0].samples_NC[12_000:14_000]).max() == 0
        assert np.abs(sounds[0].samples_NC[3000:7000]).max() > 0
        assert loaded.top.lamp_solo.isVisible()
        transport.stop()
        loaded.top.lamp_solo.click() if lane_id else loaded.escape()
        assert not transport.hears_only
        assert not loaded.top.lamp_solo.isVisible()


def test_lanes_that_wait_stand_above_what_completes_the_sum(loaded, qtbot):
    document = loaded.workspace.document
    for words in ("violin", "drums, bass"):
        loaded.prompt.text.setText(words)
        loaded.actions_by_name["ask"].trigger()
    names = ["violin", "drums", "bass", "Everything else"]
    # views of lanes under way come in turns of the event loop, so that none takes long
    qtbot.waitUntil(lambda: [view.header.name.text() for view in loaded.timeline.area.views] == names, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: loaded.workspace.jobs.queue.unfinished == 0, timeout=WAIT_MS)
    assert [lane.name for lane in document.project.lanes] == names


def test_views_that_are_made_ahead_are_not_seen(loaded, qtbot):
    """They lie where lanes lie, and would cover them."""
    loaded.show()
    qtbot.waitUntil(lambda: len(loaded.timeline.findChildren(LaneView)) > 3, timeout=WAIT_MS)  # made while nobody waits
    run(loaded, qtbot, "violin")
    shown = [view for view in loaded.timeline.area.findChildren(LaneView) if view.isVisible()]
    assert shown
    assert set(shown) == set(loaded.timeline.area.views)


def test_a_take_says_its_null_and_presence_in_figures_of_the_language(loaded, qtbot, german):
    from dataclasses import replace

    from desktop.views.timeline.lane_header import caption, take_words

    lane = run(loaded, qtbot, "violin")[0]
    made = TakeOrigin(task="isolate", null_db=-62.4, similarity=0.5)
    loud = replace(lane, takes=(replace(lane.take, made=made),), active=0)
    assert caption(loud)[0].endswith("−62 dB")
    assert take_words(1, loud.take) == "Take 1 · Passung 0,50"
