"""The folded part of the prompt bar: what is seldom needed. Only what the task takes is shown."""

from __future__ import annotations

from typing import Any, TypeVar

from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from desktop.models.request_builder import CANDIDATES_LIMIT
from desktop.views.sliders import FIELD_HEIGHT, ShareSlider
from desktop.views.text import tr
from engine import Rule, Slot

Box = TypeVar("Box", QSpinBox, QDoubleSpinBox)
TEXT_MARGIN = 6
COLUMNS = 4
SEED_LIMIT = 2**31 - 1
STEPS_LIMIT, GUIDANCE_LIMIT, SECONDS_LIMIT = 100, 20.0, 600.0
DEVICES = (("auto", "Fastest that works"), ("cpu", "CPU"), ("cuda", "CUDA"), ("tensorrt", "TensorRT"))
MAKES = (("", "A stem"), ("mix", "The mix"), ("rest", "The others"))
WITH = {  # the name, tip and hint of the words about what goes with what is made
    Slot.REST: ("The others", "What the others play, where that helps", "as: piano and drums"),
    Slot.STEM: ("The stem", "What the stem plays, where that helps", "as: violin"),
}
RENDERS = (
    ("masked", "Your own audio, filtered"),
    ("flow", "Filtered by the flow alone"),
    ("decoded", "The model's own audio"),
)


