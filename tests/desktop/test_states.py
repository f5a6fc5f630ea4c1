"""What each state of the real window says and points to: the empty one, one at work, dialogs, in both languages."""

import re
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractButton

sys.path.insert(0, str(Path(__file__).parent))  # the helpers beside this file

from drawn import accent_places, contrasts, pixels, rect_in, settle
from language import translations

from desktop.app import translate
from desktop.audio.mixer import PlaybackSource
from desktop.message import Message
from desktop.models.completion import USUAL
from desktop.models.demo import DEMO_PROMPTS
from desktop.models.instrument_names import lexicon
from desktop.models.job_list import JobRow, JobState
from desktop.models.project import ELSE_COLOUR, family_colour
from desktop.views.dialogs.export_dialog import ExportDialog
from desktop.views.dialogs.settings_dialog import SettingsDialog
from desktop.views.main_window import MainWindow
from desktop.views.prompt.prompt_bar import HINTS
from desktop.views.queue_panel import STAGES, state_words
from desktop.views.theme import DARK, LIGHT, palette_for
from engine import TempoEstimate

WAIT_MS = 120_000


@pytest.fixture
def german(qapp):
    translate(qapp, "de")
    yield
    translate(qapp, "en")


@pytest.fixture
def german_window(german, workspace, qtbot, monkeypatch):
    monkeypatch.setattr("desktop.views.questions.choose", lambda *args: "discard")
    window = MainWindow(workspace)
    qtbot.addWidget(window)
    window.show()
    yield window
    window.close()


# The empty window.


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_empty_window_points_to_opening_a_file_and_to_nothing_else(window, theme):
    window.workspace.settings.set("theme", theme)
    window.resize(1280, 720)
    window.hint.show()
    settle()
    signs = (window.welcome.open, window.welcome.mark, window.top.logo, window.prompt.text)  # the last has the focus
    found = accent_places(window, theme)
    assert found, "the button that opens a file is in the accent"
    allowed = [rect_in(widget, window) for widget in signs]
    assert [place for place in found if not any(area.contains(*place) for area in allowed)][:5] == []


def test_run_says_what_it_waits_for_until_there_is_something_to_work_on(window, qtbot, make_wav):
    assert window.prompt.go.property("waits")
    assert window.prompt.go.toolTip() == "Open or drop an audio file first"
    window.prompt.set_task("generate")
    assert not window.prompt.go.property("waits"), "words alone are enough for it"
    window.prompt.set_task("isolate")
    assert window.prompt.go.property("waits")
    with qtbot.waitSignal(window.workspace.opened, timeout=WAIT_MS):
        window.open_path(make_wav("song.wav"))
    assert not window.prompt.go.property("waits")
    assert window.prompt.go.toolTip() == "Run it (Ctrl+Return)"


def test_time_and_bars_stand_in_the_middle_of_the_bar_also_without_bars(window):
    settle()
    top = window.top
    lines = (top.time, top.bars)
    assert all(pixels(line).std() > 1 for line in lines), "both lines say something"
    first, last = (line.mapTo(top, QPoint(0, 0)).y() for line in lines)
    middle = (first + last + top.bars.height()) / 2
    assert middle == pytest.approx(top.height() / 2, abs=2)


@pytest.mark.parametrize("size", [(1600, 1000), (1280, 720)])
def test_the_way_out_has_its_word_where_there_is_room(loaded, size):
    loaded.resize(*size)
    settle()
    button = loaded.top.buttons["export"]
    assert button.text() == "Export"
    assert button.toolButtonStyle().name == "ToolButtonTextBesideIcon"
    assert button.width() >= button.sizeHint().width() - 2
    loaded.resize(900, 560)
    settle()
    assert button.width() == button.height()


# What stands below each other is one time axis.


