"""The window speaks German when asked to: proof that every text can be translated."""

import sys
from pathlib import Path
from string import Formatter

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file

from language import bare_errors, engine_templates, filled_too_early, said_templates, stages, texts, translations
from PySide6.QtWidgets import QApplication

from desktop.app import translate
from desktop.message import Message
from desktop.models.job_list import JobRow, JobState
from desktop.views.dialogs.export_dialog import ExportDialog
from desktop.views.queue_panel import STAGES, JobCard
from desktop.views.sentences import said, sentence, title_words
from desktop.views.text import tr
from desktop.views.theme import DARK
from engine import AudioError, EngineError, RequestError, Sentence, examine, findings_sentences


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
        assert fields(source) == fields(german), source


def fields(template: str) -> list[tuple[str, str | None, str | None]]:
    """What a template takes, and how it is written."""
    return sorted((name, how, kind) for _, name, kind, how in Formatter().parse(template) if name is not None)


def test_german_can_be_put_on_and_off(qapp):
    assert isinstance(qapp, QApplication)
    translate(qapp, "de")
    try:
        assert tr("Settings") == "Einstellungen"
    finally:
        translate(qapp, "en")
    assert tr("Settings") == "Settings"


def test_every_sentence_of_models_and_audio_can_be_translated():
    assert len(said_templates()) > 50
    assert not said_templates() - set(translations())
    assert filled_too_early() == []


@pytest.mark.parametrize(
    "template",
    [
        "there is no file {path}; check the path",  # as it stands
        "{option} {value!r} is not allowed; give a path",  # out of a table
        "the bundle {bundle} takes no sounds as examples, so {example} cannot be used; it takes words",
        "{name} is a PDF; save the page as a PNG",  # put together
        "the example {path} is silent there; give a part with sound in it",  # from the decoder's process
        "{task} takes no {option}; leave it out, or choose {able}",  # of the options table
        "{name} is {seconds:.0f} s long and {task} makes at most {most_s:g} s; say how many seconds to make",
    ],
)
def test_an_error_of_the_engine_is_found_however_it_is_made(template):
    assert template in engine_templates()
    assert template in translations()


def test_what_a_job_is_doing_is_said_in_words_of_the_trade():
    assert {"looking at the examples", "mask", "step and decode", "starting", "stopping"} <= stages()
    assert all(STAGES.get(stage, stage) in translations() for stage in stages())


def test_what_nobody_sees_is_not_translated():
    assert not set(translations()) & (set(STAGES) - set(STAGES.values()))


def test_views_show_no_error_without_its_german():
    assert bare_errors() == []


def test_what_went_wrong_is_said_in_german_with_its_names(qapp, german):
    error = AudioError("{file} is empty (0 bytes); choose a file with sound in it", file="Song.wav")
    assert sentence(error) == "Song.wav ist leer (0 Bytes); wählen Sie eine Datei mit Ton."
    assert said(Message("something nobody wrote down")) == "something nobody wrote down"
    assert said(EngineError("{x} is {y}", x=1, y=2)) == "1 is 2"
    translate(qapp, "en")
    assert said(Message("DAW bridge: off")) == "DAW bridge: off"
    assert sentence(error) == f"{error}."


@pytest.mark.parametrize("name", ["OPENING CREDITS.WAV", "{0}.wav", "{file}", "a\nb", "isolate"])
def test_names_of_files_stay_letter_by_letter(qapp, german, name):
    message = Message("saved {file}", file=name)
    assert said(message) == f"{name} gespeichert"
    translate(qapp, "en")
    assert said(message) == str(message) == f"saved {name}"


@pytest.mark.parametrize(
    ("message", "german_words"),
    [
        (RequestError("the bundle {bundle} accepts no {kinds}; choose another bundle, or describe it in words",
                      bundle="small", kinds="images"),
         "das Modell small nimmt keine Bilder; wählen Sie ein anderes, oder sagen Sie es mit Worten"),
        (RequestError("{task} fills a region; drag over the waveform to choose one", task="inpaint"),
         "„Lücke füllen“ füllt einen Bereich; ziehen Sie über die Wellenform, um einen zu wählen"),
        (RequestError("{task} needs a mix; open or drop an audio file first", task="isolate"),
         "Herauslösen braucht einen Mix; öffnen Sie zuerst eine Audiodatei oder legen Sie eine ab"),
        (Message("{title} did not work: {reason}", title="isolate violin",
                 reason=Message("there is no file {path}; it may have been moved or deleted", path="/a/b.wav")),
         "Herauslösen: violin ging nicht: es gibt keine Datei /a/b.wav; vielleicht wurde sie verschoben oder gelöscht"),
    ],
)  # fmt: skip
def test_words_of_ours_within_a_sentence_are_german_too(german, message, german_words):
    assert said(message) == german_words


def test_a_job_is_read_out_as_it_is_shown(qtbot, german):
    card = JobCard(DARK)
    qtbot.addWidget(card)
    card.show_row(JobRow(title="inpaint piano · the whole mix", state=JobState.FAILED), 0.0)
    assert card.title.text() == "Lücke füllen: piano · der ganze Mix"
    assert card.accessibleName() == "Lücke füllen: piano · der ganze Mix, fehlgeschlagen"
    assert title_words("generate a · b") == "Aus dem Nichts: a · b"


def test_the_export_dialog_says_what_is_missing_in_german(loaded, qtbot, german, tmp_path, make_wav):
    loaded.workspace.add_file(make_wav("extra.wav"))
    qtbot.waitUntil(lambda: bool(loaded.workspace.document.project.lanes), timeout=120_000)
    dialog = ExportDialog(loaded.workspace, loaded.lane_actions.files, "", loaded)
    qtbot.addWidget(dialog)
    for tick in dialog.ticks.values():
        tick.setChecked(False)
    words = "kein Stem ist gewählt; haken Sie mindestens einen an"
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


def test_the_report_on_this_machine_is_read_in_german(german):
    why = Sentence("cannot be written to ({reason})", {"reason": "Permission denied"}).plain
    findings = examine(
        version_of=lambda package: "1.31.1",
        try_devices=lambda: [{"asked": "cpu", "got": "CPUExecutionProvider", "ok": True, "why": None}],
    ) | {
        "ok": False, "bundles": [], "bundle_places": ["/srv/bundles"],
        "folders": {"temp": {"path": "/tmp", "ok": False, **why}, "cache": {"path": "/c", "ok": True, "why": None}},
    }  # fmt: skip
    told = [said(Message.of_finding(one)) for one in findings_sentences(findings)]
    assert "Gerät cpu: geht, benutzt wird CPUExecutionProvider" in told
    assert "Ordner temp: /tmp, nicht beschreibbar (keine Berechtigung)" in told
    assert any(line.startswith("Warnung: onnxruntime") and "deinstallieren" in line for line in told)
    assert "Problem: kein brauchbares Modell ist installiert; gesucht wurde in /srv/bundles" in told
    assert told[-1] == "bis die Probleme gelöst sind, lassen sich hier keine Stems machen"
