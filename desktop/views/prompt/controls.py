"""Controls for options of a request: each shows one option and returns the value for it as ``chosen``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QPaintEvent, QValidator
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLineEdit,
    QMenu,
    QPushButton,
    QSizePolicy,
    QSpinBox,
    QStyle,
    QStyleOptionButton,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from desktop.views.sliders import FIELD_HEIGHT, ShareSlider
from desktop.views.text import tr

TEXT_MARGIN = 6
ARROW_PIXELS = 42  # of a combo box: its arrow, and what is left and right of the words
NUMBER_STEP = 0.1
SpinBox = TypeVar("SpinBox", bound=QAbstractSpinBox)


class WholeBox(QSpinBox):
    """A whole number.

    Args:
        low, high: both allowed.
        unset: shown below ``low`` for no number; empty if there must be one.
    """

    def __init__(self, low: int, high: int, unset: str = "") -> None:
        super().__init__()
        self.setRange(low - 1 if unset else low, high)
        self._unset = unset
        _fit_field(self, unset)

    @property
    def chosen(self) -> int | None:
        """The number, None for no number."""
        return None if self._unset and self.value() == self.minimum() else self.value()


class NumberBox(QDoubleSpinBox):
    """A number with two decimals that may be left open.

    Args:
        low, high: both allowed.
        unset: shown below ``low`` for no number.
    """

    def __init__(self, low: float, high: float, unset: str) -> None:
        super().__init__()
        self.setDecimals(2)
        self.setSingleStep(NUMBER_STEP)
        self.setRange(round(low - NUMBER_STEP, 2), high)
        self.setValue(self.minimum())
        self._low = low
        _fit_field(self, unset)

    @property
    def chosen(self) -> float | None:
        """The number, None for no number."""
        return None if self.value() < self._low else round(self.value(), 2)


class SeedField(QLineEdit):
    """A whole number of up to 63 bits; a ``QSpinBox`` holds 31.

    Args:
        low, high: both allowed.
    """

    def __init__(self, low: int, high: int) -> None:
        super().__init__(str(low))
        self._low = low
        self.setValidator(_WholeNumber(low, high, self))
        self.setMinimumHeight(FIELD_HEIGHT)

    @property
    def chosen(self) -> int:
        """The number; the lowest one while the field is empty."""
        return int(self.text()) if self.hasAcceptableInput() else self._low


class ChoiceBox(QComboBox):
    """One of several.

    Args:
        rows: value and words of each.
        value: chosen at first.
    """

    def __init__(self, rows: Iterable[tuple[str, str]], value: str) -> None:
        super().__init__()
        self.set_rows(rows, value)
        self.setMinimumHeight(FIELD_HEIGHT)
        self.setMinimumContentsLength(8)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)

    def set_rows(self, rows: Iterable[tuple[str, str]], value: str) -> None:
        """Replace the rows; select ``value``, or the first row without it."""
        self.blockSignals(True)
        self.clear()
        for one, words in rows:
            self.addItem(words, one)
        self.blockSignals(False)
        self.setCurrentIndex(max(self.findData(value), 0) if self.count() else -1)

    @property
    def chosen(self) -> str:
        """The value."""
        return str(self.currentData() or "")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """As of Qt, but words without room end in an ellipsis and not in mid-letter."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        room = self.width() - ARROW_PIXELS
        option.currentText = self.fontMetrics().elidedText(option.currentText, Qt.TextElideMode.ElideRight, room)
        painter = QStylePainter(self)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()


class WordsField(QLineEdit):
    """A few words."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(FIELD_HEIGHT)

    @property
    def chosen(self) -> str:
        """The words."""
        return self.text().strip()


class FlagBox(QCheckBox):
    """Yes or no."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.setMinimumHeight(FIELD_HEIGHT)

    @property
    def chosen(self) -> bool:
        """True means yes."""
        return self.isChecked()


