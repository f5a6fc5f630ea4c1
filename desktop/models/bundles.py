"""The bundles that can be chosen, with their licences and what prompts they take."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop.message import Message
from desktop.models.background import Background
from desktop.models.settings import AppSettings
from engine import EngineError, list_bundles, load_bundle


@dataclass(frozen=True, slots=True)
class BundleRow:
    """One bundle.

    Attributes:
        place: its name, or the path of its folder.
        words: name and version.
        licence, attribution, trained_on, notes: from its manifest.
        problem: why it cannot be used; None if it can.
        encoders: kinds of prompts it takes: text, audio, scene.
        has_mask_decoder: True means that isolate and remove are answered by it, once for each prompt.
        experts: names of its experts.
    """

    place: str
    words: str
    licence: str = ""
    attribution: tuple[str, ...] = ()
    trained_on: tuple[str, ...] = ()
    notes: str = ""
    problem: Message | None = None
    encoders: frozenset[str] = frozenset()
    has_mask_decoder: bool = False
    experts: tuple[str, ...] = ()


class BundleLibrary(QObject):
    """Finds bundles, adds them, compares them with their hashes.

    Args:
        settings: which folders were added, and which bundle is chosen.
        parent: owns it.

    Signals:
        changed: the list of bundles changed.
        verified: place of a bundle, and a ``Message``: what came out.
    """

    changed = Signal()
    verified = Signal(str, object)

    def __init__(self, settings: AppSettings, background: Background, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._settings, self._background = settings, background
        self.rows: tuple[BundleRow, ...] = ()
        self.refresh()

    def refresh(self) -> None:
        """Read all manifests; they are small."""
        places = [(name, str(folder)) for name, folder in list_bundles().items()]
        places += [(folder, folder) for folder in self._settings.get("bundle_folders")]
        chosen = str(self._settings.get("bundle"))
        if chosen not in [name for name, _ in places]:
            places.append((chosen, chosen))
        self.rows = tuple(_row(name, Path(folder)) for name, folder in dict(places).items())
        self.changed.emit()

    def choices(self) -> dict[str, str]:
        """Name and version -> place, of every bundle that can be used."""
        return {row.words: row.place for row in self.rows if not row.problem}

    def row(self, place: str) -> BundleRow:
        """The bundle at a place; one without encoders where there is none."""
        return next((row for row in self.rows if row.place == place), BundleRow(place, place))

    def add_folder(self, folder: Path) -> None:
        """Add the bundle in a folder.

        Raises:
            EngineError: there is no bundle in it, or it cannot be used.
        """
        load_bundle(folder, check_hashes=False)
        folders = list(self._settings.get("bundle_folders"))
        if str(folder) not in folders:
            self._settings.set("bundle_folders", [*folders, str(folder)])
        self.refresh()

    def verify(self, place: str) -> None:
        """Compare every file of a bundle with its hash; ``verified`` follows."""
        folder = list_bundles().get(place, Path(place))
        self._background.run(
            lambda: load_bundle(folder),
            lambda bundle: self.verified.emit(
                place, Message("{bundle}: every file matches its hash", bundle=bundle.label)
            ),
            lambda error: self.verified.emit(place, Message.of(error)),
        )


def _row(name: str, folder: Path) -> BundleRow:
    try:
        bundle = load_bundle(folder, check_hashes=False)
    except EngineError as error:
        return BundleRow(name, name, problem=Message.of(error))
    manifest = bundle.manifest
    return BundleRow(
        name,
        bundle.label,
        manifest.licence,
        tuple(manifest.attribution),
        tuple(manifest.trained_on),
        manifest.notes,
        encoders=frozenset(manifest.encoders),
        has_mask_decoder=manifest.decoder is not None or bundle.separator is not None,
        experts=tuple(expert.name for expert in manifest.experts),
    )
