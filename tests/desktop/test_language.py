"""The window speaks German when asked to: proof that every text can be translated."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file

from language import raised, texts, translations
from PySide6.QtWidgets import QApplication

from desktop.app import translate
from desktop.views.sentences import SENTENCES, said
from desktop.views.text import tr


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


def test_what_went_wrong_is_said_in_german_with_its_names(qapp):
    translate(qapp, "de")
    try:
        assert said("Song.wav is empty (0 bytes); choose a file with sound in it.") == (
            "Song.wav ist leer (0 Bytes); wählen Sie eine Datei mit Ton."
        )
        assert said("isolate violin did not work: there is no file /a/b.wav; it may have been moved or deleted") == (
            "isolate violin ging nicht: es gibt keine Datei /a/b.wav; vielleicht wurde sie verschoben oder gelöscht"
        )
        assert said("something nobody wrote down") == "something nobody wrote down"
    finally:
        translate(qapp, "en")
    assert said("OSC: off") == "OSC: off"