def test_overview_ruler_and_lanes_show_a_moment_below_each_other(loaded):
    loaded.resize(1280, 720)
    settle()
    view, strip = loaded.timeline.viewport, loaded.timeline.time.overview
    assert view.shows_all
    length = loaded.workspace.document.project.length
    for sample in (0, length // 3, length):
        assert strip.pixel_of(sample) == pytest.approx(view.x(sample), abs=0.5)
        assert strip.sample(strip.pixel_of(sample)) == pytest.approx(sample, abs=1)


def test_the_tempo_stands_below_the_tools(loaded):
    loaded.workspace.tempo.set_tempo(120.0)
    loaded.resize(1280, 720)
    settle()
    tools, time = loaded.timeline.tools, loaded.timeline.time.tools
    drawn = pixels(time.tempo)
    first = int(np.nonzero((contrasts(drawn, drawn[0, 0]) > 2).any(axis=0))[0][0])
    left = tools.buttons["region"].mapTo(loaded, QPoint(0, 0)).x()
    assert time.tempo.mapTo(loaded, QPoint(first, 0)).x() == pytest.approx(left, abs=2)


def test_the_bar_below_the_lanes_shows_only_what_can_be_scrolled(loaded):
    loaded.resize(1280, 720)
    settle()
    bar = loaded.timeline.bar
    assert len(np.unique(pixels(bar).reshape(-1, 3), axis=0)) == 1, "all is shown, so nothing is drawn"
    loaded.timeline.viewport.zoom(0.25, 100)
    settle()
    assert len(np.unique(pixels(bar).reshape(-1, 3), axis=0)) > 1
    loaded.timeline.viewport.fit()
    settle()
    assert len(np.unique(pixels(bar).reshape(-1, 3), axis=0)) == 1


@pytest.fixture
def with_lane(loaded, qtbot, make_wav):
    loaded.workspace.add_file(make_wav("drums.wav"))
    qtbot.waitUntil(lambda: len(loaded.timeline.lanes) == 1, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: not loaded.workspace.background.busy, timeout=WAIT_MS)
    loaded.workspace.settings.set("grid", False)
    loaded.workspace.settings.set("seen_drag", True)
    loaded.resize(1280, 720)
    settle()
    return loaded, loaded.workspace.document.project.lanes[0]


@pytest.mark.parametrize("spectrogram", [False, True])
def test_a_lane_that_is_not_heard_is_drawn_at_one_strength_however_it_is_drawn(with_lane, qtbot, spectrogram):
    window, lane = with_lane
    window.workspace.settings.set("spectrogram", spectrogram)
    qtbot.waitUntil(lambda: not window.workspace.background.busy, timeout=WAIT_MS)
    settle()
    wave = window.timeline.lanes[lane.id].wave

    def strength():
        settle()
        drawn = pixels(wave).astype(float)[6:-6, 20:-20]
        return float(np.abs(drawn - np.array(QColor(DARK.base).getRgb()[:3])).max(axis=2).mean())

    window.workspace.settings.set("theme", "dark")
    heard = strength()
    window.workspace.document.set_lane(lane.id, "mute", mute=True)
    assert strength() / heard == pytest.approx(0.45, abs=0.06)


def test_a_region_says_how_long_it_is_and_how_many_bars(loaded):
    workspace = loaded.workspace
    rate_hz = workspace.document.project.rate_hz
    workspace.document.select((0, rate_hz // 2))
    [chip] = loaded.prompt.regions.buttons.values()
    assert "(0.5 s)" in chip.text()
    workspace.tempo.set_tempo(240.0)  # four beats of a quarter of a second are a bar
    [chip] = loaded.prompt.regions.buttons.values()
    assert "(0.5 s, 0.5 bars)" in chip.text()


# Colours and words of lanes.


@pytest.mark.parametrize(
    ("english", "in_german"),
    [("drums", "Schlagzeug"), ("vocals", "Gesang"), ("electric guitar", "E-Gitarre"), ("piano", "Klavier"),
     ("violin", "Geige"), ("organ", "Orgel"), ("trumpet", "Trompete"), ("bass", "Bass"), ("flute", "Flöte"),
     ("strings", "Streicher"), ("saxophone", "Saxofon"), ("choir", "Chor")],
)  # fmt: skip
def test_an_instrument_has_its_familys_colour_in_both_languages(english, in_german):
    assert family_colour(english) is not None
    assert family_colour(in_german) == family_colour(english)


def test_longer_names_are_not_taken_for_shorter_ones_in_them():
    assert family_colour("bassoon") == family_colour("clarinet") != family_colour("bass")
    assert family_colour("bass clarinet") == family_colour("clarinet")
    assert (
        family_colour("bass guitar") == family_colour("bass drum and bass") or family_colour("bass guitar") is not None
    )
    assert family_colour("kazoo") is None


@pytest.mark.parametrize("palette", [DARK, LIGHT], ids=lambda palette: palette.name)
def test_what_is_left_has_no_colour_of_an_instrument(palette):
    assert QColor(palette.lanes[ELSE_COLOUR]).hsvSaturation() < 60
    assert all(QColor(colour).hsvSaturation() > 40 for colour in palette.lanes[:ELSE_COLOUR])


def test_what_the_engine_does_is_said_in_a_listeners_words():
    assert not [words for words in STAGES.values() if re.search(r"model|filter|cod(e|ing)", words)]
    said = {state_words(JobRow(title="isolate", state=JobState.RUNNING, stage=stage), 0.0) for stage in STAGES}
    assert {"analysing", "separating", "making the sound", "writing the files"} <= said


# German.

NAMES = re.compile(r"[A-Za-zÄÖÜäöüß-]+")


def test_the_german_window_proposes_german_names(german_window):
    known = {name.casefold() for name in (*USUAL["de"], *lexicon("de"))}
    english = {name.casefold() for name in lexicon()} - known
    for task in HINTS:
        german_window.prompt.set_task(task)
        words = german_window.prompt.text.line.placeholderText().casefold()
        assert not {name for name in english if re.search(rf"\b{re.escape(name)}\b", words)}, words
    german_window.prompt.set_task("isolate")
    german_window.prompt.show_heard((), True)
    german_window.prompt.show_trials(DEMO_PROMPTS)
    chips = {button.text() for button in german_window.prompt.offers.findChildren(QAbstractButton)}
    assert len({name for name in chips if name.casefold() in known}) == len(DEMO_PROMPTS)


def test_no_german_text_gives_an_english_instrument_for_an_example():
    known = {name.casefold() for name in (*USUAL["de"], *lexicon("de"))}
    english = {name for name in lexicon() if name.casefold() not in known and len(name) > 4}
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, sorted(english, key=len, reverse=True)))})\b")
    shown = [re.sub(r"{[^}]*}", "", german) for german in translations().values()]
    assert [german for german in shown if pattern.search(german)] == []


