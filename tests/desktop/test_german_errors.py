"""What the engine refuses is read in German, in the real window with the real engine."""

import shutil

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent

from desktop.app import translate
from desktop.message import Message
from desktop.views.notices import StatusLine
from desktop.views.sentences import note_words, said
from engine import DEVICE_NOTES, VOICE_NOTES
from engine.text.encoder import PROMPT_LIMIT_CHARACTERS

WAIT_MS = 240_000
ENGLISH = (" the ", " is ", " not ", " has ", " takes ", " choose ", " give ")


@pytest.fixture
def german(qapp):
    translate(qapp, "de")
    yield
    translate(qapp, "en")


def refusal(window, qtbot, words: str) -> str:
    """What the window says when it is asked for something that cannot be."""
    window.banner.hide()
    window.prompt.text.setText(words)
    window.prompt.go.click()
    qtbot.waitUntil(window.banner.isVisible, timeout=WAIT_MS)
    return window.banner.words.text()


def show(window, path, content: bytes):
    """Drop a file on the prompt bar, as an example of what to look for."""
    path.write_bytes(content)
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    window.prompt.dropEvent(event)


def test_notes_about_devices_are_read_in_german(german):
    notes = (
        "cuda was not used: its first run failed: 4 windows do not fit; close other programs",
        "1 of 4 large operations of mask.onnx run on the CPU (Conv), because cuda did not take them",
        "the file ends in the middle of a frame",
    )
    assert said(Message("{notes}", notes="\n".join(notes))) == (
        "cuda wurde nicht benutzt: der erste Durchlauf schlug fehl: 4 windows do not fit; close other programs; "
        "1 von 4 großen Operationen von mask.onnx laufen auf der CPU (Conv), weil cuda sie nicht übernommen hat; "
        "the file ends in the middle of a frame"
    )
    untold = [template for template in (*DEVICE_NOTES, *VOICE_NOTES) if note_words(template) == template]
    assert not untold, "notes without German"


def test_notes_about_who_made_a_sound_are_read_in_german(german):
    notes = (
        "no recorded instrument is called 'kazoo', so the flow model made the sound",
        "the line could not be written down with confidence (0.21), so the flow model made the sound",
        "the trumpet plays the line 2 octaves lower, where it is at home",
        "no clear beat was heard in the music, so the part keeps to 100 beats per minute of its own",
    )
    assert [note_words(note) for note in notes] == [
        "kein aufgenommenes Instrument heißt 'kazoo', darum hat das Modell den Klang gemacht",
        "die Linie ließ sich nicht sicher aufschreiben (0.21), darum hat das Modell den Klang gemacht",
        "trumpet spielt die Linie 2 Oktaven tiefer, wo es zu Hause ist",
        "in der Musik war kein klarer Takt zu hören, darum hält sich die Stimme an eigene 100 Schläge pro Minute",
    ]


def test_the_status_line_shows_how_far_the_engines_are(german):
    line = StatusLine()
    line.show_engines(2, 11)
    assert line.engines.text() == "TensorRT-Maschinen werden gebaut: 2 von 11"
    assert not line.engines.isHidden()
    line.show_engines(0, 0)
    assert line.engines.isHidden()


def test_engine_errors_are_read_in_german(german, loaded, qtbot, tmp_path, toy_bundle):
    said = {"long": refusal(loaded, qtbot, "x" * (PROMPT_LIMIT_CHARACTERS + 1))}

    candidates = loaded.prompt.advanced.candidates
    candidates.setValue(candidates.maximum())
    said["many"] = refusal(loaded, qtbot, ", ".join(f"voice {number}" for number in range(12)))
    candidates.setValue(1)

    show(loaded, tmp_path / "clip.wav", b"#EXTM3U\nhttp://nowhere/a.wav\n")
    said["playlist"] = refusal(loaded, qtbot, "violin")
    loaded.prompt.examples.buttons[tmp_path / "clip.wav"].click()

    show(loaded, tmp_path / "lie.png", b"\x89PNG\r\n\x1a\n" + b"nothing of the kind" * 20)
    said["picture"] = refusal(loaded, qtbot, "violin")
    loaded.prompt.examples.buttons[tmp_path / "lie.png"].click()

    broken = tmp_path / "broken"
    shutil.copytree(toy_bundle, broken)
    loaded.workspace.bundles.add_folder(broken)
    (broken / "step.onnx").unlink()
    loaded.prompt.set_bundles(loaded.workspace.bundles.choices(), str(broken))
    said["bundle"] = refusal(loaded, qtbot, "violin")

    assert f"erlaubt sind höchstens {PROMPT_LIMIT_CHARACTERS}" in said["long"]
    assert "in einen Auftrag passen höchstens" in said["many"]
    assert "ist eine Wiedergabeliste; nehmen Sie die Datei, die darin steht" in said["playlist"]
    assert "das Beispiel" in said["picture"]
    assert str(tmp_path / "lie.png") in said["picture"]
    assert "step.onnx fehlt; laden Sie das Modell neu herunter" in said["bundle"]
    for sentence in said.values():
        assert not [word for word in ENGLISH if word in sentence], sentence
