"""The export dialog: what to write, in which format, under which names."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from desktop.audio.export import FORMATS, ExportResult, export
from desktop.models.lane_files import LaneFiles
from desktop.models.project import Lane, Project
from desktop.models.session_files import write_session
from desktop.models.workspace import Workspace
from desktop.views.dialogs.name_field import NameField
from desktop.views.layout import on_screen, scrolled
from desktop.views.progress_line import ProgressLine
from desktop.views.prompt.prompt_bar import region_words
from desktop.views.sentences import said
from desktop.views.text import clock, decibels, kilohertz, number, tr
from desktop.views.theme import palette_for
from engine import BIT_FOR_BIT_DB, SESSION_FORMATS, Cancelled, EngineError

CHOICES = (
    ("lanes", "Stems, one file each"),
    ("mix", "Everything audible, as one file"),
    ("minus", "The mix without the ticked stems"),
)
LEAST_WIDTH, FOOT_ROOM = 580, 24  # pixels
LINK_INDENT = 21  # so that its words begin where the ticks do


class ExportDialog(QDialog):
    """Writes files.

    Args:
        files_out: knows what is in a file.
        lane_id: ticked alone; empty ticks what is heard.

    Signals:
        exported: what was written.
    """

    exported = Signal(object)
    _reported = Signal(float)

    def __init__(self, workspace: Workspace, files_out: LaneFiles, lane_id: str, parent: QWidget | None) -> None:
        super().__init__(parent)
        self._workspace, self._files_out = workspace, files_out
        self._stopped = False
        self._written: tuple[Path, ...] = ()
        self.setWindowTitle(tr("Export"))
        self.setMinimumWidth(LEAST_WIDTH)
        self._make_choices(lane_id)
        self._make_fields()
        self._lay_out()
        self._reported.connect(lambda share: self.bar.setValue(round(share * 1000)))
        self._preview()
        self._fit()

    def _make_choices(self, lane_id: str) -> None:
        project = self._workspace.document.project
        self.what: dict[str, QRadioButton] = {}
        self._group = QButtonGroup(self)
        for name, words in CHOICES:
            button = QRadioButton(tr(words))
            button.toggled.connect(self._preview)
            self._group.addButton(button)
            self.what[name] = button
        self.ticks: dict[str, QCheckBox] = {}
        for lane in project.lanes:
            tick = QCheckBox(self._lane_words(project, lane))
            tick.setChecked(lane.id == lane_id if lane_id else project.heard(lane))
            tick.toggled.connect(self._preview)
            self.ticks[lane.id] = tick
        self.all = QPushButton(tr("Tick all"))
        self.all.setObjectName("link")
        self.all.clicked.connect(self._tick_all)
        self.what["lanes" if self.ticks else "mix"].setChecked(True)

    def _lane_words(self, project: Project, lane: Lane) -> str:
        """The lane's name, told apart from others of the same name, and how it is set where that is not usual."""
        name = tr(lane.name) if lane.role == "else" else lane.name
        same = [one for one in project.lanes if one.name == lane.name]
        words = f"{name} ({same.index(lane) + 1})" if len(same) > 1 else name
        if abs(lane.gain_db) >= 0.05:
            words += f"  {decibels(lane.gain_db)}"
        return words

    def _tick_all(self) -> None:
        for tick in self.ticks.values():
            tick.setChecked(True)

    def _make_fields(self) -> None:
        settings = self._workspace.settings
        self.kind = QComboBox()
        for name, kind in FORMATS.items():
            self.kind.addItem(kind.words, name)
        for name, row in SESSION_FORMATS.items():
            self.kind.addItem(row.words, name)
        self.kind.setCurrentIndex(max(self.kind.findData(settings.get("export_kind")), 0))
        self.kind.currentIndexChanged.connect(self._preview)
        self.name = NameField(str(settings.get("export_template")))
        self.name.changed.connect(self._preview)
        self.folder = QLineEdit(str(self._files_out.export_folder()))
        selection = self._workspace.document.selection
        self.region_only = QCheckBox()
        self.region_only.toggled.connect(self._preview)
        self.region_only.setVisible(selection is not None)
        if selection is not None:
            words = region_words(selection, max(self._workspace.document.project.rate_hz, 1))
            self.region_only.setText(f"{tr('Only the region')} {words}")
        self.facts = QLabel()
        self.facts.setObjectName("caption")
        self.facts.setWordWrap(True)
        self.browse = QPushButton(tr("Choose …"))
        self.browse.clicked.connect(self._choose_folder)
        self.preview = QLabel()
        self.preview.setObjectName("quiet")
        self.preview.setWordWrap(True)
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.bar = ProgressLine()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.hide()
        self.go, self.stop = QPushButton(tr("Export")), QPushButton(tr("Close"))
        self.go.setObjectName("go")
        self.go.setDefault(True)
        self.go.clicked.connect(self.start)
        self.show_folder = QPushButton(tr("Open folder"))
        self.show_folder.hide()
        self.show_folder.clicked.connect(self._open_folder)
        self.stop.clicked.connect(self.reject)

    def _lay_out(self) -> None:
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(22, 20, 22, 8)
        column.setSpacing(9)
        for button in self.what.values():
            column.addWidget(button)
        ticks = QGridLayout()
        ticks.setContentsMargins(26, 0, 0, 6)
        for place, tick in enumerate(self.ticks.values()):
            ticks.addWidget(tick, place // 2, place % 2)
        column.addLayout(ticks)
        if self.ticks:
            below = QHBoxLayout()
            below.setContentsMargins(LINK_INDENT, 0, 0, 0)
            below.addWidget(self.all)
            below.addStretch(1)
            column.addLayout(below)
        grid = QGridLayout()
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        rows = ((tr("Format"), self.kind), (tr("Name"), self.name), (tr("Folder"), self.folder))
        for place, (words, widget) in enumerate(rows):
            label = QLabel(words)
            label.setBuddy(widget)
            widget.setAccessibleName(words)
            grid.addWidget(label, place, 0, Qt.AlignmentFlag.AlignTop if widget is self.name else Qt.AlignmentFlag(0))
            if widget is self.name:
                label.setFixedHeight(self.name.line.sizeHint().height())
            grid.addWidget(widget, place, 1)
        grid.addWidget(self.browse, 2, 2)
        column.addLayout(grid)
        column.addWidget(self.region_only)
        column.addWidget(self.facts)
        column.addWidget(self.preview)
        column.addStretch(1)
        foot = QHBoxLayout()
        foot.setContentsMargins(22, 4, 22, 16)
        foot.setSpacing(8)
        foot.addWidget(self.answer, 1)
        foot.addWidget(self.stop)
        foot.addWidget(self.go)
        foot.addWidget(self.show_folder)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        self._area = scrolled(inside)
        whole.addWidget(self._area, 1)
        progress = QHBoxLayout()
        progress.setContentsMargins(22, 0, 22, 6)
        progress.addWidget(self.bar)
        whole.addLayout(progress)
        whole.addLayout(foot)
        self._foot_height = foot.sizeHint().height() + FOOT_ROOM

    def _fit(self) -> None:
        """As high as what is shown, if the screen has the room."""
        inside = self._area.widget()
        if inside is None:
            return
        inside.ensurePolished()
        width = max(self.width(), LEAST_WIDTH)
        height = max(inside.sizeHint().height(), inside.heightForWidth(width)) + self._foot_height
        self.resize(on_screen(self, QSize(width, height)))

    def chosen(self) -> str:
        """The selected choice."""
        return next(name for name, button in self.what.items() if button.isChecked())

    def start(self) -> None:
        """Start the export."""
        settings, project = self._workspace.settings, self._workspace.document.project
        settings.set("export_kind", self.kind.currentData())
        settings.set("export_template", self.name.template)
        try:
            parts, original = self._files_out.parts(self.chosen(), self._ticked(), self.name.template, self._region())
        except EngineError as error:
            self.answer.setText(said(error))
            return
        self.go.setEnabled(False)
        self.bar.show()
        span = self._region() or (0, project.length)
        kind, folder = str(self.kind.currentData()), Path(self.folder.text()).expanduser()
        time_map, colours = self._workspace.tempo.time_map, palette_for(str(settings.get("theme"))).lanes
        check = self._check

        def reported(share: float) -> None:
            if not self._stopped:  # the dialog may be gone
                self._reported.emit(share)

        def write() -> ExportResult:
            if kind in SESSION_FORMATS:
                return write_session(parts, project, time_map, (kind, folder), span, colours, reported, check)
            return export(parts, original, kind, folder, (project.rate_hz, span[1] - span[0]), reported, check)

        self._workspace.background.run(write, self._done, self._failed)

    def reject(self) -> None:
        """Close; an export under way is discarded."""
        self._stopped = True
        super().reject()

    def _check(self) -> None:
        self._workspace.background.check()
        if self._stopped:
            raise Cancelled("the export was stopped")

    def _done(self, written: ExportResult) -> None:
        self.go.setEnabled(True)
        self.bar.hide()
        self.answer.setText(answer_words(written))
        self._written = written.paths
        self._point_to(self.show_folder)
        self._workspace.told.emit(answer_words(written))
        self.exported.emit(written)

    def _failed(self, error: EngineError) -> None:
        self.go.setEnabled(True)
        self.bar.hide()
        self.answer.setText(said(error))

    def _ticked(self) -> list[str]:
        return [lane_id for lane_id, tick in self.ticks.items() if tick.isChecked()]

    def _region(self) -> tuple[int, int] | None:
        return self._workspace.document.selection if self.region_only.isChecked() else None

    def _point_to(self, button: QPushButton) -> None:
        """Make a button the one that Return presses and the eye finds."""
        self.show_folder.setVisible(button is self.show_folder)
        for one in (self.go, self.show_folder):
            one.setObjectName("go" if one is button else "")
            one.setDefault(one is button)
            one.style().unpolish(one)
            one.style().polish(one)

    def _open_folder(self) -> None:
        if self._written:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._written[0].parent)))

    def _facts(self) -> str:
        project = self._workspace.document.project
        first, last = self._region() or (0, project.length)
        length = clock((last - first) / max(project.rate_hz, 1), 1)
        faders = {
            "lanes": tr("Each stem with its fader and pan"),
            "mix": tr("With faders and pans, as you hear it"),
            "minus": tr("The ticked stems are taken away with their faders and pans"),
        }
        return f"{length}  ·  {kilohertz(project.rate_hz)}  ·  {faders[self.chosen()]}"

    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, tr("Folder for the files"), self.folder.text())
        if name:
            self.folder.setText(name)

    def _preview(self) -> None:
        if not hasattr(self, "go"):
            return
        for tick in self.ticks.values():
            tick.setEnabled(self.chosen() != "mix")
        self.facts.setText(self._facts())
        if not self.show_folder.isHidden():
            self._point_to(self.go)
        try:
            parts, _ = self._files_out.parts(self.chosen(), self._ticked(), self.name.template, self._region())
            kind = str(self.kind.currentData())
            if kind in SESSION_FORMATS:
                names = [(self._workspace.document.project.title or tr("untitled")) + SESSION_FORMATS[kind].suffix]
            else:
                names = [part.name + FORMATS[kind].suffix for part in parts]
            self.preview.setText("\n".join(names))
            self.go.setEnabled(True)
        except EngineError as error:
            self.preview.setText(said(error))
            self.go.setEnabled(False)


def answer_words(written: ExportResult) -> str:
    """How many files were written, and how exactly they sum to the mix."""
    count = len(written.paths)
    words = f"{count} {tr('file written') if count == 1 else tr('files written')}"
    if written.gain_db:
        words += f"; {tr('all of them')} {decibels(written.gain_db)}, {tr('so that nothing clips')}"
    if written.null_db is not None:
        exact = written.null_db <= BIT_FOR_BIT_DB
        words += "; " + (
            tr("they sum to the mix exactly")
            if exact
            else f"{tr('null')} {number(written.null_db, 0)} dB".replace("-", "−")
        )
    return words