def test_keys_are_called_as_on_a_german_keyboard(german_window, qtbot, make_wav):
    with qtbot.waitSignal(german_window.workspace.opened, timeout=WAIT_MS):
        german_window.open_path(make_wav("song.wav"))
    german_window.workspace.add_file(make_wav("extra.wav"))
    qtbot.waitUntil(lambda: bool(german_window.workspace.document.project.lanes), timeout=WAIT_MS)
    menu = german_window.lane_actions.menu(german_window.workspace.document.project.lanes[0].id)
    assert [action.text() for action in menu.actions() if action.text().endswith("\tEntf")]
    assert german_window.actions_by_name["open"].toolTip() == "Öffnen … (Strg+O)"


def test_fields_for_numbers_are_german_too(german_window, qtbot, make_wav):
    with qtbot.waitSignal(german_window.workspace.opened, timeout=WAIT_MS):
        german_window.open_path(make_wav("song.wav"))
    card = german_window.timeline.time.tools.card
    german_window.workspace.tempo.estimate = TempoEstimate(bpm=97.5, bpm_confidence=0.9)
    german_window.workspace.tempo.set_tempo(97.5)
    assert card.bpm.text() == "97,50 BPM"
    assert german_window.timeline.time.tools.tempo.text() == "97,5 BPM"
    assert "97,5 BPM: sicher (90 %)" in card.told


# Settings.


def test_the_folders_of_the_bridge_say_that_there_are_none_and_what_can_be_done(loaded, qtbot, tmp_path):
    dialog = SettingsDialog(loaded.workspace, loaded, 3)
    qtbot.addWidget(dialog)
    dialog.show()
    assert dialog.folders.hint
    assert len(np.unique(pixels(dialog.folders.viewport()).reshape(-1, 3), axis=0)) > 5, "the hint is drawn"
    assert not dialog.remove_folder.isEnabled()
    assert dialog.remove_folder.toolTip() == "Choose a folder of the list first"
    dialog.add_bridge_folder(str(tmp_path))
    assert dialog.folders.hint == ""
    assert dialog.remove_folder.isEnabled(), "the new one is chosen"
    dialog.remove_folder.click()
    assert dialog.folders.hint
    assert not dialog.remove_folder.isEnabled()