class Advanced(QWidget):
    """Fields with labels, in rows of ``COLUMNS``.

    Args:
        bundles: words to place.
        bundle: place of the one that is chosen.
        device: the one that is chosen.
    """

    def __init__(self, bundles: dict[str, str], bundle: str, device: str) -> None:
        super().__init__()
        self.seed = _whole(0, SEED_LIMIT, "", tr("Same seed, same result on the same device"))
        self.steps = _whole(0, STEPS_LIMIT, tr("as the bundle likes"), tr("Steps of the sampler; more take longer"))
        self.guidance = _number(-0.1, GUIDANCE_LIMIT, tr("as the bundle likes"), tr("How hard the prompt pushes"))
        self.candidates = _whole(
            1, CANDIDATES_LIMIT, "", tr("Versions with seeds in a row, as takes of one lane, the best first")
        )
        self.seconds = _number(0.0, SECONDS_LIMIT, tr("as usual"), tr("Seconds to make"))
        self.render_choice = _choice(RENDERS, "masked", tr("Filtered keeps your phase and sums to the mix exactly"))
        self.slot = _choice(
            MAKES, "", tr("What is made: a stem, the whole mix, or what plays beside a stem (Ctrl+Shift+M)")
        )
        self.bundle = _choice((), "", tr("The model that does it; more under Settings"))
        self.device = _choice(DEVICES, device, tr("Where it runs; the status line says where it really ran"))
        self.weight = ShareSlider(
            tr("Words"), tr("Examples"), 0.5, tr("Whether the words or the examples count for more")
        )
        self.mix_words = _words(tr("as: slow jazz trio"), tr("What the whole sounds like, where that helps"))
        self.rest_words = _words("", "")
        self._fields = {
            self.seed: tr("Seed"), self.steps: tr("Steps"), self.guidance: tr("Guidance"),
            self.candidates: tr("Candidates"), self.seconds: tr("Seconds"), self.render_choice: tr("Sound"),
            self.slot: tr("Makes"), self.bundle: tr("Bundle"), self.device: tr("Device"),
            self.mix_words: tr("The whole"),
            self.rest_words: "", self.weight: tr("Words or examples"),
        }  # fmt: skip
        self.set_bundles(bundles, bundle)
        self._lay_out()

    def _lay_out(self) -> None:
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 6, 0, 2)
        self._grid.setHorizontalSpacing(14)
        self._grid.setVerticalSpacing(6)
        self._cells: dict[QWidget, QWidget] = {}
        self._labels: dict[QWidget, QLabel] = {}
        for field, words in self._fields.items():
            label = self._labels[field] = QLabel(words)
            label.setObjectName("caption")
            label.setBuddy(field)
            field.setAccessibleName(words)
            cell = self._cells[field] = QWidget(self)
            column = QVBoxLayout(cell)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(3)
            column.addWidget(label)
            column.addWidget(field)
        for column_number in range(COLUMNS):
            self._grid.setColumnStretch(column_number, 1)

    def fit(self, rule: Rule, examples: bool) -> None:
        """Show what a task takes, without holes.

        Args:
            rule: of the task, for the slot that is made.
            examples: True means there are some.
        """
        self._name_rest(*WITH[rule.rest_slot])
        unwanted = {
            self.seconds: rule.makes_s is None,
            self.render_choice: not rule.masked,
            self.slot: not rule.any_slot,
            self.mix_words: rule.prompt_slot is Slot.MIX,
            self.weight: not examples,
        }
        place = 0
        for field, cell in self._cells.items():
            self._grid.removeWidget(cell)
            cell.setVisible(not unwanted.get(field, False))
            if not unwanted.get(field, False):
                self._grid.addWidget(cell, place // COLUMNS, place % COLUMNS)
                place += 1

    def _name_rest(self, name: str, tip: str, hint: str) -> None:
        self._labels[self.rest_words].setText(tr(name))
        self.rest_words.setAccessibleName(tr(name))
        self.rest_words.setToolTip(tr(tip))
        self.rest_words.setPlaceholderText(tr(hint))

    def set_bundles(self, bundles: dict[str, str], bundle: str) -> None:
        """Offer other models."""
        self.bundle.blockSignals(True)
        self.bundle.clear()
        for words, place in bundles.items():
            self.bundle.addItem(words, place)
        if self.bundle.findData(bundle) < 0:
            self.bundle.addItem(bundle, bundle)
        self.bundle.blockSignals(False)
        self.bundle.setCurrentIndex(self.bundle.findData(bundle))

    def values(self) -> dict[str, Any]:
        """Fields of a ``PromptForm``."""
        return {
            "seed": self.seed.value(),
            "steps": self.steps.value() or None,
            "guidance": None if self.guidance.value() < 0 else round(self.guidance.value(), 3),
            "candidates": self.candidates.value(),
            "seconds": self.seconds.value() or None,
            "render": str(self.render_choice.currentData()),
            "slot": str(self.slot.currentData()),
            "bundle": str(self.bundle.currentData()),
            "device": str(self.device.currentData()),
            "example_weight": self.weight.value,
            "mix_words": self.mix_words.text(),
            "rest_words": self.rest_words.text(),
        }


def _choice(rows: tuple[tuple[str, str], ...], chosen: str, tip: str) -> QComboBox:
    box = QComboBox()
    for name, words in rows:
        box.addItem(tr(words), name)
    box.setCurrentIndex(max(box.findData(chosen), 0) if rows else -1)
    box.setToolTip(tip)
    box.setMinimumHeight(FIELD_HEIGHT)
    box.setMinimumContentsLength(8)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    return box


def _words(hint: str, tip: str) -> QLineEdit:
    line = QLineEdit()
    line.setPlaceholderText(hint)
    line.setToolTip(tip)
    line.setMinimumHeight(FIELD_HEIGHT)
    return line


def _whole(low: int, high: int, special: str, tip: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    return _spun(box, special, tip)


def _number(low: float, high: float, special: str, tip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(low, high)
    box.setDecimals(2)
    box.setSingleStep(0.1)
    box.setValue(low)
    return _spun(box, special, tip)


def _spun(box: Box, special: str, tip: str) -> Box:
    box.lineEdit().setTextMargins(TEXT_MARGIN, 0, 0, 0)
    box.setSpecialValueText(special)
    box.setToolTip(tip)
    box.setMinimumHeight(FIELD_HEIGHT)
    return box
