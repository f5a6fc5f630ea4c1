"""The prompt bar: task, prompt, examples, regions, and the advanced options folded away."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.models.bundles import BundleRow
from desktop.models.examples import KINDS, kind_of, usable
from desktop.models.project import Regions
from desktop.models.request_builder import draft_request, made_by, rule_for
from desktop.views.prompt.advanced import Advanced
from desktop.views.prompt.chip_strip import ChipStrip
from desktop.views.prompt.chips import Chip, Chips
from desktop.views.prompt.popover import Popover
from desktop.views.prompt.prompt_field import PromptField
from desktop.views.prompt.task_box import TaskBox
from desktop.views.sliders import ShareSlider
from desktop.views.text import clock, local_paths, number, percent, short_number, tr
from desktop.views.theme import Palette, icon, mark
from engine import TASKS, Request, Slot, TaskRule, TimeMap

STRENGTH_WIDTH = 230
ENDS_FROM = 900  # width of the bar from which the words at both ends of the strength have room
GO_PADDING = 46
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
PRESETS = (  # set of stems, words and tooltip of its chip
    ("4", "4 stems", "Vocals, drums, bass and everything else"),
    ("karaoke", "Vocals / instrumental", "Two lanes: the vocals and everything else"),
    ("drums", "Drum parts", "Kick, snare, hats, cymbals, toms and everything else"),
)


class PromptBar(QFrame):
    """Task, prompt and options; together they make a request.

    Signals:
        asked: the request.
        left: Esc was pressed in a field whose list is closed.
        regions_cleared: work on all of it again.
        region_dropped: a kept region is not wanted any more.
        region_kept: the selection is to stay while another one is made.
        examples_offered: paths of files that say what to look for.
        browse_wanted: choose such files.
        bundle_chosen: place of a bundle.
    """

    asked = Signal(object)
    left = Signal()
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
        self._lane = self._source = ""
        self._selection: tuple[int, int] | None = None
        self._heard: tuple[tuple[str, float], ...] = ()
        self._has_mix = self._is_open = False
        self._trials: tuple[str, ...] = ()
        self._examples: tuple[Path, ...] = ()
        self._bundle = BundleRow(bundle, bundle)
        self._make_words()
        self._make_line_under(palette)
        tip = tr("How far to go from the old sound; double-click for the bundle's default")
        self.strength = ShareSlider(tr("unchanged"), tr("all new"), 0.6, tip)
        self.strength.setAccessibleName(tr("Strength"))
        self.strength.setMaximumWidth(STRENGTH_WIDTH)
        self.advanced = Advanced(bundles, bundle, device)
        self.bundle, self.device = self.advanced.bundle, self.advanced.device
        self.bundle.currentIndexChanged.connect(lambda: self.bundle_chosen.emit(str(self.bundle.currentData())))
        self.advanced.changed.connect(self._on_task)
        self.advanced.touched.connect(self._show_changes)
        self.popover = Popover(self.advanced, self)
        self._lay_out()
        self.dress(palette)
        self.show_regions(None, (), 1)
        self._on_task()

    def _make_words(self) -> None:
        self.task = TaskBox(self._palette)
        self.task.setAccessibleName(tr("Task"))
        self.task.setToolTip(tr("What to do (Ctrl+T)"))
        self.task.currentIndexChanged.connect(self._on_task)
        self.text = self._field(tr("What to look for"), tr("A few words; separate several stems with commas (Ctrl+L)"))
        self.text.edited.connect(self._show_offers)
        self.replacement = self._field(tr("Replace with"), tr("What to replace it with"))
        self.replacement.set_several(False)
        self.go = QPushButton(tr("Run"))
        self.go.setObjectName("go")
        self.go.clicked.connect(self._ask)

    def _field(self, name: str, tip: str) -> PromptField:
        field = PromptField(self._palette)
        field.line.setAccessibleName(name)
        field.line.setToolTip(tip)
        field.submitted.connect(self._ask)
        field.left.connect(self.left)
        return field

    def _make_line_under(self, palette: Palette) -> None:
        self.target = QLabel()
        self.target.setObjectName("quiet")
        self.regions = Chips(palette)
        self.regions.setAccessibleName(tr("Regions"))
        self.regions.removed.connect(self._on_region)
        self.examples = Chips(palette)
        self.examples.setAccessibleName(tr("Examples"))
        self.examples.removed.connect(self.remove_example)
        self.changes = Chips(palette)
        self.changes.setAccessibleName(tr("Advanced options that are set"))
        self.changes.removed.connect(lambda option: self.advanced.reset(option))
        self.offers = Chips(palette, offers=True)
        self.offers.setAccessibleName(tr("Suggestions"))
        self.offers.removed.connect(self._on_offer)
        self.keep = self._flat("plus", tr("Keep this region and choose another (Ctrl+R)"), tr("Add region"))
        self.keep.setText(tr("Add region"))
        self.keep.clicked.connect(self.region_kept)
        self.browse = self._flat("plus", "", tr("Add an example"))
        self.browse.setText(tr("Example"))
        self.browse.clicked.connect(self.browse_wanted)
        self.fold = self._flat(
            "up", tr("Seed, steps, guidance, candidates, bundle, device and more (Ctrl+.)"), tr("Advanced")
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
        self.task.setMinimumWidth(150)
        self.task.setFixedHeight(self.text.height())
        self.go.setFixedHeight(self.text.height())
        self.go.ensurePolished()
        self.go.setMinimumWidth(max(self.go.fontMetrics().horizontalAdvance(self.go.text()) + GO_PADDING, 100))
        line.addWidget(self.task)
        line.addWidget(self.text, 3)
        line.addWidget(self.replacement, 2)
        line.addWidget(self.strength)
        line.addWidget(self.go)
        inside = QWidget()
        chips = QHBoxLayout(inside)
        chips.setContentsMargins(0, 0, 0, 0)
        chips.setSpacing(6)
        for widget in (self.target, self.regions, self.keep, self.examples, self.changes, self.offers):
            chips.addWidget(widget)
        chips.addStretch(1)
        self.strip = ChipStrip(inside)
        under = QHBoxLayout()
        under.setSpacing(6)
        under.addWidget(self.strip, 1)
        under.addWidget(self.browse)
        under.addWidget(self.fold)
        column = self._column = QVBoxLayout(self)
        column.setSpacing(4)
        column.addLayout(line)
        column.addLayout(under)
        self.set_low(False)

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.fold.setProperty("picture", "down" if self.fold.isChecked() else "up")
        for button in (self.fold, self.keep, self.browse):
            button.setIcon(icon(button.property("picture"), palette.quiet, palette.faint))
        chips = (self.regions, self.examples, self.changes, self.offers)
        for part in (self.task, self.text, self.replacement, *chips, self.strip):
            part.dress(palette)

    def set_low(self, is_low: bool) -> None:
        """Take less room above and below, in a low window."""
        self._column.setContentsMargins(14, 6 if is_low else 10, 14, 4 if is_low else 8)

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

    def show_regions(
        self, selection: tuple[int, int] | None, kept: Regions, rate_hz: int, time_map: TimeMap | None = None
    ) -> None:
        """Show the regions that will be processed, with their bars where those are known."""
        tip = tr("Only this region is processed; click to process everything (Esc)")
        shown = [*kept, *((selection,) if selection else ())] if rate_hz else []
        self.regions.show_chips(tuple(Chip(region, region_words(region, rate_hz, time_map), tip) for region in shown))
        self.keep.setVisible(selection is not None)
        self._selection = selection
        self._show_offers()

    def show_heard(self, heard: tuple[tuple[str, float], ...], has_mix: bool) -> None:
        """Offer what the model heard in the region, and ready-made sets of stems.

        Args:
            heard: names and their presence, 0 to 1.
            has_mix: True means there is a mix to take apart.
        """
        self._heard, self._has_mix = heard, has_mix
        self.text.set_heard(tuple(name for name, share in heard))
        self._show_offers()

    def show_open(self, is_open: bool) -> None:
        """Say whether there is a sound to work on; until then the button is not what the eye is to find."""
        self._is_open = is_open
        self._show_go()

    def _show_go(self) -> None:
        ready = self._is_open or self._rule().input_slot is None
        mark(self.go, "waits", not ready)
        self.go.setToolTip(tr("Run it (Ctrl+Return)") if ready else tr("Open or drop an audio file first"))

    def show_trials(self, names: tuple[str, ...]) -> None:
        """Offer names that one click takes out of the mix."""
        if names != self._trials:
            self._trials = names
            self._show_offers()

    def show_recent(self, prompts: tuple[str, ...]) -> None:
        """Set what Up offers in the empty field."""
        self.text.set_recent(prompts)

    def propose(self, task: str, words: str = "") -> None:
        """Choose a task, put words into the field and focus it."""
        self.set_task(task)
        self.text.setText(words)
        self.text.setFocus()

    def show_target(self, lane: str) -> None:
        """Show the current lane."""
        if lane != self._lane:
            self._lane = lane
            self._show_target()

    def show_source(self, name: str) -> None:
        """Show the lane that is taken apart; empty for the mix."""
        self._source = name
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
        for field in (self.text, self.replacement):
            field.list.hide()
        self.asked.emit(self.form())

    def _on_offer(self, key: tuple[str, str]) -> None:
        kind, value = key
        if kind == "words":
            self.text.add(value)
            self.text.setFocus()
            return
        if kind == "trial":
            self.text.setText(value)
            self._ask()
            return
        values = {name: value for name, value in self.advanced.values().items() if name in ("bundle", "device")}
        self.asked.emit(Request(task="isolate", prompts=(), stems=value, **values))

    def _show_offers(self) -> None:
        """Show suggestions while the field is empty: what is heard in the region, and sets of stems."""
        offers: list[Chip] = []
        task = str(self.task.currentData())
        if not self.text.text() or self._selection is not None:
            there = self.text.text()
            offers += [
                Chip(("words", name), f"{name} {percent(share)}", tr("Heard here; click to add it to the prompt"))
                for name, share in self._heard
                if name not in there
            ]
        if task == "isolate" and self._has_mix and not self.text.text() and self._selection is None:
            tip = tr("Click to take it out of the mix")
            offers += [Chip(("trial", tr(name)), tr(name), tip) for name in self._trials]
            offers += [Chip(("stems", name), tr(words), tr(tip)) for name, words, tip in PRESETS]
        self.offers.show_chips(tuple(offers))
        self.strip.fit()

    def _show_changes(self) -> None:
        """Show the advanced options that are set, so that none works unseen."""
        tip = tr("Set under Advanced; click for the usual value")
        self.changes.show_chips(tuple(Chip(name, words, tip) for name, words in self.advanced.changes().items()))
        self.strip.fit()

    def _on_region(self, region: tuple[int, int]) -> None:
        if region == self._selection:
            self.regions_cleared.emit()
        else:
            self.region_dropped.emit(region)

    def _on_fold(self, open_: bool) -> None:
        if open_:
            self.popover.unfold()
        else:
            self.popover.hide()
        self.dress(self._palette)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Esc closes the advanced options, then leaves the bar."""
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self.fold.isChecked():
            self.fold.setChecked(False)
        else:
            self.left.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the popover at its place."""
        super().resizeEvent(event)
        has_room = self.width() >= ENDS_FROM
        self.strength.show_ends(has_room)
        self.replacement.setPlaceholderText(tr("with, e.g. trumpet") if has_room else tr("with what"))
        if self.popover.isVisible():
            self.popover.place()

    def _on_task(self) -> None:
        task = str(self.task.currentData())
        rule = TASKS[task]
        self.text.setPlaceholderText(tr(HINTS.get(task, "a few words")))
        self.text.set_several(rule.masked or rule.together)
        self.replacement.setVisible(rule.replaces)
        self.strength.setVisible(rule.strength is not None)
        if rule.strength is not None:
            self.strength.set_usual(rule.strength)
        self._fit()
        self._show_target()
        self._show_offers()

    def _fit(self) -> None:
        """Show the advanced options that apply now."""
        task = TASKS[str(self.task.currentData())]
        self.advanced.fit(task, self._rule(), self._bundle, bool(self._examples))
        self._show_changes()
        self._show_go()
        if self.popover.isVisible():
            self.popover.place()

    def _rule(self) -> TaskRule:
        """The task's rule for the slot that is made."""
        return rule_for(str(self.task.currentData()), str(self.advanced.slot.currentData()))

    def _show_target(self) -> None:
        rule = self._rule()
        on_lane = bool(self._lane) and rule.input_slot is not None and rule.input_slot is not Slot.MIX
        nothing = rule.input_slot is None
        where = self._lane if on_lane else tr("words alone") if nothing else tr("the mix")
        where = self._source or where if rule.input_slot is Slot.MIX else where
        made = made_by(str(self.task.currentData()), str(self.advanced.slot.currentData()))
        words = f"{tr('Source')}: {where}" + (f"  ·  {tr('Output')}: {tr(made)}" if made else "")
        self.target.setText(self.target.fontMetrics().elidedText(words, Qt.TextElideMode.ElideMiddle, 260))
        self.target.setToolTip(words)


def region_words(region: tuple[int, int], rate_hz: int, time_map: TimeMap | None = None) -> str:
    """A region's ends, its length, and how many bars that is."""
    first_s, last_s = (edge / rate_hz for edge in region)
    length = f"{number(last_s - first_s, 1)} s"
    if time_map is not None:
        bars = (time_map.beat_at(last_s) - time_map.beat_at(first_s)) / time_map.beats_per_bar
        length += f", {short_number(round(bars, 1))} {tr('bar') if round(bars, 1) == 1 else tr('bars')}"
    return f"{clock(first_s, 2)} – {clock(last_s, 2)} ({length})"