class SeveralButton(QPushButton):
    """Any number of several, in a menu.

    Args:
        rows: value and words of each.
        none: shown while none is chosen.

    Signals:
        chosen_changed: other values are chosen.
    """

    chosen_changed = Signal()

    def __init__(self, rows: Iterable[tuple[str, str]], none: str) -> None:
        super().__init__()
        self._none = none
        self._actions: dict[str, QAction] = {}
        menu = QMenu(self)
        for value, words in rows:
            action = self._actions[value] = menu.addAction(words)
            action.setCheckable(True)
            action.toggled.connect(self._show_chosen)
        self.setObjectName("several")
        self.setMenu(menu)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(FIELD_HEIGHT)
        self._show_chosen()

    @property
    def chosen(self) -> tuple[str, ...]:
        """The values, in the order of the menu."""
        return tuple(value for value, action in self._actions.items() if action.isChecked())

    def choose(self, values: Iterable[str]) -> None:
        """Choose these values and no others."""
        wanted = set(values)
        for value, action in self._actions.items():
            action.setChecked(value in wanted)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Words at the left, as in a combo box; the style sheet of a button with a menu leaves them no margin."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = ""
        painter = QStylePainter(self)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        where = self.rect().adjusted(TEXT_MARGIN + 3, 0, TEXT_MARGIN - ARROW_PIXELS, 0)
        words = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, where.width())
        painter.setPen(self.palette().buttonText().color())
        painter.drawText(where, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, words)
        painter.end()

    def _show_chosen(self) -> None:
        self.chosen_changed.emit()
        words = ", ".join(action.text() for action in self._actions.values() if action.isChecked())
        self.setText(words or self._none)


class _WholeNumber(QValidator):
    """Digits only, between two limits."""

    def __init__(self, low: int, high: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._low, self._high = low, high

    def validate(self, text: str, place: int) -> object:
        """As of Qt."""
        if not text:
            return QValidator.State.Intermediate, text, place
        good = text.isascii() and text.isdigit() and self._low <= int(text) <= self._high
        return (QValidator.State.Acceptable if good else QValidator.State.Invalid), text, place


def reset(control: QWidget, usual: object) -> None:
    """Give a control the value it had at first."""
    if isinstance(control, QSpinBox | QDoubleSpinBox):
        control.setValue(control.minimum() if usual is None else usual)  # type: ignore[arg-type]
    elif isinstance(control, QComboBox):
        control.setCurrentIndex(max(control.findData(usual), 0))
    elif isinstance(control, QLineEdit):
        control.setText("" if usual in (None, "") else str(usual))
    elif isinstance(control, QCheckBox):
        control.setChecked(bool(usual))
    elif isinstance(control, SeveralButton):
        control.choose(())
    elif isinstance(control, ShareSlider):
        control.slider.setValue(control.slider.usual)


def tell_changes(control: QWidget, told: Callable[[], object]) -> None:
    """Call ``told`` whenever the value of a control changes."""
    if isinstance(control, QSpinBox | QDoubleSpinBox):
        control.valueChanged.connect(lambda value: told())
    elif isinstance(control, QComboBox):
        control.currentIndexChanged.connect(lambda row: told())
    elif isinstance(control, QLineEdit):
        control.textChanged.connect(lambda text: told())
    elif isinstance(control, QCheckBox):
        control.toggled.connect(lambda on: told())
    elif isinstance(control, SeveralButton):
        control.chosen_changed.connect(told)
    elif isinstance(control, ShareSlider):
        control.slider.valueChanged.connect(lambda value: told())


def words_of(control: QWidget) -> str:
    """The value of a control, as it is shown."""
    if isinstance(control, QComboBox):
        return control.currentText()
    if isinstance(control, QCheckBox):
        return ""
    if isinstance(control, ShareSlider):
        return f"{control.value:.0%}"
    if isinstance(control, QSpinBox | QDoubleSpinBox | QLineEdit | SeveralButton):
        return control.text()
    return ""


def choice_rows(values: Iterable[str], words: dict[str, str]) -> list[tuple[str, str]]:
    """Values with their words in the user's language; a value without words stands for itself."""
    return [(value, tr(words.get(value, value))) for value in values]


def _fit_field(box: SpinBox, unset: str) -> None:
    box.lineEdit().setTextMargins(TEXT_MARGIN, 0, 0, 0)
    box.setSpecialValueText(unset)
    box.setMinimumHeight(FIELD_HEIGHT)
