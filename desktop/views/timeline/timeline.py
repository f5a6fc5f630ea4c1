"""The mix and its lanes below each other, on one time axis."""

from __future__ import annotations

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QScrollBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from desktop.models.project import Lane, Project
from desktop.models.viewport import Viewport
from desktop.models.workspace import Workspace
from desktop.views.text import clock, tr
from desktop.views.theme import Palette, icon, mark
from desktop.views.timeline.lane_header import WIDTH, LaneHeader
from desktop.views.timeline.ruler import Ruler
from desktop.views.timeline.waveform_painter import WavePicture
from desktop.views.timeline.waveform_view import WaveformView
from engine import AudioError

MIX_HEIGHT, LANE_HEIGHT = 148, 98
SCROLL_STEPS = 10_000
QWIDGETSIZE_MAX = (1 << 24) - 1


class LaneView(QFrame):
    """Header and waveform of one lane.

    Args:
        header: the left end.
        wave: the rest.
        height: pixels.
    """

    def __init__(self, header: QWidget, wave: WaveformView, height: int) -> None:
        super().__init__()
        self.setObjectName("lane")
        self.header, self.wave = header, wave
        self.setFixedHeight(height)
        row = self.row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 1)
        row.setSpacing(0)
        row.addWidget(header)
        row.addWidget(wave, 1)

    def set_current(self, current: bool) -> None:
        """Mark the current lane."""
        mark(self, "current", current)


