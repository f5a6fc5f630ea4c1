"""The effects of a lane: slots in order, a control for every parameter, two chains to compare, presets.

No plug-in runs in the window's process. Parameters are drawn from what a plug-in says of itself; its own window opens
in its own process where there is a screen for it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QInputDialog,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QToolButton,
    QWidget,
)

from desktop.message import Message
from desktop.models.insert_chain import SIDE_NAMES, InsertChain, InsertSlot
from desktop.models.workspace import Workspace
from desktop.views.layout import beside, scrolled, under
from desktop.views.sentences import said, sentence
from desktop.views.sliders import ResetSlider
from desktop.views.text import tr
from engine import BUILTINS, ParameterSpec, editor_obstacle

STEPS = 1000  # of a slider
WIDTH, HEIGHT = 760, 520
LIST_WIDTH, FIELD_WIDTH = 270, 120
TAIL_LIMIT_S = 60.0
PRESET_FILTER = "VST 3 (*.vstpreset)"


class ParameterSlider(QWidget):
    """A slider and a field for one number; frequencies are spread by octaves.

    Args:
        row: the number.
    """

    def __init__(self, row: ParameterSpec, changed: Callable[[float], None]) -> None:
        super().__init__()
        low, high = row.low or 0.0, row.high if row.high is not None else 1.0
        self._low, self._high = low, max(high, low + 1e-9)
        self._by_octaves = row.unit == "Hz" and low > 0
        self.slider = ResetSlider(Qt.Orientation.Horizontal)
        self.slider.setRange(0, STEPS)
        self.field = QDoubleSpinBox()
        self.field.setRange(low, self._high)
        self.field.setDecimals(_digits(self._high - low))
        self.field.setSingleStep(row.step or (self._high - low) / 100)
        self.field.setSuffix(f" {row.unit}" if row.unit.strip() else "")
        self.field.setKeyboardTracking(False)
        self.field.setFixedWidth(FIELD_WIDTH)
        for part in (self.slider, self.field):
            part.setAccessibleName(row.said)
        value = float(row.default)
        self.field.setValue(value)
        self.slider.usual = self._place(value)
        self.slider.setValue(self.slider.usual)
        self.slider.valueChanged.connect(lambda place: self.field.setValue(self._value(place)))
        self.field.valueChanged.connect(self._follow)
        self.field.valueChanged.connect(changed)
        under(self, (0, 0, 0, 0), beside((self.slider, 1), self.field))

    def _follow(self, value: float) -> None:
        with QSignalBlocker(self.slider):
            self.slider.setValue(self._place(value))

    def _place(self, value: float) -> int:
        value = min(max(value, self._low), self._high)
        if self._by_octaves:
            return round(STEPS * math.log(value / self._low) / math.log(self._high / self._low))
        return round(STEPS * (value - self._low) / (self._high - self._low))

    def _value(self, place: int) -> float:
        if self._by_octaves:
            return float(self._low * (self._high / self._low) ** (place / STEPS))
        return self._low + (self._high - self._low) * place / STEPS


class InsertsDialog(QDialog):
    """The effects of one lane."""

    def __init__(self, workspace: Workspace, lane_id: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.model = InsertChain(workspace, lane_id, self)
        name = self.model.lane.name if self.model.lane else ""
        self.setWindowTitle(tr("Effects on {lane}").replace("{lane}", name))
        self.resize(WIDTH, HEIGHT)
        self.list = QListWidget()
        self.list.setFixedWidth(LIST_WIDTH)
        self.list.setAccessibleName(tr("Effects in order"))
        self.panel = QWidget()
        self.form = QFormLayout(self.panel)
        self.status = QLabel()
        self.status.setWordWrap(True)
        self.status.setObjectName("caption")
        self._make_buttons()
        self.chains = QComboBox()
        self.chains.setAccessibleName(tr("Chain"))
        self.tail = QDoubleSpinBox()
        self.tail.setRange(0.0, TAIL_LIMIT_S)
        self.tail.setSuffix(" s")
        self.tail.setToolTip(tr("How long echoes may ring on after the end; 0 cuts them"))
        self.tail.setAccessibleName(tr("Tail"))
        self.tail.valueChanged.connect(self.model.set_tail)
        self._lay_out()
        self.list.currentRowChanged.connect(self._show_parameters)
        self.list.itemChanged.connect(self._on_item)
        self.model.changed.connect(self._show)
        self.model.plugins_changed.connect(self._fill_add)
        self.model.working_changed.connect(self._on_working)
        self.model.told.connect(self._say)
        workspace.troubled.connect(self._say)
        self._fill_add()
        self._show()

    def _say(self, message: Message) -> None:
        self.status.setText(said(message))

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Give up what is under way."""
        self.model.close()
        super().closeEvent(event)

    @property
    def current(self) -> int:
        """Place of the chosen effect, -1 for none."""
        return self.list.currentRow()

    def _make_buttons(self) -> None:
        self.add = QToolButton()
        self.add.setText(tr("Add"))
        self.add.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.up = _button(tr("Up"), lambda: self._move(-1))
        self.down = _button(tr("Down"), lambda: self._move(1))
        self.remove = _button(tr("Remove"), lambda: self.model.remove(self.current))
        self.sides = [_button(name, partial(self.model.hear_side, at)) for at, name in enumerate(SIDE_NAMES)]
        for button in self.sides:
            button.setCheckable(True)
            button.setFixedWidth(34)
            button.setToolTip(tr("Compare two chains"))
        self.copy = _button(tr("Copy to the other"), self.model.copy_to_other)
        self.take = _button(tr("Use this chain"), lambda: self.model.open_chain(self.chains.currentText()))
        self.save = _button(tr("Save chain …"), self._save_chain)
        self.scan = _button(tr("Look for plug-ins"), self.model.scan)
        self.preset_in = _button(tr("Open preset …"), self._open_preset)
        self.preset_out = _button(tr("Save preset …"), self._save_preset)
        self.editor = _button(tr("Its own window"), lambda: self.model.open_editor(self.current))
        self._obstacle = editor_obstacle()
        if self._obstacle is not None:
            self.editor.setEnabled(False)
            self.editor.setToolTip(sentence(self._obstacle))
        self.apply = _button(tr("Make a take with effects"), self.model.apply)
        self.apply.setObjectName("go")

    def _lay_out(self) -> None:
        left, right = QWidget(), QWidget()
        left.setFixedWidth(LIST_WIDTH)
        under(left, (0, 0, 0, 0), self.list, beside(self.add, self.up, self.down, self.remove))
        under(right, (0, 0, 0, 0), scrolled(self.panel), beside(self.preset_in, self.preset_out, self.editor, 1))
        tail = QLabel(tr("Tail"))
        tail.setBuddy(self.tail)
        under(
            self, (16, 14, 16, 14),
            beside(*self.sides, self.copy, 1, (self.chains, 1), self.take, self.save),
            beside(left, (right, 1), spacing=12), self.status,
            beside(self.scan, 1, tail, self.tail, self.apply), spacing=10,
        )  # fmt: skip

    def _fill_add(self) -> None:
        menu = QMenu(self)
        plugins = menu.addMenu(tr("Plug-ins"))
        for info in self.model.plugins:
            plugins.addAction(f"{info.name} ({info.maker})" if info.maker else info.name,
                              partial(self.model.add_plugin, info))  # fmt: skip
        plugins.setEnabled(bool(self.model.plugins))
        menu.addSeparator()
        for name in BUILTINS:
            menu.addAction(name, partial(self.model.add_builtin, name))
        self.add.setMenu(menu)

    def _show(self) -> None:
        row = max(self.current, 0)
        with QSignalBlocker(self.list):
            self.list.clear()
            for slot in self.model.slots:
                item = QListWidgetItem(slot.effect.name)
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                item.setCheckState(Qt.CheckState.Checked if slot.effect.on else Qt.CheckState.Unchecked)
                self.list.addItem(item)
            self.list.setCurrentRow(min(row, len(self.model.slots) - 1))
        with QSignalBlocker(self.tail):
            self.tail.setValue(self.model.tail_s)
        for at, button in enumerate(self.sides):
            button.setChecked(at == self.model.side)
        names = self.model.chain_names()
        if names != tuple(self.chains.itemText(at) for at in range(self.chains.count())):
            self.chains.clear()
            self.chains.addItems(names)
        self._show_parameters()
        self._on_working(self.model.working)

    def _show_parameters(self) -> None:
        while self.form.rowCount():
            self.form.removeRow(0)
        slot = self._slot()
        for button in (self.up, self.down, self.remove):
            button.setEnabled(slot is not None)
        for button in (self.preset_in, self.preset_out, self.editor):
            button.setVisible(slot is not None and bool(slot.effect.plugin))
        if slot is None:
            return
        at = self.current
        wet = ParameterSpec("wet", "%", 0.0, 100.0, 100.0 * slot.effect.wet, label=tr("Effect share"))
        self.form.addRow(wet.said, ParameterSlider(wet, lambda value: self._set_wet(at, value)))
        for row in slot.parameters:
            self.form.addRow(row.said, self._control(at, row))

    def _control(self, at: int, row: ParameterSpec) -> QWidget:
        if row.choices:
            box = QComboBox()
            box.addItems(row.choices)
            box.setCurrentText(str(row.default))
            box.setAccessibleName(row.said)
            box.currentTextChanged.connect(lambda text: self.model.set_parameter(at, row.name, text))
            return box
        if isinstance(row.default, bool):
            flag = QCheckBox()
            flag.setChecked(row.default)
            flag.setAccessibleName(row.said)
            flag.toggled.connect(lambda on: self.model.set_parameter(at, row.name, on))
            return flag
        if isinstance(row.default, str):
            return QLabel(row.default)
        return ParameterSlider(row, lambda value: self.model.set_parameter(at, row.name, value))

    def _set_wet(self, at: int, percent: float) -> None:
        with QSignalBlocker(self.model):
            self.model.set_wet(at, percent / 100)

    def _slot(self) -> InsertSlot | None:
        return self.model.slots[self.current] if 0 <= self.current < len(self.model.slots) else None

    def _on_item(self, item: QListWidgetItem) -> None:
        self.model.switch(self.list.row(item), item.checkState() == Qt.CheckState.Checked)

    def _move(self, by: int) -> None:
        row = self.current
        self.model.move(row, by)
        self.list.setCurrentRow(min(max(row + by, 0), self.list.count() - 1))

    def _on_working(self, working: bool) -> None:
        self.apply.setEnabled(not working and bool(self.model.chain.heard))
        self.scan.setEnabled(not working)
        self.editor.setEnabled(not working and self._obstacle is None)
        if working:
            self.status.setText(tr("Working …"))

    def _open_preset(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, tr("Open preset …"), "", PRESET_FILTER)
        if path:
            self.model.open_preset(self.current, Path(path))

    def _save_preset(self) -> None:
        path, _ = QFileDialog.getSaveFileName(self, tr("Save preset …"), "", PRESET_FILTER)
        if path:
            self.model.save_preset(self.current, Path(path).with_suffix(".vstpreset"))

    def _save_chain(self) -> None:
        name, is_given = QInputDialog.getText(self, tr("Save chain …"), tr("Name of the chain"))
        kept = "".join(c for c in name if c.isalnum() or c in " -_").strip()
        if is_given and kept:
            self.model.save_chain(kept)


def show_inserts(workspace: Workspace, lane_id: str, window: QWidget) -> InsertsDialog:
    """Open the effects of a lane beside the window."""
    dialog = InsertsDialog(workspace, lane_id, window)
    dialog.show()
    return dialog


def _button(words: str, do: Callable[[], object]) -> QPushButton:
    button = QPushButton(words)
    button.setAutoDefault(False)
    button.clicked.connect(lambda on=False: do())
    return button


def _digits(span: float) -> int:
    return 0 if span >= 5000 else 1 if span >= 100 else 2 if span >= 10 else 3
