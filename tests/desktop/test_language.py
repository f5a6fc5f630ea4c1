"""The window speaks German when asked to: proof that every text can be translated."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # the helper beside this file

from language import texts, translations
from PySide6.QtWidgets import QApplication

from desktop.app import translate
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
