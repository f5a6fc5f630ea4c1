"""Where the user says what is wanted; what is seldom needed is folded away."""

from __future__ import annotations

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QDoubleSpinBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.models.asking import CANDIDATES_LIMIT, REQUEST_FIELDS, Form
from desktop.models.words import lexicon
from desktop.views.text import clock, tr
from desktop.views.theme import Palette, icon
from engine import TASKS

FIELD_HEIGHT = 30
SEED_LIMIT = 2**31 - 1
STEPS_LIMIT, GUIDANCE_LIMIT, SECONDS_LIMIT = 100, 20.0, 600.0
DEVICES = (("auto", "Fastest that works"), ("cpu", "CPU"), ("cuda", "CUDA"), ("tensorrt", "TensorRT"))
HINTS = {
    "isolate": "violin, drum kit, bass guitar …",
    "remove": "what is to go, as: vocals",
    "regenerate": "what is to be played instead, as: electric guitar",
    "generate": "what is to be made, as: a slow cello line",
    "inpaint": "what plays in the region, as: piano",
    "extend": "what goes on, as: synth bass",
}


class PromptBar(QFrame):
    """Builds a form.

    Signals:
        asked: the form.
        region_cleared: work on all of it again.
    """

    asked = Signal(object)
    region_cleared = Signal()

    def __init__(self, palette: Palette, bundles: dict[str, str], bundle: str, device: str) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setAccessibleName(tr("Prompt"))
        self.task = QComboBox()
        self.task.setAccessibleName(tr("Task"))
        self.task.setToolTip(tr("What is to be done (Ctrl+T)"))
        for task, rule in TASKS.items():
            self.task.addItem(tr(task.capitalize()), task)
            self.task.setItemData(self.task.count() - 1, tr(rule.doc), Qt.ItemDataRole.ToolTipRole)
        self.task.currentIndexChanged.connect(self._on_task)
        self.text = QLineEdit()
        self.text.setObjectName("prompt")
        self.text.setAccessibleName(tr("What to look for"))
        self.text.setToolTip(tr("A few words; commas part several stems (Ctrl+L)"))
        self.text.setClearButtonEnabled(True)
        self.text.returnPressed.connect(self._ask)
        self._complete()
        self.region = QPushButton()
        self.region.setObjectName("link")
        self.region.setAccessibleName(tr("Region"))
        self.region.setToolTip(tr("The region that is worked on; press to work on all of it (Esc)"))
        self.region.clicked.connect(self.region_cleared)
        self.go = QPushButton(tr("Isolate"))
        self.go.setObjectName("go")
        self.go.setToolTip(tr("Put it into the queue (Ctrl+Return)"))
        self.go.clicked.connect(self._ask)
        self.fold = QToolButton()
        self.fold.setObjectName("flat")
        self.fold.setCheckable(True)
        self.fold.setText(tr("Advanced"))
        self.fold.setToolTip(tr("Seed, steps, guidance, candidates, bundle, device (Ctrl+.)"))
        self.fold.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.fold.toggled.connect(self._on_fold)
        self.target = QLabel()
        self.target.setObjectName("quiet")
        self._make_numbers(bundles, bundle, device)
        self._lay_out()
        self.dress(palette)
        self.show_region(None, 1)
        self._on_task()

    def _make_numbers(self, bundles: dict[str, str], bundle: str, device: str) -> None:
        self.seed = _whole(0, SEED_LIMIT, "", tr("Same seed, same result on the same device"))
        self.steps = _whole(0, STEPS_LIMIT, tr("as the bundle likes"), tr("Steps of the sampler; more take longer"))
        self.guidance = _number(-0.1, GUIDANCE_LIMIT, tr("as the bundle likes"), tr("How hard the prompt pushes"))
        self.strength = _number(0.0, 1.0, "", tr("How far from the old sound: 0 stays, 1 is new"))
        self.strength.setValue(0.6)
        self.candidates = _whole(1, CANDIDATES_LIMIT, "", tr("Versions with seeds in a row, as takes of one lane"))
        self.seconds = _number(0.0, SECONDS_LIMIT, tr("as usual"), tr("Seconds to make"))
        self.render_choice = QComboBox()
        self.render_choice.addItem(tr("Your own audio, filtered"), "masked")
        self.render_choice.addItem(tr("The model's own audio"), "decoded")
        self.render_choice.setToolTip(tr("Filtered keeps your phase and sums to the mix exactly"))
        self.bundle, self.device = QComboBox(), QComboBox()
        self.set_bundles(bundles, bundle)
        self.bundle.setToolTip(tr("The model that does it; more under Settings"))
        for name, words in DEVICES:
            self.device.addItem(tr(words), name)
        self.device.setCurrentIndex(max(self.device.findData(device), 0))
        self.device.setToolTip(tr("Where it runs; the status line says where it really ran"))

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(10)
        self.task.setMinimumWidth(130)
        line.addWidget(self.task)
        line.addWidget(self.text, 1)
        line.addWidget(self.go)
        under = QHBoxLayout()
        under.setSpacing(6)
        under.addWidget(self.target)
        under.addWidget(self.region)
        under.addStretch(1)
        under.addWidget(self.fold)
        self.advanced = QWidget()
        grid = QGridLayout(self.advanced)
        grid.setContentsMargins(0, 6, 0, 2)
        grid.setHorizontalSpacing(14)
        rows = [
            (tr("Seed"), self.seed), (tr("Steps"), self.steps), (tr("Guidance"), self.guidance),
            (tr("Candidates"), self.candidates), (tr("Seconds"), self.seconds), (tr("Strength"), self.strength),
            (tr("Sound"), self.render_choice), (tr("Bundle"), self.bundle), (tr("Device"), self.device),
        ]  # fmt: skip
        self._labels: dict[QWidget, QLabel] = {}
        for place, (words, widget) in enumerate(rows):
            label = self._labels[widget] = QLabel(words)
            label.setObjectName("caption")
            label.setBuddy(widget)
            widget.setAccessibleName(words)
            grid.addWidget(label, place // 5 * 2, place % 5)
            grid.addWidget(widget, place // 5 * 2 + 1, place % 5)
        self.advanced.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 8)
        column.setSpacing(4)
        column.addLayout(line)
        column.addLayout(under)
        column.addWidget(self.advanced)

    def dress(self, palette: Palette) -> None:
        """Other colours."""
        self._palette = palette
        self.fold.setIcon(icon("down" if self.fold.isChecked() else "right", palette.quiet))

    def set_bundles(self, bundles: dict[str, str], bundle: str) -> None:
        """Offer other models."""
        self.bundle.clear()
        for words, place in bundles.items():
            self.bundle.addItem(words, place)
        if self.bundle.findData(bundle) < 0:
            self.bundle.addItem(bundle, bundle)
        self.bundle.setCurrentIndex(self.bundle.findData(bundle))

    def show_region(self, selection: tuple[int, int] | None, rate_hz: int) -> None:
        """Say what will be worked on."""
        self.region.setVisible(selection is not None)
        if selection is not None and rate_hz:
            first, last = (edge / rate_hz for edge in selection)
            self.region.setText(f"{clock(first, 2)} – {clock(last, 2)}   ✕")

    def show_target(self, lane: str) -> None:
        """Say which lane is chosen."""
        self._lane = lane
        self._on_task()

    def form(self) -> Form:
        """What stands there now."""
        return Form(
            task=str(self.task.currentData()),
            text=self.text.text(),
            seed=self.seed.value(),
            steps=self.steps.value() or None,
            guidance=None if self.guidance.value() < 0 else round(self.guidance.value(), 3),
            strength=self.strength.value() if "strength" in REQUEST_FIELDS else None,
            candidates=self.candidates.value(),
            seconds=self.seconds.value() or None,
            render=str(self.render_choice.currentData()),
            bundle=str(self.bundle.currentData()),
            device=str(self.device.currentData()),
        )

    def set_task(self, task: str) -> None:
        """Choose a task."""
        self.task.setCurrentIndex(self.task.findData(task))

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Files belong to the timeline."""
        event.ignore()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """As above."""
        event.ignore()

    def _complete(self) -> None:
        completer = QCompleter(QStringListModel(lexicon(), self), self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setMaxVisibleItems(9)
        self.text.setCompleter(completer)

    def _ask(self) -> None:
        self.asked.emit(self.form())

    def _on_fold(self, open_: bool) -> None:
        self.advanced.setVisible(open_)
        self.dress(self._palette)

    def _on_task(self) -> None:
        task = str(self.task.currentData())
        rule = TASKS[task]
        self.text.setPlaceholderText(tr(HINTS.get(task, "a few words")))
        self.go.setText(tr(task.capitalize()))
        lane = getattr(self, "_lane", "")
        on_lane = bool(lane) and rule.input_slot is not None and rule.input_slot.name != "MIX"
        where = lane if on_lane else tr("nothing but the prompt") if rule.input_slot is None else tr("the mix")
        self.target.setText(f"{tr('Works on')}: {where}")
        self.task.setStatusTip(tr(rule.doc))
        for widget, wanted in (
            (self.seconds, rule.makes_s is not None),
            (self.render_choice, rule.masked),
            (self.strength, "strength" in REQUEST_FIELDS),
        ):
            widget.setVisible(wanted)
            self._labels[widget].setVisible(wanted)


def _whole(low: int, high: int, special: str, tip: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setSpecialValueText(special)
    box.setToolTip(tip)
    box.setMinimumHeight(FIELD_HEIGHT)
    return box


def _number(low: float, high: float, special: str, tip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(low, high)
    box.setDecimals(2)
    box.setSingleStep(0.1)
    box.setValue(low)
    box.setSpecialValueText(special)
    box.setToolTip(tip)
    box.setMinimumHeight(FIELD_HEIGHT)
    return box
