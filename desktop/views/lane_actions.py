"""What can be done with lanes and regions: their menus, and their files dragged out, copied, shown, sent back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QMetaMethod, QObject, QPoint, Qt, QUrl, Signal
from PySide6.QtGui import QAction, QColor, QDesktopServices, QGuiApplication, QPixmap
from PySide6.QtWidgets import QMenu, QWidget

from desktop.message import Message
from desktop.models.bridge_service import BridgeService
from desktop.models.project import BrushEdit, Lane
from desktop.models.workspace import Workspace
from desktop.views.dialogs.blind_dialog import BlindDialog
from desktop.views.inserts import show_inserts
from desktop.views.note_actions import NoteActions
from desktop.views.sentences import task_name
from desktop.views.text import key_words, tr
from desktop.views.theme import Palette
from desktop.views.timeline.drag_out import start_drag
from desktop.views.timeline.lane_card import LaneCard
from desktop.views.timeline.lane_header import LaneHeader, lane_name, take_words
from desktop.views.timeline.timeline import Timeline
from engine import EngineError

REGION_TASKS = ("isolate", "remove", "inpaint", "replace")  # that menus propose for a part of the mix
LANE_TASKS = ("regenerate", "restyle")  # and for a lane that is not what the others leave


class LaneActions(QObject):
    """Hands the files of lanes to other programs, and offers what can be done with them.

    Args:
        bridge: the way back to the DAW.
        window: where drags and menus start.
        palette: returns the colours in use.

    Signals:
        told: news for the status line.
        export_wanted: id of the lane to export, empty for all.
        rename_wanted: id of the lane to rename.
        ask_wanted: a task, and the id of the lane to work on, empty for the mix.
    """

    told = Signal(str)
    export_wanted = Signal(str)
    rename_wanted = Signal(str)
    ask_wanted = Signal(str, str)

    def __init__(
        self, workspace: Workspace, bridge: BridgeService, window: QWidget, palette: Callable[[], Palette]
    ) -> None:
        super().__init__(window)
        self._workspace, self._bridge, self._window, self._palette = workspace, bridge, window, palette
        self._timeline: Timeline | None = None
        self._brush_target = ""
        self.files = workspace.files
        self.notes = NoteActions(workspace, window, palette)

    def attach(self, timeline: Timeline) -> None:
        """Serve a timeline: its drags and its right clicks."""
        self._timeline = timeline
        self.notes.attach(timeline)
        timeline.drag_wanted.connect(self.drag_out)
        timeline.group_drag_wanted.connect(self.drag_lanes)
        timeline.complement_wanted.connect(self.drag_complement)
        timeline.drag_expected.connect(self.prepare)
        timeline.menu_wanted.connect(self.show_menu)
        timeline.take_menu_wanted.connect(
            lambda lane_id, number, place: self._open(self.take_menu(lane_id, number), place)
        )
        timeline.ghost_menu_wanted.connect(lambda ghost_id, place: self._open(self.ghost_menu(ghost_id), place))
        timeline.place_menu_wanted.connect(self.show_place_menu)
        timeline.shape_drawn.connect(self.on_shape)
        timeline.tool_changed.connect(lambda tool: self._forget_target())
        self.rename_wanted.connect(timeline.rename)

    # Files.

    def drag_out(self, lane_id: str) -> None:
        """Drag the file of a lane into another program."""
        self._drag([lane_id], "wave")

    def drag_lanes(self, lane_ids: tuple[str, ...]) -> None:
        """Drag the files of several lanes at once; none means all lanes."""
        lanes = self._workspace.document.project.lanes
        wanted = [lane.id for lane in lanes if not lane_ids or lane.id in lane_ids]
        if wanted:
            self._drag(wanted, "stack")
        else:
            self.told.emit(tr("there are no stems to drag yet"))

    def drag_complement(self, lane_id: str) -> None:
        """Drag the mix without a lane."""
        self._drag([lane_id], "wave", complement=True)

    def prepare(self, lane_id: str) -> None:
        """Have the file of a lane written that is likely to be dragged next."""
        self._workspace.make_files([lane_id], lambda paths: None, quiet=True)

    def copy_path(self, lane_id: str) -> None:
        """Put the path of a lane's file on the clipboard."""
        self._workspace.make_files([lane_id], self._copy)

    def reveal(self, lane_id: str) -> None:
        """Open the folder of a lane's file."""

        def show(paths: list[Path]) -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(paths[0].parent)))

        self._workspace.make_files([lane_id], show)

    def send_back(self, lane_id: str) -> None:
        """Send a lane back to the DAW its clip came from."""
        project = self._workspace.document.project
        lane = project.lane(lane_id)
        if lane is None:
            return
        place = (lane.take.start, lane.take.audio.samples, lane.take.audio.rate_hz)

        def send(paths: list[Path]) -> None:
            try:
                done = tr("sent back to the DAW")
                self._bridge.send_back(project.daw, paths[0], place, lambda: self.told.emit(done))
            except EngineError as error:
                self._workspace.fail(error)

        self._workspace.make_files([lane_id], send)

    def show_effects(self, lane_id: str) -> None:
        """Open the effects of a lane."""
        show_inserts(self._workspace, lane_id, self._window)

    def show_knobs(self, lane_id: str) -> None:
        """Open gain, pan and sensitivity of a lane on a card at its header."""
        lane = self._workspace.document.project.lane(lane_id)
        if lane is not None and self._timeline is not None:
            header = self._timeline.lanes[lane_id].header
            card = LaneCard(self._workspace.document, lane, self._palette(), self._window)
            card.open_at(header.mapToGlobal(QPoint(header.width() - 40, header.height())))

    def compare(self, lane_id: str) -> None:
        """Compare the takes of a lane without their names."""
        if (lane := self._workspace.document.project.lane(lane_id)) is not None and len(lane.takes) > 1:
            dialog = BlindDialog(self._workspace, lane, self._window)
            dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            dialog.open()

    # Menus.

    def menu(self, lane_id: str) -> QMenu:
        """The context menu of a lane."""
        document = self._workspace.document
        lane = document.project.lane(lane_id)
        if lane is None:
            return self.mix_menu()
        menu = self._new_menu()
        self._add_lane_tasks(menu, lane)
        menu.addSeparator()
        self._add_mixing(menu, lane)
        self._add_editing(menu.addMenu(tr("Edit")), lane)
        words = tr("Unfold") if lane.collapsed else tr("Fold")
        turned = Message("unfold {lane}" if lane.collapsed else "fold {lane}", lane=lane.name)
        self._add(menu, words, lambda: document.set_lane(lane_id, turned, collapsed=not lane.collapsed))
        effects = self._add(menu, tr("Effects …"), lambda: self.show_effects(lane_id), not lane.is_else)
        effects.setToolTip(tr("Built-in effects and plug-ins; what they make is another take"))
        self.notes.add_to(menu, lane)
        menu.addSeparator()
        self._add(menu, tr("Export …"), lambda: self.export_wanted.emit(lane_id))
        self._add_file(menu.addMenu(tr("File")), lane)
        self._add_colours(menu, lane_id)
        self._add(menu, tr("Rename …") + "\tF4", lambda: self.rename_wanted.emit(lane_id))
        menu.addSeparator()
        several = lane_id in document.chosen and len(document.chosen) > 1
        gone = document.chosen if several else (lane_id,)
        words = tr("Remove the chosen lanes") if several else tr("Remove lane")
        self._add(menu, f"{words}\t{key_words('Del')}", lambda: document.remove_lanes(gone))
        return menu

    def mix_menu(self) -> QMenu:
        """The context menu of the mix."""
        document = self._workspace.document
        menu = self._new_menu()
        self._add_tasks(menu, REGION_TASKS, "")
        menu.addSeparator()
        self._add(menu, tr("Select all"), lambda: document.select((0, document.project.length)))
        self._add(menu, tr("Clear the selection"), document.select_nothing, bool(document.regions))
        menu.addSeparator()
        self._add(menu, tr("Export …"), lambda: self.export_wanted.emit(""))
        return menu

    def region_menu(self, lane_id: str) -> QMenu:
        """The context menu of a region, on a lane or on the mix."""
        document = self._workspace.document
        menu = self._new_menu()
        lane = document.project.lane(lane_id)
        if lane is None:
            self._add_tasks(menu, REGION_TASKS, "")
        else:
            self._add_lane_tasks(menu, lane)
        menu.addSeparator()
        self._add(menu, tr("Play the region"), self._play_region)
        if self._timeline is not None:
            viewport = self._timeline.viewport
            self._add(menu, tr("Zoom to the region"), lambda: viewport.fit(*(document.selection or (0.0, None))))
        self._add(menu, tr("Keep the region and choose another"), document.keep_selection, bool(document.selection))
        self._add(menu, tr("Clear the selection"), document.select_nothing)
        if lane is not None and len(lane.takes) > 1 and document.selection is not None:
            self._add_takes(menu, lane, document.selection)
        menu.addSeparator()
        self._add(menu, tr("Export …"), lambda: self.export_wanted.emit(lane_id))
        return menu

    def take_menu(self, lane_id: str, number: int) -> QMenu:
        """The context menu of a take that stands below its lane."""
        document, menu = self._workspace.document, self._new_menu()
        lane = document.project.lane(lane_id)
        if lane is None or number >= len(lane.takes):
            return menu
        take, region = lane.takes[number], document.selection
        chosen = Message("choose a take")
        self._add(menu, tr("Hear this take"), lambda: document.set_lane(lane_id, chosen, active=number))
        if region is not None:
            self._add(menu, tr("Hear it in the region"), lambda: document.comp(lane_id, take.id, *region))
        self._add(menu, tr("Compare takes blind …"), lambda: self.compare(lane_id), len(lane.takes) > 1)
        menu.addSeparator()
        self._add(menu, tr("Hide the other takes"), lambda: self._fold_takes(lane_id))
        return menu

    def ghost_menu(self, ghost_id: str) -> QMenu:
        """The context menu of a lane that is on its way."""
        jobs, menu = self._workspace.jobs, self._new_menu()
        for ghost in jobs.ghosts:
            if ghost.id == ghost_id:
                self._add(menu, tr("Cancel"), partial(jobs.cancel, ghost.row_id))
                menu.addSeparator()
                for field, words, on in (("mute", tr("Mute"), ghost.mute), ("solo", tr("Solo"), ghost.solo)):
                    action = self._add(menu, words, partial(jobs.set_ghost, ghost_id, **{field: not on}))
                    action.setCheckable(True)
                    action.setChecked(on)
        return menu

    def shape_menu(self, lane_id: str, shape: BrushEdit) -> QMenu:
        """Where what was drawn on a spectrogram can be moved to."""
        document = self._workspace.document
        menu = self._new_menu()
        for lane in sorted(document.project.lanes, key=lambda lane: not lane.is_else):
            if lane_id and lane.id != lane_id:
                words = tr("Move to {lane}").replace("{lane}", lane_name(lane))
                menu.addAction(words, partial(self._move, shape, lane_id, lane.id))
        menu.addSeparator()
        self._add(menu, tr("Hear only this"), lambda: self._hear_only(replace(shape, source=lane_id)))
        self._add(menu, tr("Choose its time as the region"), lambda: document.select((shape.first, shape.last)))
        return menu

    def show_menu(self, lane_id: str, place: QPoint) -> None:
        """Open the context menu of a lane, or of the mix."""
        self._open(self.menu(lane_id), place)

    def show_place_menu(self, lane_id: str, place: QPoint, sample: int) -> None:
        """Open the context menu of a sound: that of the region under the mouse, else that of the lane."""
        document = self._workspace.document
        inside = any(first <= sample < last for first, last in document.regions)
        menu = self.region_menu(lane_id) if inside else self.menu(lane_id)
        first = menu.actions()[0] if menu.actions() else None
        here = QAction(tr("Play from here"), menu)
        here.triggered.connect(lambda: self._play_from(sample))
        menu.insertAction(first, here) if first is not None else menu.addAction(here)
        edit = self._edit_under(lane_id, place)
        if edit is not None:
            back = QAction(tr("Take back what was moved here"), menu)
            back.triggered.connect(lambda: document.remove_brush(edit.id))
            menu.insertAction(here, back)
        self._open(menu, place)

    def on_shape(self, lane_id: str, shape: BrushEdit, place: QPoint) -> None:
        """Move what was drawn: a brush goes on to the lane of its last stroke, a rectangle always asks."""
        target = self._workspace.document.project.lane(self._brush_target)
        if shape.shape == "stroke" and target is not None and target.id != lane_id:
            self._move(shape, lane_id, target.id)
            return
        self._open(self.shape_menu(lane_id, shape), place)

    # Parts of menus.

    def _add_mixing(self, menu: QMenu, lane: Lane) -> None:
        document = self._workspace.document
        for field, words, on in (("mute", tr("Mute") + "\tM", lane.mute), ("solo", tr("Solo") + "\tS", lane.solo)):
            action = self._add(menu, words, partial(document.switch, lane.id, field))
            action.setCheckable(True)
            action.setChecked(on)
        view = self._timeline.lanes.get(lane.id) if self._timeline is not None else None
        if view is not None and isinstance(view.header, LaneHeader) and view.header.knobs.isHidden():
            self._add(menu, tr("Gain, pan and sensitivity …"), lambda: self.show_knobs(lane.id))
        if len(lane.takes) > 1:
            self._add_choice_of_takes(menu.addMenu(tr("Takes")), lane)

    def _add_choice_of_takes(self, menu: QMenu, lane: Lane) -> None:
        document = self._workspace.document
        for number, take in enumerate(lane.takes):
            action = self._add(
                menu,
                take_words(number + 1, take),
                partial(document.set_lane, lane.id, Message("choose a take"), active=number),
            )
            action.setCheckable(True)
            action.setChecked(number == lane.active)
        menu.addSeparator()
        if (timeline := self._timeline) is not None:
            shown = lane.id in timeline.takes
            words = tr("Hide the other takes") if shown else tr("Show all takes")
            self._add(menu, words, lambda: timeline.show_takes(lane.id, not shown))
        self._add(menu, tr("Compare takes blind …"), lambda: self.compare(lane.id))
        if lane.comp:
            self._add(menu, tr("Hear the active take alone"), lambda: document.clear_comp(lane.id))

    def _add_editing(self, menu: QMenu, lane: Lane) -> None:
        document, at = self._workspace.document, self._workspace.transport.position
        begin, end = lane.take.start, lane.take.start + lane.take.audio.samples
        inside = begin < at < end and not lane.is_else
        self._add(
            menu, tr("Fade in to the cursor"), lambda: document.set_fades(lane.id, at - begin, lane.fade_out), inside
        )
        self._add(
            menu, tr("Fade out from the cursor"), lambda: document.set_fades(lane.id, lane.fade_in, end - at), inside
        )
        if lane.fade_in or lane.fade_out:
            self._add(menu, tr("No fades"), lambda: document.set_fades(lane.id, 0, 0))
        self._add(menu, tr("Split at the cursor"), lambda: document.split_lane(lane.id, at), inside)
        self._add(menu, tr("Duplicate"), lambda: document.duplicate_lane(lane.id), not lane.is_else)
        if any(edit.source == lane.id for edit in document.project.brush):
            self._add(menu, tr("Take back all brush strokes"), document.clear_brush)

    def _add_file(self, menu: QMenu, lane: Lane) -> None:
        """What can be done with the file of a lane."""
        document = self._workspace.document
        self._add(menu, tr("Copy path"), lambda: self.copy_path(lane.id))
        self._add(menu, tr("Open in folder"), lambda: self.reveal(lane.id))
        if not lane.is_else and document.project.source is not None:
            self._add(
                menu,
                tr("Copy path of the mix without it"),
                lambda: self._workspace.make_files([lane.id], self._copy, complement=True),
            )
        back = self._add(menu, tr("Send back to the DAW"), lambda: self.send_back(lane.id), bool(document.project.daw))
        back.setToolTip("" if back.isEnabled() else tr("For clips that a DAW sent over OSC"))

    def _add_takes(self, menu: QMenu, lane: Lane, region: tuple[int, int]) -> None:
        document = self._workspace.document
        takes = menu.addMenu(tr("Hear here"))
        for number, take in enumerate(lane.takes, 1):
            takes.addAction(f"{tr('Take')} {number}", partial(document.comp, lane.id, take.id, *region))

    def _add_lane_tasks(self, menu: QMenu, lane: Lane) -> None:
        """What can be asked of a lane; taking stems out of it is called splitting it further."""
        if self._has_askers:
            words = tr("Isolate …") if lane.is_else else tr("Split further …")
            self._add(menu, words, lambda: self.ask_wanted.emit("isolate", lane.id))
        self._add_tasks(menu, ("remove",) if lane.is_else else ("remove", *LANE_TASKS), lane.id)

    def _add_tasks(self, menu: QMenu, tasks: tuple[str, ...], lane_id: str) -> None:
        for task in tasks if self._has_askers else ():
            menu.addAction(f"{task_name(task)} …", partial(self.ask_wanted.emit, task, lane_id))

    def _add_colours(self, menu: QMenu, lane_id: str) -> None:
        document = self._workspace.document
        colours, words = menu.addMenu(tr("Colour")), Message("change a colour")
        for number, colour in enumerate(self._palette().lanes):
            swatch = QPixmap(16, 16)
            swatch.fill(QColor(colour))
            action = colours.addAction(f"{tr('Colour')} {number + 1}")
            action.setIcon(swatch)
            action.triggered.connect(lambda on, n=number: document.set_lane(lane_id, words, colour=n))

    def _add(self, menu: QMenu, words: str, do: Callable[[], object], enabled: bool = True) -> QAction:
        action = menu.addAction(words)
        action.triggered.connect(lambda on: do())
        action.setEnabled(enabled)
        return action

    def _new_menu(self) -> QMenu:
        menu = QMenu(self._window)
        menu.setToolTipsVisible(True)
        return menu

    def _open(self, menu: QMenu, place: QPoint) -> None:
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(place)

    @property
    def _has_askers(self) -> bool:
        return self.isSignalConnected(QMetaMethod.fromSignal(self.ask_wanted))

    # What menus do.

    def _play_region(self) -> None:
        if (selection := self._workspace.document.selection) is not None:
            self._play_from(selection[0])

    def _play_from(self, sample: int) -> None:
        transport = self._workspace.transport
        transport.seek(sample)
        if not transport.playing:
            transport.play()

    def _hear_only(self, shape: BrushEdit) -> None:
        """Play what was drawn and nothing else, until the solo lamp or Esc ends it."""
        self._workspace.document.select((shape.first, shape.last))
        self._workspace.transport.hear_shape(shape)
        self._play_from(shape.first)

    def _move(self, shape: BrushEdit, source: str, target: str) -> None:
        self._brush_target = target
        self._workspace.document.add_brush(replace(shape, source=source, target=target))

    def _fold_takes(self, lane_id: str) -> None:
        if self._timeline is not None:
            self._timeline.show_takes(lane_id, False)

    def _forget_target(self) -> None:
        self._brush_target = ""

    def _edit_under(self, lane_id: str, place: QPoint) -> BrushEdit | None:
        view = self._timeline.lanes.get(lane_id) if self._timeline is not None else None
        return view.wave.edit_at(view.wave.mapFromGlobal(place).toPointF()) if view is not None else None

    def _copy(self, paths: list[Path]) -> None:
        QGuiApplication.clipboard().setText("\n".join(str(path) for path in paths))
        self.told.emit(tr("path copied"))

    def _drag(self, lane_ids: list[str], picture: str, complement: bool = False) -> None:
        """Begin a drag; where files have to be written first, it begins when they are, if the button is still held."""
        asked = True

        def start(paths: list[Path]) -> None:
            if asked or QGuiApplication.mouseButtons() & Qt.MouseButton.LeftButton:
                self._workspace.settings.set("seen_drag", True)
                start_drag(self._window, paths, picture, self._palette())
            else:
                self.told.emit(tr("the file is ready now: drag it again"))

        self._workspace.make_files(lane_ids, start, complement)
        asked = False
