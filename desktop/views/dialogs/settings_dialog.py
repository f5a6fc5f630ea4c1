"""The settings dialog: general, sound, bundles, DAW bridge, diagnostics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.audio.player import output_devices
from desktop.message import Message
from desktop.models.bundles import BundleRow
from desktop.models.diagnostics import CheckRow
from desktop.models.disk_use import DiskUse
from desktop.models.examples import usable
from desktop.models.workspace import Workspace
from desktop.views.dialogs.list_field import ListField
from desktop.views.layout import on_screen, scrolled
from desktop.views.prompt.advanced import DEVICES
from desktop.views.sentences import said
from desktop.views.text import number, size_words, tr
from engine import EngineError

THEMES = (("system", "Same as the system"), ("dark", "Dark"), ("light", "Light"))
LANGUAGES = (("system", "Same as the system"), ("en", "English"), ("de", "Deutsch"))
BUFFERS = ((512, "512"), (1024, "1024"), (2048, "2048"), (4096, "4096 (safest)"))
CACHES_GB = (1, 2, 4, 8, 16, 32, 64)
BRIDGES = (
    ("off", "Off", ""),
    (
        "local",
        "This machine only",
        "Programs of yours can send clips and get files back: the scripts that come with Fluxstem, and whatever knows "
        "the token in the bridge's folder.",
    ),
    (
        "open",
        "This machine only, without a token",
        "Every program on this machine, of every user, can send clips and read audio files in your home folder. For "
        "plain OSC programs on a machine that is yours alone.",
    ),
    (
        "lan",
        "This network",
        "Any machine on this network that knows the token can run jobs on this one, read audio files in your home "
        "folder and write results. Use it only on a network you trust.",
    ),
)
PARTS = {"engine": "Engine", "sound": "Sound", "bundle": "Bundle", "disk": "Disk"}
GB = 1 << 30
ROW_HEIGHT = 30
SIZE = (720, 590)


class SettingsDialog(QDialog):
    """Five pages.

    Args:
        tab: the page that is shown first.
    """

    def __init__(self, workspace: Workspace, parent: QWidget | None, tab: int = 0) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self.setWindowTitle(tr("Settings"))
        self.resize(on_screen(self, QSize(*SIZE)))
        self.tabs = QTabWidget()
        self.tabs.addTab(scrolled(self._general()), tr("General"))
        self.tabs.addTab(scrolled(self._sound()), tr("Sound"))
        self.tabs.addTab(self._bundles(), tr("Bundles"))
        self.tabs.addTab(scrolled(self._bridge()), tr("DAW bridge"))
        self.tabs.addTab(scrolled(self._machine()), tr("This machine"))
        close = QPushButton(tr("Close"))
        close.clicked.connect(self.accept)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 16, 18, 14)
        column.addWidget(self.tabs, 1)
        column.addLayout(foot)
        workspace.bundles.verified.connect(self._show_verified)
        workspace.bundles.changed.connect(self._show_bundles)
        workspace.bridge.changed.connect(self._show_bridge)
        workspace.diagnostics.examined.connect(self._show_report)
        workspace.diagnostics.checked.connect(self._show_checks)
        workspace.diagnostics.cards_found.connect(self._offer_cards)
        self.tabs.currentChanged.connect(self._on_tab)
        self.tabs.setCurrentIndex(tab)

    def _choice(self, name: str, rows: tuple[tuple[object, str], ...], tip: str) -> QComboBox:
        box = QComboBox()
        for value, words in rows:
            box.addItem(tr(words), value)
        box.setCurrentIndex(max(box.findData(self._workspace.settings.get(name)), 0))
        box.setToolTip(tip)
        box.currentIndexChanged.connect(lambda: self._workspace.settings.set(name, box.currentData()))
        return box

    def _general(self) -> QWidget:
        page = QWidget()
        form = _form(page)
        form.addRow(tr("Theme"), self._choice("theme", THEMES, tr("Colours of the window")))
        form.addRow(tr("Language"), self._choice("language", LANGUAGES, tr("Takes effect at the next start")))
        rows = tuple(DEVICES.items())
        device = str(self._workspace.settings.get("device"))
        if device not in DEVICES:
            rows += ((device, device),)
        self.device = self._choice("device", rows, tr("The status line shows what actually ran"))
        form.addRow(tr("Run the engine on"), self.device)
        sizes = tuple((size, f"{size} GB") for size in CACHES_GB)
        form.addRow(tr("Cache limit"), self._choice("cache_gb", sizes, tr("Waveforms and decoded audio")))
        hears_tempo = QCheckBox(tr("Estimate tempo and key of what is opened"))
        hears_tempo.setChecked(bool(self._workspace.settings.get("find_tempo")))
        hears_tempo.toggled.connect(lambda on: self._workspace.settings.set("find_tempo", on))
        form.addRow("", hears_tempo)
        self.cache = QLabel(tr("measuring …"))
        self.cache.setObjectName("quiet")
        self.cache.setWordWrap(True)
        self.cache.setMinimumHeight(2 * self.cache.fontMetrics().lineSpacing() + 2)  # its second line comes later
        clean = QPushButton(tr("Clean up now"))
        clean.clicked.connect(self._clean)
        row = QHBoxLayout()
        row.addWidget(self.cache, 1)
        row.addWidget(clean)
        form.addRow(tr("On the disk"), row)
        self._show_cache()
        return page

    def _sound(self) -> QWidget:
        page = QWidget()
        form = _form(page)
        devices = output_devices()
        rows = (("", "Same as the system"), *((row.name, row.name) for row in devices))
        form.addRow(tr("Output device"), self._choice("output", rows, tr("Where playback goes")))
        tip = tr("Larger is safer on a busy machine; solo and mute respond just as fast")
        form.addRow(tr("Buffer, frames"), self._choice("ring_frames", BUFFERS, tip))
        words = tr("{count} output devices found.").replace("{count}", str(len(devices)))
        note = QLabel(
            words if devices else tr("No output device found: everything else works, but you will hear nothing.")
        )
        note.setObjectName("quiet")
        note.setWordWrap(True)
        form.addRow("", note)
        delay = QLabel(self._delay_words())
        delay.setObjectName("quiet")
        delay.setWordWrap(True)
        form.addRow(tr("Solo and mute"), delay)
        return page

    def _delay_words(self) -> str:
        delay_s = self._workspace.transport.player.change_s
        if delay_s is None:
            return tr("Play something to see how soon a change is heard.")
        ring_ms, device_ms = (f"{1000 * part:.0f}" for part in delay_s)
        words = tr("A change is heard after about {all} ms: {ring} in the buffer, {device} in the device.")
        whole = f"{1000 * sum(delay_s):.0f}"
        return words.replace("{all}", whole).replace("{ring}", ring_ms).replace("{device}", device_ms)

    def _bundles(self) -> QWidget:
        page = QWidget()
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Bundles"))
        self.list.setMaximumWidth(210)
        self.list.currentRowChanged.connect(lambda row: self._show_card())
        self.card = QLabel()
        self.card.setWordWrap(True)
        self.card.setObjectName("quiet")
        self.card.setAlignment(self.card.alignment().AlignTop)
        add, verify = QPushButton(tr("Add a folder …")), QPushButton(tr("Verify"))
        use = self.use = QPushButton(tr("Use this bundle"))
        add.clicked.connect(self._add_bundle)
        verify.clicked.connect(self._verify_selected)
        use.clicked.connect(self._use_selected)
        buttons = QHBoxLayout()
        for button in (add, verify, use):
            buttons.addWidget(button)
        buttons.addStretch(1)
        middle = QHBoxLayout()
        middle.setSpacing(14)
        middle.addWidget(self.list)
        area = QScrollArea()
        area.setWidgetResizable(True)
        self.sources = QLabel()
        self.sources.setWordWrap(True)
        self.sources.setObjectName("quiet")
        self.sources.hide()
        self.sources_fold = QPushButton()
        self.sources_fold.setObjectName("fold")
        self.sources_fold.setCheckable(True)
        self.sources_fold.toggled.connect(self.sources.setVisible)
        inside = QWidget()
        facts = QVBoxLayout(inside)
        facts.setContentsMargins(0, 0, 0, 0)
        facts.addWidget(self.card)
        facts.addWidget(self.sources_fold, 0, Qt.AlignmentFlag.AlignLeft)
        facts.addWidget(self.sources)
        facts.addStretch(1)
        area.setWidget(inside)
        middle.addWidget(area, 1)
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 16, 16, 12)
        column.addLayout(middle, 1)
        column.addLayout(buttons)
        self._show_bundles()
        return page

    def _bridge(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(8)
        self.bridges: dict[str, QRadioButton] = {}
        for name, words, doc in BRIDGES:
            button = QRadioButton(tr(words))
            button.setChecked(self._workspace.settings.get("bridge") == name)
            button.clicked.connect(lambda on, name=name: self._workspace.settings.set("bridge", name))
            column.addWidget(button)
            self.bridges[name] = button
            if doc:
                text = QLabel(tr(doc))
                text.setWordWrap(True)
                text.setObjectName("quiet")
                text.setContentsMargins(26, 0, 0, 6)
                column.addWidget(text)
        self.address = QLabel()
        self.address.setObjectName("chip")
        column.addWidget(self.address, 0, Qt.AlignmentFlag.AlignLeft)
        column.addSpacing(6)
        heading = QLabel(tr("Folders that clips may lie in, besides your home folder"))
        heading.setWordWrap(True)
        column.addWidget(heading)
        self.folders = ListField(tr("None yet: clips may lie in your home folder"))
        self.folders.setAccessibleName(heading.text())
        self.folders.setMaximumHeight(96)
        column.addWidget(self.folders)
        add, self.remove_folder = QPushButton(tr("Add a folder …")), QPushButton(tr("Remove the folder"))
        add.clicked.connect(self._choose_bridge_folder)
        self.remove_folder.clicked.connect(self._remove_bridge_folder)
        self.folders.currentRowChanged.connect(lambda row: self._show_removable())
        buttons = QHBoxLayout()
        buttons.addWidget(add)
        buttons.addWidget(self.remove_folder)
        buttons.addStretch(1)
        column.addLayout(buttons)
        column.addStretch(1)
        self._show_folders()
        self._show_bridge()
        return page

    def _show_folders(self) -> None:
        self.folders.clear()
        self.folders.addItems(self._workspace.settings.get("bridge_folders"))
        self.folders.setCurrentRow(self.folders.count() - 1)
        self._show_removable()

    def _show_removable(self) -> None:
        chosen = self.folders.currentItem() is not None
        self.remove_folder.setEnabled(chosen)
        self.remove_folder.setToolTip("" if chosen else tr("Choose a folder of the list first"))

    def _choose_bridge_folder(self) -> None:
        if name := QFileDialog.getExistingDirectory(self, tr("Folder that clips may lie in")):
            self.add_bridge_folder(name)

    def add_bridge_folder(self, name: str) -> None:
        """Let DAWs send clips that lie in a folder."""
        self._workspace.settings.set(
            "bridge_folders", list(dict.fromkeys([*self._workspace.settings.get("bridge_folders"), name]))
        )
        self._show_folders()

    def _remove_bridge_folder(self) -> None:
        item = self.folders.currentItem()
        if item is not None:
            kept = [name for name in self._workspace.settings.get("bridge_folders") if name != item.text()]
            self._workspace.settings.set("bridge_folders", kept)
            self._show_folders()

    def _machine(self) -> QWidget:
        page = QWidget()
        self.checks = QGridLayout()
        self.checks.setHorizontalSpacing(12)
        self.checks.setVerticalSpacing(9)
        self.checks.setColumnStretch(2, 1)
        self.verdict = QLabel(tr("checking …"))
        self.verdict.setObjectName("heading")
        self.fold = QPushButton(tr("Details"))
        self.fold.setObjectName("fold")
        self.fold.setCheckable(True)
        self.report = QPlainTextEdit()
        self.report.hide()
        self.fold.toggled.connect(self.report.setVisible)
        self.report.setReadOnly(True)
        self.report.setAccessibleName(tr("Report"))
        again, copy = QPushButton(tr("Check again")), QPushButton(tr("Copy"))
        again.clicked.connect(self._examine)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.report.toPlainText()))
        buttons = QHBoxLayout()
        buttons.addWidget(again)
        buttons.addWidget(copy)
        buttons.addStretch(1)
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 16, 16, 12)
        column.setSpacing(12)
        column.addWidget(self.verdict)
        column.addLayout(self.checks)
        column.addWidget(self.fold, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.report, 1)
        column.addStretch(0)
        column.addLayout(buttons)
        return page

    def _show_checks(self, rows: tuple[CheckRow, ...]) -> None:
        """A tick or a cross for each part of the machine."""
        while item := self.checks.takeAt(0):
            if (old := item.widget()) is not None:
                old.deleteLater()
        for place, row in enumerate(rows):
            sign, name, words = QLabel("✓" if row.good else "×"), QLabel(tr(PARTS[row.name])), QLabel(said(row.words))
            sign.setObjectName("good" if row.good else "danger")
            sign.setAccessibleName(tr("works") if row.good else tr("does not work"))
            words.setWordWrap(True)
            words.setObjectName("quiet")
            for column, label in enumerate((sign, name, words)):
                self.checks.addWidget(label, place, column, Qt.AlignmentFlag.AlignTop)
        self.verdict.setText(
            tr("Everything works") if rows and all(row.good for row in rows) else tr("Something is missing")
        )

    def _offer_cards(self, names: tuple[str, ...]) -> None:
        """Offer each of several NVIDIA cards by its name."""
        for index, name in enumerate(names if len(names) > 1 else ()):
            place = self.device.findData(f"cuda:{index}")
            if place < 0:
                self.device.addItem(f"CUDA {index}: {name}", f"cuda:{index}")
            else:
                self.device.setItemText(place, f"CUDA {index}: {name}")

    def _show_report(self, found: tuple[Message, ...]) -> None:
        self.report.setPlainText("\n".join(said(line) for line in found))

    def _on_tab(self, tab: int) -> None:
        page = self.tabs.widget(tab)
        if page is not None and page.isAncestorOf(self.report) and not self.report.toPlainText():
            self._examine()

    def _examine(self) -> None:
        self.report.setPlainText(tr("checking …"))
        self.verdict.setText(tr("checking …"))
        self._workspace.diagnostics.examine()

    def _show_cache(self) -> None:
        """Measure what is kept on the disk; the figures come a moment later."""
        self._workspace.disk_use(self._show_disk)

    def _show_disk(self, use: DiskUse) -> None:
        words = tr("This project: {project}, {ratio} times its audio. All together: {all}")
        words = words if use.audio_bytes else tr("All together: {all}")
        values = {"project": size_words(use.project_bytes), "ratio": number(use.ratio, 1)}
        values["all"] = size_words(use.total_bytes + use.dragged_bytes)
        for name, value in values.items():
            words = words.replace(f"{{{name}}}", value)
        self.cache.setText(words)

    def _clean(self) -> None:
        self._workspace.clean_cache(0, lambda freed: self._show_cache())

    def _selected(self) -> BundleRow | None:
        row = self.list.currentRow()
        rows = self._workspace.bundles.rows
        return rows[row] if 0 <= row < len(rows) else None

    def _verify_selected(self) -> None:
        chosen = self._selected()
        if chosen is not None:
            self._workspace.bundles.verify(chosen.place)

    def _use_selected(self) -> None:
        chosen = self._selected()
        if chosen is not None:
            self._workspace.settings.set("bundle", chosen.place)
            self._show_bundles()

    def _show_bundles(self) -> None:
        """List them; at first the one that is in use is chosen."""
        rows, used = self._workspace.bundles.rows, self._workspace.settings.get("bundle")
        chosen = self.list.currentRow()
        if chosen < 0:
            chosen = next((place for place, row in enumerate(rows) if row.place == used), 0)
        self.list.clear()
        for row in rows:
            words = f"{row.words}  ·  {tr('in use')}" if row.place == used else row.words
            item = QListWidgetItem(words, self.list)
            item.setSizeHint(QSize(0, ROW_HEIGHT))
        self.list.setCurrentRow(min(chosen, self.list.count() - 1))

    def _show_bridge(self) -> None:
        self.address.setText(said(self._workspace.bridge.words))
        for name, button in self.bridges.items():
            button.setChecked(self._workspace.settings.get("bridge") == name)

    def _show_card(self, verdict: str = "") -> None:
        row = self._selected()
        if row is None:
            return
        in_use = row.place == self._workspace.settings.get("bundle")
        self.use.setEnabled(not row.problem and not in_use)
        self.use.setToolTip(tr("It is in use") if in_use else said(row.problem) if row.problem else "")
        parts = [said(row.problem)] if row.problem else list(_able_words(row))
        parts += [verdict] if verdict else []
        parts += [] if row.problem else [f"{tr('Licence')}: {row.licence}"]
        parts += [row.notes] if row.notes else []
        self.card.setText("\n\n".join(parts))
        lists = ((tr("Trained on"), row.trained_on), (tr("Credits"), row.attribution))
        self.sources.setText("\n\n".join(_listed(heading, rows) for heading, rows in lists if rows))
        counts = [f"{heading} ({len(rows)})" for heading, rows in lists if rows]
        self.sources_fold.setText(", ".join(counts))
        self.sources_fold.setVisible(bool(counts))
        self.sources_fold.setChecked(False)

    def _show_verified(self, place: str, words: Message) -> None:
        row = self._selected()
        if row is not None and row.place == place:
            self._show_card(said(words))

    def _add_bundle(self) -> None:
        name = QFileDialog.getExistingDirectory(self, tr("Folder of a bundle"))
        if name:
            self.add_bundle(Path(name))

    def add_bundle(self, folder: Path) -> None:
        """Add a bundle, or show why it cannot be added."""
        try:
            self._workspace.bundles.add_folder(folder)
        except EngineError as error:
            self.card.setText(said(error))


def _able_words(row: BundleRow) -> Iterator[str]:
    """What a bundle takes, and who helps it."""
    kinds = [tr(kind.plural) for kind in usable(row.encoders)]
    yield f"{tr('Prompts')}: {', '.join([tr('words'), *kinds])}"
    if row.experts:
        yield f"{tr('Experts')}: {', '.join(row.experts)}"


def _listed(heading: str, rows: tuple[str, ...]) -> str:
    """One row next to its heading, or several below it."""
    return f"{heading}: {rows[0]}" if len(rows) == 1 else "\n".join([f"{heading}:", *(f"•  {row}" for row in rows)])


def _form(page: QWidget) -> QFormLayout:
    form = QFormLayout(page)
    form.setContentsMargins(16, 18, 16, 12)
    form.setHorizontalSpacing(18)
    form.setVerticalSpacing(12)
    return form