class Timeline(QWidget):
    """Shows the session's project.

    Signals:
        drag_wanted: id of a lane whose file is to be dragged out.
        menu_wanted: id of a lane and a place on the screen.
    """

    drag_wanted = Signal(str)
    menu_wanted = Signal(str, QPoint)

    def __init__(self, workspace: Workspace, palette: Palette) -> None:
        super().__init__()
        self._workspace, self._palette = workspace, palette
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Timeline"))
        self.viewport = Viewport(self)
        self.lanes: dict[str, LaneView] = {}
        self.ruler = Ruler(self.viewport, palette)
        self.mix = LaneView(self._mix_header(), self._wave(palette.wave), MIX_HEIGHT)
        self.mix.wave.setAccessibleName(tr("Waveform of the mix"))
        self._column = QVBoxLayout()
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(0)
        self._column.addStretch(1)
        inside = QWidget()
        inside.setLayout(self._column)
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.area.setWidget(inside)
        self.area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.area.verticalScrollBar().rangeChanged.connect(lambda low, high: self._align())
        self.bar = QScrollBar(Qt.Orientation.Horizontal)
        self.bar.setAccessibleName(tr("Scroll the timeline"))
        self.bar.valueChanged.connect(self._on_bar)
        self._lay_out()
        self.viewport.changed.connect(self._show_bar)
        document = workspace.document
        document.changed.connect(self._on_change)
        document.selection_changed.connect(self._on_selection)
        document.current_changed.connect(self._on_current)
        workspace.transport.moved.connect(self._on_move)
        workspace.transport.listen_changed.connect(lambda listen: self._dim())
        workspace.settings.changed.connect(self._on_setting)
        self.ruler.sought.connect(workspace.transport.seek)

    def _lay_out(self) -> None:
        top = self._top = QHBoxLayout()
        top.setContentsMargins(0, 0, 0, 0)
        top.setSpacing(0)
        corner = QWidget()
        corner.setObjectName("bar")
        corner.setFixedWidth(WIDTH)
        top.addWidget(corner)
        top.addWidget(self.ruler, 1)
        bottom = QHBoxLayout()
        bottom.addSpacing(WIDTH)
        bottom.addWidget(self.bar, 1)
        bottom.setContentsMargins(0, 0, 0, 0)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(self.mix, 1)
        column.addWidget(self.area, 1)
        column.addLayout(bottom)

    def _mix_header(self) -> QWidget:
        header = QWidget()
        header.setFixedWidth(WIDTH)
        self.title, self.facts = QLabel(tr("No mix yet")), QLabel()
        self.title.setObjectName("heading")
        self.facts.setObjectName("caption")
        self.facts.setWordWrap(True)
        self.look = QToolButton()
        self.look.setCheckable(True)
        self.look.setToolTip(tr("Waveform or spectrogram (W)"))
        self.look.setAccessibleName(tr("Show the spectrogram"))
        self.look.setChecked(bool(self._workspace.settings.get("spectrogram")))
        self.look.toggled.connect(lambda on: self._workspace.settings.set("spectrogram", on))
        self.snap = QToolButton()
        self.snap.setText(tr("Snap"))
        self.snap.setCheckable(True)
        self.snap.setToolTip(tr("Snap the ends of regions to zero crossings"))
        self.snap.setChecked(bool(self._workspace.settings.get("snap")))
        self.snap.toggled.connect(lambda on: self._workspace.settings.set("snap", on))
        buttons = QHBoxLayout()
        buttons.setSpacing(6)
        buttons.addWidget(self.look)
        buttons.addWidget(self.snap)
        buttons.addStretch(1)
        column = QVBoxLayout(header)
        column.setContentsMargins(14, 12, 10, 10)
        column.addWidget(self.title)
        column.addWidget(self.facts)
        column.addStretch(1)
        column.addLayout(buttons)
        self._dress_header()
        return header

    def _dress_header(self) -> None:
        shown = bool(self._workspace.settings.get("spectrogram"))
        colour = self._palette.accent if shown else self._palette.text
        self.look.setIcon(icon("spectrum", colour))

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.ruler.dress(palette)
        self.mix.wave.dress(palette, palette.wave)
        self._dress_header()
        self._show_all(self._workspace.document.project)

    def _wave(self, colour: str) -> WaveformView:
        wave = WaveformView(self.viewport, self._palette, colour, self._workspace.snapped)
        wave.sought.connect(self._workspace.transport.seek)
        wave.pressed.connect(self.setFocus)
        wave.selected.connect(lambda first, last: self._workspace.document.select((first, last)))
        return wave

    def rename(self, lane_id: str) -> None:
        """Ask for a new name for a lane."""
        header = self.lanes[lane_id].header
        if isinstance(header, LaneHeader):
            header.rename()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fit the viewport to the new width."""
        self._align()

    def _align(self) -> None:
        """Keep mix and ruler aligned with the lanes when those have a scroll bar."""
        bar = self.area.verticalScrollBar()
        taken = bar.sizeHint().width() if bar.maximum() > 0 and not self.area.isHidden() else 0
        self._top.setContentsMargins(0, 0, taken, 0)
        self.mix.row.setContentsMargins(0, 0, taken, 1)
        self.viewport.grain = self.devicePixelRatioF()
        self.viewport.set_width(self.width() - WIDTH - taken)

    # What models say.

    def _on_change(self, before: Project, after: Project) -> None:
        if before.source != after.source:
            self.viewport.length = 0
            self.viewport.set_length(after.length)
            self.viewport.fit()
        else:
            self.viewport.set_length(after.length)
        self._show_all(after)

    def _show_all(self, project: Project) -> None:
        self.ruler.set_rate(project.rate_hz)
        self.title.setText(
            self.title.fontMetrics().elidedText(
                project.title or tr("No mix yet"), Qt.TextElideMode.ElideRight, WIDTH - 30
            )
        )
        source = project.source
        self.facts.setText("")
        if source is not None:
            channels = {1: tr("mono"), 2: tr("stereo")}.get(source.channels, f"{source.channels} {tr('channels')}")
            self.facts.setText(f"{clock(source.seconds, 1)}  ·  {source.rate_hz / 1000:g} kHz  ·  {channels}")
        self.mix.wave.show_picture(self._picture(project, None))
        for gone in [lane_id for lane_id in self.lanes if project.lane(lane_id) is None]:
            old = self.lanes.pop(gone)
            self._column.removeWidget(old)
            old.hide()
            old.deleteLater()
        for place, lane in enumerate(project.lanes):
            view = self.lanes.get(lane.id)
            if view is None:
                view = self.lanes[lane.id] = self._lane_view(lane)
            if self._column.indexOf(view) != place:
                self._column.insertWidget(place, view)
            self._show_lane(view, lane, project)
        self._make_room(bool(project.lanes))
        self._on_current(self._workspace.document.current)
        self._dim()

    def _make_room(self, has_lanes: bool) -> None:
        """Without lanes, the mix takes the whole height."""
        self.area.setVisible(has_lanes)
        self._align()
        self.mix.setMinimumHeight(MIX_HEIGHT)
        self.mix.setMaximumHeight(MIX_HEIGHT if has_lanes else QWIDGETSIZE_MAX)

    def _lane_view(self, lane: Lane) -> LaneView:
        header = LaneHeader(self._palette)
        wave = self._wave(self._palette.lanes[lane.colour])
        view = LaneView(header, wave, LANE_HEIGHT)
        document, lane_id = self._workspace.document, lane.id
        header.field_changed.connect(lambda words, field, value: document.set_lane(lane_id, words, **{field: value}))
        header.drag_wanted.connect(lambda: self.drag_wanted.emit(lane_id))
        wave.drag_wanted.connect(lambda: self.drag_wanted.emit(lane_id))
        header.menu_wanted.connect(lambda place: self.menu_wanted.emit(lane_id, place))
        header.chosen.connect(lambda: document.set_current(lane_id))
        wave.sought.connect(lambda sample: document.set_current(lane_id))
        wave.set_selection(document.selection, document.kept)
        wave.set_cursor(self._workspace.transport.position)
        return view

    def _show_lane(self, view: LaneView, lane: Lane, project: Project) -> None:
        assert isinstance(view.header, LaneHeader)
        view.header.show_lane(lane, self._palette, project.heard(lane))
        view.wave.setAccessibleName(f"{tr('Waveform of')} {lane.name}")
        view.wave.dress(self._palette, self._palette.lanes[lane.colour])
        view.wave.show_picture(self._picture(project, lane))

    def _picture(self, project: Project, lane: Lane | None) -> WavePicture | None:
        ref = lane.take.audio if lane is not None else project.source
        if ref is None:
            return None
        wanted = bool(self._workspace.settings.get("spectrogram"))
        try:
            shaded = lane is not None and lane.role == "stem" and project.source is not None
            return WavePicture(
                self._workspace.peaks(ref),
                self._workspace.samples(ref),
                lane.take.start if lane is not None else 0,
                self._workspace.spectrum(ref) if wanted else None,
                lane.take.made.heard if lane is not None else (),
                self._workspace.peaks(project.source) if shaded and project.source is not None else None,
            )
        except AudioError as error:
            self._workspace.fail(error)
            return None

    def _on_selection(self, selection: tuple[int, int] | None) -> None:
        kept = self._workspace.document.kept
        for view in (self.mix, *self.lanes.values()):
            view.wave.set_selection(selection, kept)
        self.ruler.set_selection(selection, kept)

    def _on_current(self, current: str) -> None:
        for lane_id, view in self.lanes.items():
            view.set_current(lane_id == current)

    def _on_move(self, sample: int) -> None:
        if self._workspace.transport.playing:
            self.viewport.follow(sample)
        for view in (self.mix, *self.lanes.values()):
            view.wave.set_cursor(sample)

    def _on_setting(self, name: str, value: object) -> None:
        if name == "spectrogram":
            self.look.setChecked(bool(value))
            self._dress_header()
            self._show_all(self._workspace.document.project)

    def _dim(self) -> None:
        project = self._workspace.document.project
        for lane in project.lanes:
            if lane.id in self.lanes:
                self.lanes[lane.id].wave.set_dimmed(not project.heard(lane))

    def _show_bar(self) -> None:
        length = max(self.viewport.farthest * self.viewport.width, 1.0)
        page = min(self.viewport.span / length, 1.0)
        self.bar.blockSignals(True)
        self.bar.setPageStep(max(round(SCROLL_STEPS * page), 1))
        self.bar.setRange(0, round(SCROLL_STEPS * (1 - page)))
        self.bar.setValue(round(SCROLL_STEPS * self.viewport.start / length))
        self.bar.blockSignals(False)

    def _on_bar(self, value: int) -> None:
        self.viewport.scroll_to(value / SCROLL_STEPS * self.viewport.farthest * self.viewport.width)
