"""The mix and its lanes below each other, on one time axis."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QVBoxLayout, QWidget

from desktop.message import Message
from desktop.models.ghosts import GhostLane
from desktop.models.project import Lane, LaneTake, Project
from desktop.models.readout import Readout, band_level_db, note_of, peak_level_db
from desktop.models.viewport import Viewport
from desktop.models.workspace import Workspace
from desktop.views.queue_panel import STAGES
from desktop.views.text import clock, percent, tr
from desktop.views.theme import Palette, number_font
from desktop.views.timeline.lane_column import LaneColumn
from desktop.views.timeline.lane_header import WIDTH, LaneHeader
from desktop.views.timeline.lane_tools import LaneTools
from desktop.views.timeline.lane_view import FOLDED, LaneView
from desktop.views.timeline.mix_header import MixHeader
from desktop.views.timeline.pictures import picture_of_ghost, picture_of_lane, picture_of_mix, picture_of_take
from desktop.views.timeline.take_row import TakeRow
from desktop.views.timeline.time_bar import TimeBar
from desktop.views.timeline.time_rows import TimeRows
from desktop.views.timeline.timeline_keys import press
from desktop.views.timeline.view_preloader import ViewPreloader
from desktop.views.timeline.waveform_painter import WavePicture
from desktop.views.timeline.waveform_view import WaveformView
from engine import AudioError

MIX_LOW, MIX_HIGH, MIX_SHARE = 48, 148, 0.18  # pixels, and of the whole height
SCROLL_STEPS = 10_000
METER_MS = 40
AT_ONCE = 3  # lanes of which a view is made in one turn of the event loop where none was made ahead
QWIDGETSIZE_MAX = (1 << 24) - 1


class Timeline(QWidget):
    """Shows the session's project.

    Signals:
        drag_wanted: id of a lane whose file is to be dragged out.
        drag_expected: id of a lane over whose handle the mouse is.
        complement_wanted: id of a lane; the mix without it is to be dragged out.
        group_drag_wanted: ids of lanes whose files are to be dragged out; none means all stems.
        menu_wanted: id of a lane, empty for the mix, and a place on the screen.
        place_menu_wanted: as above, for a right click on the sound, with the sample there.
        shape_drawn: id of a lane, empty for the mix, a ``BrushEdit`` without a target, and a place on the screen.
        take_menu_wanted: id of a lane, number of a take from 0, and a place on the screen.
        ghost_menu_wanted: id of a lane that is on its way, and a place on the screen.
        run_wanted: Return was pressed: what the prompt says is to be done.
        tool_changed: ``region``, ``rectangle`` or ``brush``.
        master_level: linear peaks left and right of what is played.
    """

    drag_wanted = Signal(str)
    drag_expected = Signal(str)
    complement_wanted = Signal(str)
    group_drag_wanted = Signal(object)
    menu_wanted = Signal(str, QPoint)
    place_menu_wanted = Signal(str, QPoint, int)
    shape_drawn = Signal(str, object, QPoint)
    take_menu_wanted = Signal(str, int, QPoint)
    ghost_menu_wanted = Signal(str, QPoint)
    run_wanted = Signal()
    tool_changed = Signal(str)
    master_level = Signal(float, float)

    def __init__(self, workspace: Workspace, palette: Palette) -> None:
        super().__init__()
        self._workspace, self._palette = workspace, palette
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName(tr("Timeline"))
        self.viewport = Viewport(self)
        self.lanes: dict[str, LaneView] = {}
        self.ghosts: dict[str, LaneView] = {}
        self.takes: dict[str, list[TakeRow]] = {}
        self._unfolded: set[str] = set()
        self._ahead = ViewPreloader(self._blank_view, lambda: workspace.document.project.source is not None, self)
        self._ahead.more_wanted.connect(self._on_ghosts)
        self.tool = "region"
        self.time = TimeRows(workspace, self.viewport, palette, WIDTH)
        self.ruler = self.time.ruler
        self.tools = LaneTools(palette)
        self.look = self.tools.look
        self.mix_header = MixHeader(palette)
        self.title, self.facts = self.mix_header.title, self.mix_header.facts
        self.mix = LaneView(self.mix_header, self._wave(palette.wave))
        self.mix.border.hide()
        self.mix.wave.menu_wanted.connect(lambda place, sample: self.place_menu_wanted.emit("", place, sample))
        self.mix.wave.shape_drawn.connect(lambda shape: self.shape_drawn.emit("", shape, self.cursor().pos()))
        self.mix.wave.setAccessibleName(tr("Waveform of the mix"))
        self.area = LaneColumn(palette)
        self.area.verticalScrollBar().rangeChanged.connect(lambda low, high: self._align())
        self.bar = TimeBar()
        self.bar.valueChanged.connect(self._on_bar)
        self.readout = QLabel()
        self.readout.setObjectName("caption")
        self.readout.setFont(number_font(9))
        self.readout.setFixedWidth(WIDTH)
        self.readout.setContentsMargins(10, 0, 0, 0)
        self._meters = QTimer(self)
        self._meters.setInterval(METER_MS)
        self._meters.timeout.connect(self._show_levels)
        self._lay_out()
        self._connect()

    @property
    def workspace(self) -> Workspace:
        """Whose project is shown."""
        return self._workspace

    def _lay_out(self) -> None:
        self._overview_row = QHBoxLayout()
        top = self._top = QHBoxLayout()
        bottom = QHBoxLayout()
        for row in (self._overview_row, top, bottom):
            row.setContentsMargins(0, 0, 0, 0)
            row.setSpacing(0)
        self._overview_row.addWidget(self.tools)
        self._overview_row.addWidget(self.time.overview, 1)
        top.addWidget(self.time.tools)
        top.addWidget(self.ruler, 1)
        bottom.addWidget(self.readout)
        bottom.addWidget(self.bar, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._overview_row)
        column.addLayout(top)
        column.addWidget(self.mix, 1)
        column.addWidget(self.area, 1)
        column.addLayout(bottom)

    def _connect(self) -> None:
        workspace, document = self._workspace, self._workspace.document
        self.viewport.changed.connect(self._show_bar)
        document.changed.connect(self._on_change)
        document.selection_changed.connect(self._on_selection)
        document.current_changed.connect(self._mark_chosen)
        document.chosen_changed.connect(self._mark_chosen)
        workspace.transport.moved.connect(self._on_move)
        workspace.transport.state_changed.connect(self._on_playing)
        workspace.transport.listen_changed.connect(self._dim)
        workspace.settings.changed.connect(self._on_setting)
        workspace.lane_drawn.connect(self._on_drawn)
        workspace.audio_grew.connect(self._on_grown)
        workspace.jobs.ghosts_changed.connect(self._on_ghosts)
        self.tools.tool_chosen.connect(self.set_tool)
        self.tools.drag_wanted.connect(self._on_drag_all)
        self.look.setChecked(bool(workspace.settings.get("spectrogram")))
        self.look.clicked.connect(lambda on: workspace.settings.set("spectrogram", on))
        self.mix_header.chosen.connect(lambda: document.set_current(""))
        self.mix_header.chosen.connect(self.setFocus)
        self.mix_header.menu_wanted.connect(lambda place: self.menu_wanted.emit("", place))
        self.area.put_down.connect(self._on_put_down)

    def dress(self, palette: Palette) -> None:
        """Apply a palette."""
        self._palette = palette
        self.time.dress(palette)
        self.tools.dress(palette)
        self.area.dress(palette)
        self.mix_header.meter.dress(palette)
        self.mix.wave.dress(palette, palette.wave)
        self._show_all(self._workspace.document.project)

    # What others ask.

    def rename(self, lane_id: str) -> None:
        """Let the user type a new name for a lane."""
        if lane_id in self.lanes and isinstance(header := self.lanes[lane_id].header, LaneHeader):
            self.reveal(lane_id)
            header.rename()

    def reveal(self, lane_id: str) -> None:
        """Scroll a lane into sight."""
        if lane_id in self.lanes:
            self.area.ensureWidgetVisible(self.lanes[lane_id], 0, 0)

    def set_tool(self, tool: str) -> None:
        """Choose what dragging over a sound does; the tools for frequencies come with the spectrogram."""
        self.tool = tool
        self.tools.show_tool(tool)
        if tool != "region":
            self._workspace.settings.set("spectrogram", True)
        for view in (self.mix, *self.lanes.values()):
            view.wave.set_tool(tool)
        self.tool_changed.emit(tool)

    def show_takes(self, lane_id: str, shown: bool) -> None:
        """Show the takes of a lane below it, or no longer."""
        (self._unfolded.add if shown else self._unfolded.discard)(lane_id)
        self._show_all(self._workspace.document.project)

    def show_menu_of_current(self) -> None:
        """Open the menu of the current lane, as the menu key does."""
        current = self._workspace.document.current
        view = self.lanes.get(current, self.mix)
        self.menu_wanted.emit(current, view.header.mapToGlobal(QPoint(20, 20)))

    # Making of lanes.

    def _wave(self, colour: str) -> WaveformView:
        wave = WaveformView(self.viewport, self._palette, colour, self._workspace.snapped)
        wave.set_grid(self.time.grid)
        document = self._workspace.document
        wave.sought.connect(self._workspace.transport.seek)
        wave.pressed.connect(self.setFocus)
        wave.selected.connect(lambda first, last: document.select((first, last)))
        wave.pointed.connect(lambda pointed: self._show_readout(wave, pointed))
        wave.set_rate(document.project.rate_hz)
        return wave

    def _views(self, ids: list[str], known: dict[str, LaneView], most: int) -> dict[str, LaneView]:
        """Views of lanes: those that are known, and of new ones as many as one turn has time for."""
        document = self._workspace.document
        views = self._ahead.views(ids, known, most)
        for lane_id, view in views.items():
            if lane_id not in known:
                view.lane_id = lane_id
                view.wave.set_selection(document.selection, document.kept)
                view.wave.set_cursor(self._workspace.transport.position)
        return views

    def _lane_views(self, lanes: tuple[Lane, ...]) -> dict[str, LaneView]:
        """Views of lanes: that they have, or had while they were on their way; of many new ones the first few."""
        arrived = {lane.id: self.ghosts.pop(lane.id) for lane in lanes if lane.id in self.ghosts}
        views = self._views([lane.id for lane in lanes], arrived | self.lanes, max(len(self._ahead), AT_ONCE))
        for lane_id in views.keys() - self.lanes.keys():
            views[lane_id].wave.set_tool(self.tool)
        return views

    def _ghost_views(self, ghosts: list[GhostLane]) -> dict[str, LaneView]:
        """Views of lanes on their way; of several new ones the first."""
        return self._views([ghost.id for ghost in ghosts], self.ghosts, 1)

    def _blank_view(self) -> LaneView:
        """A view of no lane yet, styled already."""
        header = LaneHeader(self._palette)
        view = LaneView(header, self._wave(self._palette.wave))
        self._connect_header(view, header)
        self._connect_wave(view)
        view.set_current(False)
        self.area.adopt(view)
        return view

    def _connect_header(self, view: LaneView, header: LaneHeader) -> None:
        document, jobs = self._workspace.document, self._workspace.jobs
        header.field_changed.connect(
            lambda words, field, value: document.set_lane(view.lane_id, words, **{field: value})
        )
        header.drag_wanted.connect(lambda without: self._on_drag(view.lane_id, without))
        header.grip.approached.connect(lambda: self.drag_expected.emit(view.lane_id))
        header.menu_wanted.connect(lambda place: self._open_menu(view.lane_id, place))
        header.chosen.connect(lambda modifiers: self._on_chosen(view.lane_id, modifiers))
        header.unfolded.connect(lambda shown: self.show_takes(view.lane_id, shown))
        header.meter.cleared.connect(lambda: self._workspace.transport.clear_clips())
        header.switched.connect(lambda kind, on: jobs.set_ghost(view.lane_id, **{kind: on}))
        header.cancelled.connect(lambda: self._cancel(view.lane_id))
        header.pulled.connect(lambda place: self._on_pulled(view, place))
        header.let_go.connect(lambda: self.area.put(view))

    def _connect_wave(self, view: LaneView) -> None:
        """Connect the sound; that of a lane on its way is only listened to, and has the menu of the mix."""
        document, wave = self._workspace.document, view.wave
        wave.drag_wanted.connect(lambda: self._on_drag(view.lane_id, False))
        wave.sought.connect(lambda sample: self._on_sought(view.lane_id))
        wave.shape_drawn.connect(lambda shape: self.shape_drawn.emit(view.lane_id, shape, self.cursor().pos()))
        wave.menu_wanted.connect(lambda place, sample: self._open_place_menu(view.lane_id, place, sample))
        view.resized.connect(lambda height: document.set_lane(view.lane_id, Message("change a height"), height=height))

    def _open_menu(self, lane_id: str, place: QPoint) -> None:
        wanted = self.menu_wanted if lane_id in self.lanes else self.ghost_menu_wanted
        wanted.emit(lane_id, place)

    def _open_place_menu(self, lane_id: str, place: QPoint, sample: int) -> None:
        self.place_menu_wanted.emit(lane_id if lane_id in self.lanes else "", place, sample)

    def _cancel(self, ghost_id: str) -> None:
        """Cancel the job that makes a lane."""
        for ghost in self._workspace.jobs.ghosts:
            if ghost.id == ghost_id:
                self._workspace.jobs.cancel(ghost.row_id)
                return

    # What models say.

    def _on_change(self, before: Project, after: Project) -> None:
        if before.source != after.source:
            self.viewport.length = 0
            self.viewport.set_length(after.length)
            self.viewport.fit()
        else:
            self.viewport.set_length(after.length)
        self._show_all(after)
        self._ahead.refill()

    def _on_grown(self) -> None:
        self._show_all(self._workspace.document.project)

    def _show_all(self, project: Project) -> None:
        self.mix_header.show_mix(project)
        self.mix.wave.set_rate(project.rate_hz)
        self.mix.wave.show_picture(self._drawn(lambda wanted: picture_of_mix(self._workspace, project, wanted)))
        ghosts = self._new_ghosts(project)
        self.lanes = self._lane_views(project.lanes)
        self.ghosts = self._ghost_views(ghosts)
        self._unfolded &= {lane.id for lane in project.lanes if len(lane.takes) > 1}
        rows = []
        shown = [lane for lane in project.lanes if lane.id in self.lanes]
        for lane in shown:
            self._show_lane(self.lanes[lane.id], lane, project)
            wanted = FOLDED if lane.collapsed else lane.height
            rows.append((self.lanes[lane.id], wanted, self._take_rows(lane)))
        for ghost in [one for one in ghosts if one.id in self.ghosts]:
            self._show_ghost(self.ghosts[ghost.id], ghost)
            place = len(rows) - (bool(shown) and shown[-1].is_else and ghost.role != "else")
            rows.insert(place, (self.ghosts[ghost.id], 0, []))
        self.area.show_views(rows)
        self._make_room(bool(rows))
        self._mark_chosen()
        self._dim()
        self._show_hint(project)

    def _show_hint(self, project: Project) -> None:
        """Say at the grip of the first lane what it is for, until something was dragged out once."""
        words = "" if self._workspace.settings.get("seen_drag") else tr("‹ Drag the dots into your DAW or a folder")
        first = project.lanes[0].id if project.lanes else ""
        for lane_id, view in self.lanes.items():
            view.wave.set_hint(words if lane_id == first else "")

    def _new_ghosts(self, project: Project) -> list[GhostLane]:
        """Lanes on their way that will be lanes of their own; what completes the sum is below all that still wait."""
        known = {lane.id for lane in project.lanes}
        ghosts = [one for one in self._workspace.jobs.ghosts if not one.lane_id and one.id not in known]
        return sorted(ghosts, key=lambda one: one.role == "else")

    def _on_ghosts(self) -> None:
        """Show how far lanes on their way are; the others are shown anew only when one comes or goes."""
        project = self._workspace.document.project
        ghosts = self._new_ghosts(project)
        if [one.id for one in ghosts] != list(self.ghosts) or {lane.id for lane in project.lanes} != set(self.lanes):
            self._show_all(project)
            return
        for ghost in ghosts:
            self._show_ghost(self.ghosts[ghost.id], ghost)
        for lane in project.lanes:
            self._show_filling(self.lanes[lane.id], lane)

    def _show_filling(self, view: LaneView, lane: Lane) -> None:
        """Show how far a take on its way to this lane is."""
        filling = [ghost for ghost in self._workspace.jobs.ghosts if ghost.lane_id == lane.id]
        view.wave.show_filled(filling[0].region if filling else None, filling[0].filled if filling else ())

    def _make_room(self, has_lanes: bool) -> None:
        """Without lanes, the mix takes the whole height."""
        self.area.setVisible(has_lanes)
        self._align()
        height = min(max(round(self.height() * MIX_SHARE), MIX_LOW), MIX_HIGH)
        self.mix.setMinimumHeight(height)
        self.mix.setMaximumHeight(height if has_lanes else QWIDGETSIZE_MAX)

    def _show_lane(self, view: LaneView, lane: Lane, project: Project) -> None:
        assert isinstance(view.header, LaneHeader)
        view.border.show()
        view.header.show_lane(lane, self._palette, project.heard(lane))
        view.header.show_unfolded(lane.id in self._unfolded)
        view.wave.setAccessibleName(f"{tr('Waveform of')} {lane.name}")
        view.wave.dress(self._palette, self._palette.lanes[lane.colour])
        view.wave.set_rate(project.rate_hz)
        view.wave.show_edits(tuple(edit for edit in project.brush if edit.source == lane.id))
        view.wave.show_picture(
            self._drawn(lambda wanted: picture_of_lane(self._workspace, project, lane, wanted, view.wave.picture))
        )
        self._show_filling(view, lane)

    def _show_ghost(self, view: LaneView, ghost: GhostLane) -> None:
        assert isinstance(view.header, LaneHeader)
        stage = tr(STAGES.get(ghost.stage, ghost.stage)) if ghost.stage else tr("waiting")
        words = f"{percent(ghost.fraction)}  ·  {stage}" if ghost.stage else stage
        view.border.hide()
        view.header.show_ghost(ghost, self._palette, words)
        view.wave.dress(self._palette, self._palette.lanes[ghost.colour])
        view.wave.show_picture(self._drawn(lambda wanted: picture_of_ghost(self._workspace, ghost)))
        view.wave.show_filled(ghost.region, ghost.filled)

    def _take_rows(self, lane: Lane) -> list[QWidget]:
        """The takes of a lane as thin rows, made anew whenever the lane has others."""
        if lane.id not in self._unfolded:
            self.takes.pop(lane.id, None)
            return []
        rows = self.takes.get(lane.id, [])
        if len(rows) != len(lane.takes):
            rows = self.takes[lane.id] = [self._take_row(lane.id, number) for number in range(len(lane.takes))]
        for row, take in zip(rows, lane.takes, strict=True):
            row.show_take(lane, take, self._palette)
            row.wave.show_picture(self._drawn(partial(self._picture_of_take, take)))
        return list(rows)

    def _picture_of_take(self, take: LaneTake, spectrogram: bool) -> WavePicture | None:
        return picture_of_take(self._workspace, take)

    def _take_row(self, lane_id: str, number: int) -> TakeRow:
        document = self._workspace.document
        wave = WaveformView(self.viewport, self._palette, self._palette.wave, self._workspace.snapped)
        wave.setAccessibleName(f"{tr('Take')} {number + 1}")
        wave.set_grid(self.time.grid)
        wave.set_cursor(self._workspace.transport.position)
        wave.pressed.connect(self.setFocus)
        wave.sought.connect(self._workspace.transport.seek)
        row = TakeRow(wave)

        def swipe(first: int, last: int) -> None:
            lane = document.project.lane(lane_id)
            if lane is not None and number < len(lane.takes):
                document.comp(lane_id, lane.takes[number].id, min(first, last), max(first, last))

        wave.swiped.connect(swipe)
        wave.menu_wanted.connect(lambda place, sample: self.take_menu_wanted.emit(lane_id, number, place))
        row.chosen.connect(lambda: document.set_lane(lane_id, Message("choose a take"), active=number))
        return row

    def _drawn(self, picture: Callable[[bool], WavePicture | None]) -> WavePicture | None:
        try:
            return picture(bool(self._workspace.settings.get("spectrogram")))
        except AudioError as error:
            self._workspace.fail(error)
            return None

    def _on_drawn(self, lane_id: str) -> None:
        project = self._workspace.document.project
        lane = project.lane(lane_id)
        if lane is not None and lane_id in self.lanes:
            self._show_lane(self.lanes[lane_id], lane, project)
            self._dim()

    def _on_selection(self, selection: tuple[int, int] | None) -> None:
        kept = self._workspace.document.kept
        for view in (self.mix, *self.lanes.values(), *self.ghosts.values()):
            view.wave.set_selection(selection, kept)

    def _mark_chosen(self) -> None:
        """Show which lane is worked on, and which are chosen with it."""
        current, chosen = self._workspace.document.current, self._workspace.document.chosen
        for lane_id, view in self.lanes.items():
            view.set_current(lane_id == current, lane_id in chosen)
            view.wave.set_touched(lane_id in (current, *chosen))
        self.mix.wave.set_touched(not current)

    def _on_move(self, sample: int) -> None:
        if self._workspace.transport.playing:
            self.viewport.follow(sample, str(self._workspace.settings.get("follow")))
        views = (self.mix, *self.lanes.values(), *self.ghosts.values())
        rows = (row for rows in self.takes.values() for row in rows)
        for wave in (*(view.wave for view in views), *(row.wave for row in rows)):
            wave.set_cursor(sample)

    def _on_playing(self, playing: bool) -> None:
        if playing and hasattr(self._workspace.transport, "levels"):
            self._meters.start()

    def _show_levels(self) -> None:
        """Move the meters; after the end they fall, then the timer rests."""
        transport = self._workspace.transport
        levels, clipped = transport.levels(), transport.clipped
        meters = {
            lane_id: view.header.meter for lane_id, view in self.lanes.items() if isinstance(view.header, LaneHeader)
        }
        meters[""] = self.mix_header.meter
        for key, meter in meters.items():
            meter.show_level(*levels.get(key, (0.0, 0.0)))
            meter.set_clipped(key in clipped)
        self.master_level.emit(*levels.get("", (0.0, 0.0)))
        if not transport.playing and not any(any(meter.places) for meter in meters.values()):
            self._meters.stop()

    def _on_setting(self, name: str, value: object) -> None:
        if name == "spectrogram":
            self.look.setChecked(bool(value))
            if not value and self.tool != "region":
                self.set_tool("region")
            self._show_all(self._workspace.document.project)
        elif name == "seen_drag":
            self._show_hint(self._workspace.document.project)

    def _dim(self) -> None:
        project = self._workspace.document.project
        for lane in project.lanes:
            if lane.id in self.lanes:
                self.lanes[lane.id].wave.set_dimmed(not project.heard(lane))

    # What users do.

    def _on_sought(self, lane_id: str) -> None:
        if lane_id in self.lanes:
            self._workspace.document.set_current(lane_id)

    def _on_pulled(self, view: LaneView, place: QPoint) -> None:
        if view.lane_id in self.lanes:
            self.area.pull(view, place)

    def _on_chosen(self, lane_id: str, modifiers: Qt.KeyboardModifier) -> None:
        """A click chooses one lane, with Ctrl also this one, with Shift all up to it."""
        document = self._workspace.document
        if lane_id not in self.lanes:
            return
        self.setFocus()
        names = [lane.id for lane in document.project.lanes]
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            document.toggle_chosen(lane_id)
        elif modifiers & Qt.KeyboardModifier.ShiftModifier and document.current in names:
            first, last = sorted((names.index(document.current), names.index(lane_id)))
            document.choose(tuple(names[first : last + 1]))
        elif lane_id not in document.chosen or len(document.chosen) < 2:
            document.set_current(lane_id)

    def _on_drag(self, lane_id: str, without: bool) -> None:
        if lane_id not in self.lanes:
            return
        chosen = self._workspace.document.chosen
        if without:
            self.complement_wanted.emit(lane_id)
        elif lane_id in chosen and len(chosen) > 1:
            self.group_drag_wanted.emit(chosen)
        else:
            self.drag_wanted.emit(lane_id)

    def _on_drag_all(self) -> None:
        chosen = self._workspace.document.chosen
        self.group_drag_wanted.emit(chosen if len(chosen) > 1 else ())

    def _on_put_down(self, view: LaneView, to: int) -> None:
        for lane_id, one in self.lanes.items():
            if one is view:
                self._workspace.document.move_lane(lane_id, to)
                return

    def _show_readout(self, wave: WaveformView, pointed: tuple[int, float | None] | None) -> None:
        picture, rate_hz = wave.picture, self._workspace.document.project.rate_hz
        if pointed is None or picture is None or not rate_hz:
            self.readout.clear()
            return
        sample, hz = pointed
        at = sample - picture.start
        if hz is not None and picture.spectrum is not None:
            level_db = band_level_db(picture.spectrum, at, hz, rate_hz)
        else:
            level_db = peak_level_db(picture.peaks, at, self.viewport.samples_per_pixel)
        self.readout.setText(readout_words(Readout(sample / rate_hz, hz, level_db)))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Keys that count here; the others are for the window."""
        if not press(self, event):
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Fit the viewport to the new width, and the mix to the height."""
        self._make_room(bool(self.area.views))

    def _align(self) -> None:
        """Keep mix and ruler aligned with the lanes when those have a scroll bar."""
        bar = self.area.verticalScrollBar()
        taken = bar.sizeHint().width() if bar.maximum() > 0 and not self.area.isHidden() else 0
        for row in (self._overview_row, self._top):
            row.setContentsMargins(0, 0, taken, 0)
        self.mix.row.setContentsMargins(0, 0, taken, 1)
        self.viewport.grain = self.devicePixelRatioF()
        self.viewport.set_width(self.width() - WIDTH - taken)

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


def readout_words(readout: Readout) -> str:
    """Time, frequency with its note, and level, in one line."""
    parts = [clock(readout.seconds)]
    if readout.hz is not None:
        note, cents = note_of(readout.hz)
        parts.append(f"{readout.hz:.0f} Hz")
        parts.append(note + (f" {cents:+d}" if cents else "").replace("-", "−"))
    if readout.level_db is not None:
        parts.append(f"{readout.level_db:.0f} dB".replace("-", "−"))
    return "  ·  ".join(parts)
