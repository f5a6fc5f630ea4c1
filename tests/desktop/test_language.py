"""The window speaks German when asked to: proof that every text can be translated."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file

from language import bare_errors, raised, texts, translations, written
from PySide6.QtWidgets import QApplication

from desktop.app import translate
from desktop.models.job_list import JobRow, JobState
from desktop.views.dialogs.export_dialog import ExportDialog
from desktop.views.queue_panel import STAGES, JobCard
from desktop.views.sentences import OWN, SENTENCES, said, title_words
from desktop.views.text import tr
from desktop.views.theme import DARK


@pytest.fixture
def german(qapp):
    translate(qapp, "de")
    yield
    translate(qapp, "en")


def test_every_text_has_its_german():
    assert len(texts()) > 150
    assert not texts() - set(translations())
    assert all(translations().values())


def test_the_translation_keeps_what_is_filled_in():
    for source, german in translations().items():
        assert source.count("{") == german.count("{"), source


def test_german_can_be_put_on_and_off(qapp):
    assert isinstance(qapp, QApplication)
    translate(qapp, "de")
    try:
        assert tr("Queue") == "Warteschlange"
    finally:
        translate(qapp, "en")
    assert tr("Queue") == "Queue"


def test_every_sentence_of_models_and_audio_can_be_translated():
    assert len(raised()) > 50
    assert not raised() - set(SENTENCES)


def test_every_sentence_of_the_table_is_one_that_models_and_audio_say():
    assert not set(SENTENCES) - written(), "who changes a sentence changes it in both places"
    assert set(OWN) <= set(SENTENCES)


def test_what_nobody_sees_is_not_translated():
    assert not set(translations()) & (set(STAGES) - set(STAGES.values()))


def test_views_show_no_error_without_its_german():
    assert bare_errors() == []


def test_what_went_wrong_is_said_in_german_with_its_names(qapp, german):
    assert said("Song.wav is empty (0 bytes); choose a file with sound in it.") == (
        "Song.wav ist leer (0 Bytes); wählen Sie eine Datei mit Ton."
    )
    assert said("something nobody wrote down") == "something nobody wrote down"
    translate(qapp, "en")
    assert said("OSC: off") == "OSC: off"


@pytest.mark.parametrize(
    ("english", "german_words"),
    [
        ("Opening Night.wav is empty (0 bytes); choose a file with sound in it",
         "Opening Night.wav ist leer (0 Bytes); wählen Sie eine Datei mit Ton"),
        ("saved Opening Theme.fluxstem", "Opening Theme.fluxstem gesichert"),
        ("saved isolate", "isolate gesichert"),
        ("opening {0}.wav", "öffne {0}.wav"),
        ("two\nlines.wav is not a file; drop an audio or video file",
         "two\nlines.wav ist keine Datei; legen Sie eine Audio- oder Videodatei ab"),
        ("{1} is open in another Fluxstem window (process 77); close it there, or save yours under another name",
         "{1} ist in einem anderen Fluxstem-Fenster offen (Prozess 77); schließen Sie es dort, oder sichern Sie Ihres "
         "unter anderem Namen"),
        ("Opening song.wav", "Öffne song.wav"),
    ],
)  # fmt: skip
def test_names_of_files_stay_letter_by_letter(qapp, german, english, german_words):
    assert said(english) == german_words
    translate(qapp, "en")
    assert said(english) == english


@pytest.mark.parametrize("name", ["OPENING CREDITS.WAV", "Saved By The Bell.wav", "{1}", "a\nb"])
def test_without_a_translation_nothing_changes(qapp, name):
    for template in SENTENCES:
        words = template
        for number in range(4):
            words = words.replace(f"{{{number}}}", f"\0{number}")
        for number in range(4):
            words = words.replace(f"\0{number}", name)
        assert said(words) == words


@pytest.mark.parametrize(
    ("english", "german_words"),
    [
        ("the bundle small takes no pictures; choose another bundle, or say it in words instead",
         "das Modell small nimmt keine Bilder; wählen Sie ein anderes, oder sagen Sie es mit Worten"),
        ("inpaint fills a region; drag over the waveform to choose one",
         "Füllen füllt einen Bereich; ziehen Sie über die Wellenform, um einen zu wählen"),
        ("Isolate needs a mix; open or drop an audio file first",
         "Herauslösen braucht einen Mix; öffnen Sie zuerst eine Audiodatei oder legen Sie eine ab"),
        ("Isolate violin did not work: there is no file /a/b.wav; it may have been moved or deleted",
         "Herauslösen violin ging nicht: es gibt keine Datei /a/b.wav; vielleicht wurde sie verschoben oder gelöscht"),
    ],
)  # fmt: skip
def test_words_of_ours_within_a_sentence_are_german_too(german, english, german_words):
    assert said(english) == german_words


def test_a_job_is_read_out_as_it_is_shown(qtbot, german):
    card = JobCard(DARK)
    qtbot.addWidget(card)
    card.show_row(JobRow(title="inpaint piano · the whole mix", state=JobState.FAILED), 0.0)
    assert card.title.text() == "Füllen piano · der ganze Mix"
    assert card.accessibleName() == "Füllen piano · der ganze Mix, fehlgeschlagen"
    assert title_words("generate a · b") == "Erzeugen a · b"


def test_the_export_dialog_says_what_is_missing_in_german(loaded, qtbot, german, tmp_path, make_wav):
    loaded.workspace.add_file(make_wav("extra.wav"))
    qtbot.waitUntil(lambda: bool(loaded.workspace.document.project.lanes), timeout=120_000)
    dialog = ExportDialog(loaded.workspace, loaded.lane_actions.files, "", loaded)
    qtbot.addWidget(dialog)
    for tick in dialog.ticks.values():
        tick.setChecked(False)
    words = "keine Spur ist gewählt; haken Sie mindestens eine an"
    assert dialog.preview.text() == words
    dialog.start()
    assert dialog.answer.text() == words
    dialog.all.click()
    (tmp_path / "file").write_text("here")
    dialog.folder.setText(str(tmp_path / "file"))
    dialog.start()
    qtbot.waitUntil(dialog.go.isEnabled, timeout=120_000)
    assert dialog.answer.text().startswith("in ")
    assert "cannot write" not in dialog.answer.text()
