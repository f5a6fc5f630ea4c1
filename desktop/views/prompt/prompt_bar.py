"""The prompt bar: task, prompt, examples, regions, and the advanced options folded away."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, QStringListModel, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.models.bundles import BundleRow
from desktop.models.examples import KINDS, kind_of, usable
from desktop.models.instrument_names import lexicon
from desktop.models.project import Regions
from desktop.models.request_builder import PROMPT_SEPARATOR, draft_request, made_by, rule_for
from desktop.views.prompt.advanced import Advanced
from desktop.views.prompt.chips import Chip, Chips
from desktop.views.sliders import ShareSlider
from desktop.views.text import clock, local_paths, tr
from desktop.views.theme import Palette, icon, mark
from engine import TASKS, Request, Rule, Slot

FOLD_HEIGHT = 110  # pixels of the advanced options that are always shown
HINTS = {
    "isolate": "violin, drum kit, bass guitar …",
    "remove": "what to remove, e.g. vocals",
    "regenerate": "what should play instead, e.g. electric guitar",
    "generate": "what to make, e.g. a slow cello line",
    "inpaint": "what plays in the region, e.g. piano",
    "extend": "what should continue, e.g. synth bass",
    "restyle": "what should play it, e.g. trumpet",
    "replace": "what to replace, e.g. violin",
    "arrange": "one stem per name, e.g. drums, bass, piano",
}


class PromptBar(QFrame):
    """Task, prompt and options; together they make a request.

    Signals:
        asked: the request.
        regions_cleared: work on all of it again.
        region_dropped: a kept region is not wanted any more.
        region_kept: the selection is to stay while another one is made.
        examples_offered: paths of files that say what to look for.
        browse_wanted: choose such files.
        bundle_chosen: place of a bundle.
    """

    asked = Signal(object)
    regions_cleared = Signal()
    region_dropped = Signal(object)
    region_kept = Signal()
    examples_offered = Signal(object)
    browse_wanted = Signal()
    bundle_chosen = Signal(str)

    def __init__(self, palette: Palette, bundles: dict[str, str], bundle: str, device: str) -> None:
        super().__init__()
        self.setObjectName("card")
        self.setAccessibleName(tr("Prompt"))
        self.setAcceptDrops(True)
        self._palette = palette
        self._lane = ""
        self._examples: tuple[Path, ...] = ()
        self._bundle = BundleRow(bundle, bundle)
        self._make_words()
        self._make_line_under(palette)
        tip = tr("How far to go from the old sound; double-click for the bundle's default")
        self.strength = ShareSlider(tr("unchanged"), tr("all new"), 0.6, tip)
        self.strength.setAccessibleName(tr("Strength"))
        self.advanced = Advanced(bundles, bundle, device)
        self.bundle, self.device = self.advanced.bundle, self.advanced.device
        self.bundle.currentIndexChanged.connect(lambda: self.bundle_chosen.emit(str(self.bundle.currentData())))
        self.advanced.changed.connect(self._on_task)
        self._lay_out()
        self.dress(palette)
        self.show_regions(None, (), 1)
        self._on_task()

    def _make_words(self) -> None:
        self.task = QComboBox()
        self.task.setAccessibleName(tr("Task"))
        self.task.setToolTip(tr("What to do (Ctrl+T)"))
        for task, rule in TASKS.items():
            self.task.addItem(tr(task.capitalize()), task)
            self.task.setItemData(self.task.count() - 1, tr(rule.doc), Qt.ItemDataRole.ToolTipRole)
        self.task.currentIndexChanged.connect(self._on_task)
        self.text = self._line(tr("What to look for"), tr("A few words; separate several stems with commas (Ctrl+L)"))
        self.replacement = self._line(tr("Replace with"), tr("What to replace it with"))
        self.replacement.setPlaceholderText(tr("replace with, e.g. trumpet"))
        self.go = QPushButton(tr("Isolate"))
        self.go.setObjectName("go")
        self.go.setToolTip(tr("Add to the queue (Ctrl+Return)"))
        self.go.clicked.connect(self._ask)

    def _line(self, name: str, tip: str) -> QLineEdit:
        line = QLineEdit()
        line.setObjectName("prompt")
        line.setAccessibleName(name)
        line.setToolTip(tip)
        line.setClearButtonEnabled(True)
        line.returnPressed.connect(self._ask)
        completer = _LastWord(QStringListModel(lexicon(), line), line)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setMaxVisibleItems(9)
        line.setCompleter(completer)
        return line

    def _make_line_under(self, palette: Palette) -> None:
        self.target = QLabel()
        self.target.setObjectName("quiet")
        self.regions = Chips(palette)
        self.regions.setAccessibleName(tr("Regions"))
        self.regions.removed.connect(self._on_region)
        self.examples = Chips(palette)
        self.examples.setAccessibleName(tr("Examples"))
        self.examples.removed.connect(self.remove_example)
        self.keep = self._flat("plus", tr("Keep this region and choose another (Ctrl+R)"), tr("Keep the region"))
        self.keep.clicked.connect(self.region_kept)
        self.browse = self._flat("plus", "", tr("Add an example"))
        self.browse.setText(tr("Example"))
        self.browse.clicked.connect(self.browse_wanted)
        self.fold = self._flat(
            "right", tr("Seed, steps, guidance, candidates, bundle, device and more (Ctrl+.)"), tr("Advanced")
        )
        self.fold.setText(tr("Advanced"))
        self.fold.setCheckable(True)
        self.fold.toggled.connect(self._on_fold)

    def _flat(self, picture: str, tip: str, name: str) -> QToolButton:
        button = QToolButton()
        button.setObjectName("flat")
        button.setProperty("picture", picture)
        button.setToolTip(tip)
        button.setAccessibleName(name)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        return button

    def _lay_out(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(10)
        self.task.setMinimumWidth(130)
        line.addWidget(self.task)
        line.addWidget(self.text, 1)
        line.addWidget(self.replacement, 1)
        line.addWidget(self.go)
        under = QHBoxLayout()
        under.setSpacing(6)
        for widget in (self.target, self.regions, self.keep, self.examples):
            under.addWidget(widget)
        under.addStretch(1)
        under.addWidget(self.browse)
        under.addWidget(self.fold)
        self.strength_row = QWidget()
        label = QLabel(tr("Strength"))
        label.setObjectName("quiet")
        label.setBuddy(self.strength)
        row = QHBoxLayout(self.strength_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(10)
        row.addWidget(label)
        row.addWidget(self.strength, 1)
        self._fold_area = _FoldArea(self.advanced)
        self._fold_area.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 8)
        column.setSpacing(4)
        column.addLayout(line)
        column.addLayout(under)
        column.addWidget(self.strength_row)
        column.addWidget(self._fold_area)

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.fold.setProperty("picture", "down" if self.fold.isChecked() else "right")
        for button in (self.fold, self.keep, self.browse):
            button.setIcon(icon(button.property("picture"), palette.quiet, palette.faint))
        self.regions.dress(palette)
        self.examples.dress(palette)

    def set_bundles(self, bundles: dict[str, str], bundle: str) -> None:
        """Set the bundles to choose from."""
        self.advanced.set_bundles(bundles, bundle)

    def show_bundle(self, bundle: BundleRow) -> None:
        """Show what the chosen bundle can do: options, and which examples it takes or why it takes none."""
        self._bundle = bundle
        plurals = {kind.plural: tr(kind.plural) for kind in KINDS.values()}
        kinds = [plurals[kind.plural] for kind in usable(bundle.encoders)]
        self.browse.setEnabled(bool(kinds))
        words = tr("The bundle {bundle} accepts words only; choose another one under Advanced to use examples")
        if kinds:
            words = f"{tr('Drop an example of what to look for. This bundle accepts')} {', '.join(kinds)}"
        self.browse.setToolTip(words.replace("{bundle}", bundle.words))
        self._fit()

    def show_regions(self, selection: tuple[int, int] | None, kept: Regions, rate_hz: int) -> None:
        """Show the regions that will be processed."""
        tip = tr("Only this region is processed; click to process everything (Esc)")
        shown = [*kept, *((selection,) if selection else ())] if rate_hz else []
        self.regions.show_chips(
            tuple(Chip(region, " – ".join(clock(edge / rate_hz, 2) for edge in region), tip) for region in shown)
        )
        self.keep.setVisible(selection is not None)
        self._selection = selection

    def show_target(self, lane: str) -> None:
        """Show the current lane."""
        if lane != self._lane:
            self._lane = lane
            self._show_target()

    def add_example(self, path: Path) -> None:
        """Add an example file."""
        if path not in self._examples:
            self._examples = (*self._examples, path)
            self._show_examples()

    def remove_example(self, path: Path) -> None:
        """Remove an example file."""
        self._examples = tuple(one for one in self._examples if one != path)
        self._show_examples()

    def form(self) -> Request:
        """The request as it is filled in now."""
        return draft_request(
            str(self.task.currentData()),
            self.text.text(),
            replacement=self.replacement.text(),
            examples=tuple(str(path) for path in self._examples),
            strength=self.strength.moved_to,
            **self.advanced.values(),
        )

    def set_task(self, task: str) -> None:
        """Choose a task."""
        self.task.setCurrentIndex(self.task.findData(task))

    def choose_slot(self) -> None:
        """Focus the choice of what to make, if the task leaves one."""
        if TASKS[str(self.task.currentData())].any_slot:
            self.fold.setChecked(True)
            self.advanced.slot.setFocus()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Show that files can be dropped here as examples."""
        if local_paths(event.mimeData()):
            mark(self, "drop", True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        """Clear the drop highlight."""
        mark(self, "drop", False)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Offer the dropped files as examples."""
        mark(self, "drop", False)
        event.acceptProposedAction()
        self.examples_offered.emit(local_paths(event.mimeData()))

    def _show_examples(self) -> None:
        self.examples.show_chips(
            tuple(
                Chip(path, path.name, f"{path}\n{tr('Click to remove this example')}", kind_of(path).icon)
                for path in self._examples
            )
        )
        self._fit()

    def _ask(self) -> None:
        self.asked.emit(self.form())

    def _on_region(self, region: tuple[int, int]) -> None:
        if region == self._selection:
            self.regions_cleared.emit()
        else:
            self.region_dropped.emit(region)

    def _on_fold(self, open_: bool) -> None:
        self._fold_area.setVisible(open_)
        self.dress(self._palette)

    def _on_task(self) -> None:
        task = str(self.task.currentData())
        rule = TASKS[task]
        self.text.setPlaceholderText(tr(HINTS.get(task, "a few words")))
        self.replacement.setVisible(rule.replaces)
        self.go.setText(tr(task.capitalize()))
        self.task.setStatusTip(tr(rule.doc))
        self.strength_row.setVisible(rule.strength is not None)
        if rule.strength is not None:
            self.strength.set_usual(rule.strength)
        self._fit()
        self._show_target()

    def _fit(self) -> None:
        """Show the advanced options that apply now."""
        task = TASKS[str(self.task.currentData())]
        self.advanced.fit(task, self._rule(), self._bundle, bool(self._examples))
        self._fold_area.updateGeometry()

    def _rule(self) -> Rule:
        """The task's rule for the slot that is made."""
        return rule_for(str(self.task.currentData()), str(self.advanced.slot.currentData()))

    def _show_target(self) -> None:
        rule = self._rule()
        on_lane = bool(self._lane) and rule.input_slot is not None and rule.input_slot is not Slot.MIX
        nothing = rule.input_slot is None
        where = self._lane if on_lane else tr("the prompt alone") if nothing else tr("the mix")
        made = made_by(str(self.task.currentData()), str(self.advanced.slot.currentData()))
        self.target.setText(f"{tr('Works on')}: {where}" + (f"  ·  {tr('Make')}: {tr(made)}" if made else ""))


class _FoldArea(QScrollArea):
    """As high as what is in it where there is room; scrolls where there is not."""

    def __init__(self, inside: Advanced) -> None:
        super().__init__()
        self._inside = inside
        self.setWidget(inside)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def sizeHint(self) -> QSize:  # noqa: N802
        """As of Qt."""
        return self._inside.sizeHint()

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """As of Qt."""
        return QSize(0, min(FOLD_HEIGHT, self.sizeHint().height()))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Use as many columns as fit."""
        super().resizeEvent(event)
        self._inside.fit_width(self.viewport().width())
        self.updateGeometry()


class _LastWord(QCompleter):
    """Completes the words after the last comma."""

    def splitPath(self, path: str) -> list[str]:  # noqa: N802
        """As of Qt: the words to look up."""
        return [path.rpartition(PROMPT_SEPARATOR)[2].strip()]

    def pathFromIndex(self, index: QModelIndex | QPersistentModelIndex) -> str:  # noqa: N802
        """As of Qt: the text after completion."""
        line = self.widget()
        before = line.text().rpartition(PROMPT_SEPARATOR)[0] if isinstance(line, QLineEdit) else ""
        return f"{before}{PROMPT_SEPARATOR} {index.data()}" if before else str(index.data())
