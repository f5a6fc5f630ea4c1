"""Contrast of the window's colours: 4.5 : 1 for words, 3 : 1 for what is used, in both themes; WCAG 2.2."""

import re
from importlib import resources

import numpy as np
import pytest
from PySide6.QtGui import QColor

from desktop.views.theme import DARK, LIGHT, sheet

WORDS = [  # colour of the words, surfaces they stand on
    ("text", ("base", "panel", "raised", "field")),
    ("quiet", ("base", "panel", "raised", "field")),
    ("danger", ("base", "panel", "raised")),
    ("good", ("base", "panel", "raised")),
    ("warn", ("base", "panel", "raised")),
    ("accent", ("base", "panel")),
    ("on_accent", ("accent",)),
    ("on_lit", ("lit",)),
    ("on_solo", ("solo",)),
]
CONTROLS = [  # edge or sign, what is beside it
    ("edge", ("base", "panel", "raised", "field")),
    ("accent", ("base", "panel", "raised", "field")),
    ("lit", ("base", "panel", "raised", "field")),
    ("solo", ("base", "panel", "raised", "field")),
    ("faint", ("base", "panel", "raised", "field")),
    ("wave", ("base", "panel")),
]
THEMES = [DARK, LIGHT]


def contrast(one: str, two: str) -> float:
    """Contrast of two colours, 1 to 21; WCAG 2.2, relative luminance."""

    def luminance(colour: str) -> float:
        parts = (QColor(colour).redF(), QColor(colour).greenF(), QColor(colour).blueF())
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", THEMES, ids=lambda palette: palette.name)
def test_words_can_be_read(palette):
    low = {
        (words, ground): round(figure, 2)
        for words, grounds in WORDS
        for ground in grounds
        if (figure := contrast(getattr(palette, words), getattr(palette, ground))) < 4.5
    }
    assert low == {}


@pytest.mark.parametrize("palette", THEMES, ids=lambda palette: palette.name)
def test_controls_and_lanes_can_be_seen(palette):
    low = {
        (sign, ground): round(figure, 2)
        for sign, grounds in CONTROLS
        for ground in grounds
        if (figure := contrast(getattr(palette, sign), getattr(palette, ground))) < 3.0
    }
    low |= {
        ("lane", colour): round(contrast(colour, palette.base), 2)
        for colour in palette.lanes
        if contrast(colour, palette.base) < 3.0
    }
    assert low == {}


@pytest.mark.parametrize("palette", THEMES, ids=lambda palette: palette.name)
def test_colours_of_lanes_are_told_from_each_other(palette):
    labs = {colour: oklab(colour) for colour in palette.lanes}
    near = {
        (one, other): round(float(figure), 3)
        for one in labs
        for other in labs
        if one < other and (figure := np.linalg.norm(labs[one] - labs[other])) < 0.08
    }
    assert near == {}


def oklab(colour):
    """A colour in a space where distance is difference to the eye; Ottosson 2020, "A perceptual color space"."""
    shown = QColor(colour)
    parts = np.array([shown.redF(), shown.greenF(), shown.blueF()])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    cones = np.array([
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ])  # fmt: skip
    axes = np.array([
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ])  # fmt: skip
    return axes @ np.cbrt(cones @ linear)


def test_every_control_of_the_sheet_has_an_edge_that_can_be_seen(qapp):
    text = sheet(DARK)
    for control in ("QPushButton, QToolButton", "QLineEdit, QComboBox", "QAbstractSpinBox", "QCheckBox::indicator"):
        bodies = re.findall(rf"^{re.escape(control)}[^{{]*{{([^}}]*)}}", text, re.MULTILINE)
        assert any(f"solid {DARK.edge}" in body for body in bodies), control


def test_all_colours_of_the_sheet_come_from_the_palette():
    text = resources.files("desktop.resources").joinpath("window.qss").read_text(encoding="utf-8")
    assert re.findall(r":[^;{]*#[0-9a-fA-F]{3,8}\b", text) == []


def test_contrast_is_that_of_the_standard():
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#0d0f12", "#121418") == pytest.approx(1.04, abs=0.01)