def test_a_bundle_that_is_in_use_says_why_it_cannot_be_taken(loaded, qtbot):
    dialog = SettingsDialog(loaded.workspace, loaded, 2)
    qtbot.addWidget(dialog)
    dialog.show()
    assert not dialog.use.isEnabled()
    assert dialog.use.toolTip() == "It is in use"


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_dialogs_stand_out_from_the_window_behind_them(loaded, qtbot, theme):
    loaded.workspace.settings.set("theme", theme)
    dialog = SettingsDialog(loaded.workspace, loaded, 0)
    qtbot.addWidget(dialog)
    dialog.show()
    settle()
    drawn, palette = pixels(dialog), palette_for(theme)
    edge, ground = drawn[dialog.height() // 2, 0], drawn[dialog.height() // 2, 6]
    assert tuple(ground) == QColor(palette.panel).getRgb()[:3]
    assert float(contrasts(edge, ground)) >= 3.0


# Jobs.


def test_the_strip_shortens_a_long_title_at_its_end_and_keeps_what_the_job_does(loaded, qtbot):
    queue = loaded.workspace.jobs.queue
    names = "vocals, electric guitar, synth pad, trumpet, backing vocals, strings and percussion"
    queue.add(JobRow(title=f"isolate {names}", state=JobState.RUNNING, stage="separate", fraction=0.5))
    loaded.resize(800, 500)
    settle()
    words = loaded.jobs.words.text()
    assert words.startswith("Isolate: vocals, ")
    assert words.endswith("…  ·  separating")


# Files.


def test_german_files_are_called_as_the_lanes_are_seen(german_window, qtbot, make_wav):
    with qtbot.waitSignal(german_window.workspace.opened, timeout=WAIT_MS):
        german_window.open_path(make_wav("Lied.wav"))
    document, files = german_window.workspace.document, german_window.lane_actions.files
    document.apply(Message("add {name}", name="a"), document.project.with_else())
    rest = document.project.else_lane
    dialog = ExportDialog(german_window.workspace, files, "", german_window)
    qtbot.addWidget(dialog)
    assert dialog.ticks[rest.id].text() == "Alles andere"
    assert dialog.preview.text() == "Lied - Alles andere.wav"
    assert files.rendering(rest.id)().name == "Lied - Alles andere.wav"
    [part], _ = files.parts("minus", [rest.id], "{stem}")
    assert part.name == "ohne Alles andere"


def test_the_cursor_goes_through_the_takes_below_a_lane_from_the_start(with_lane):
    window, lane = with_lane
    document, project = window.workspace.document, window.workspace.document.project
    two = replace(lane, takes=(*lane.takes, replace(lane.takes[0], id="another")))
    document.apply(Message("add {name}", name="a"), replace(project, lanes=(two,)))
    sample = project.length // 2
    window.workspace.transport.seek(sample)
    window.timeline.show_takes(lane.id, True)
    settle()
    x = round(window.timeline.viewport.x(sample))
    cursor = np.array(QColor(palette_for("dark").cursor).getRgb()[:3])
    window.workspace.settings.set("theme", "dark")
    settle()
    for row in window.timeline.takes[lane.id]:
        drawn = pixels(row.wave).astype(int)
        near = drawn[2:6, x - 1 : x + 2]
        assert (np.abs(near - cursor).max(axis=2) < 40).any(axis=1).all(), "it is where the ruler says"
        assert not (np.abs(drawn[2:6, 0:2] - cursor).max(axis=2) < 40).all()


# Keys.


def test_a_key_that_is_held_hears_another_side_for_as_long(with_lane, qtbot):
    window, _ = with_lane
    transport, clock_s = window.workspace.transport, [0.0]
    window.peek.now_s = lambda: clock_s[0]
    window.timeline.setFocus()
    transport.set_listen(PlaybackSource.STEMS)
    qtbot.keyPress(window.timeline, Qt.Key.Key_1)
    assert transport.listen is PlaybackSource.ORIGINAL
    clock_s[0] += 1.0
    qtbot.keyRelease(window.timeline, Qt.Key.Key_1)
    assert transport.listen is PlaybackSource.STEMS, "it was held"
    qtbot.keyPress(window.timeline, Qt.Key.Key_1)
    clock_s[0] += 0.1
    qtbot.keyRelease(window.timeline, Qt.Key.Key_1)
    assert transport.listen is PlaybackSource.ORIGINAL, "a short press stays"
    window.prompt.text.line.setFocus()
    transport.set_listen(PlaybackSource.STEMS)
    qtbot.keyClick(window.prompt.text.line, Qt.Key.Key_1)
    assert transport.listen is PlaybackSource.STEMS, "a figure that is typed is a figure"
