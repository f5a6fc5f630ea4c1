"""What users do with markers; every change can be undone."""

from __future__ import annotations

from dataclasses import replace

from desktop.message import Message
from desktop.models.document import Document
from desktop.models.markers import Marker, Markers, moved, next_name, renamed, with_marker, without_marker


class MarkerEdits:
    """Markers of a document."""

    def __init__(self, document: Document) -> None:
        self._document = document

    @property
    def markers(self) -> Markers:
        """In order of time."""
        return self._document.project.markers

    def add(self, sample: int, name: str = "") -> None:
        """Put a marker at a sample; one that is there already stays alone."""
        sample = min(max(sample, 0), self._document.project.length)
        if all(marker.at != sample for marker in self.markers):
            self._apply(
                Message("add a marker"),
                with_marker(self.markers, Marker(at=sample, name=name or next_name(self.markers))),
            )

    def remove(self, marker_id: str) -> None:
        """Take a marker away."""
        self._apply(Message("remove a marker"), without_marker(self.markers, marker_id))

    def move(self, marker_id: str, sample: int) -> None:
        """Move a marker; moves of the same one in a row are one step."""
        sample = min(sample, self._document.project.length)
        self._apply(Message("move a marker"), moved(self.markers, marker_id, sample), f"marker:{marker_id}")

    def rename(self, marker_id: str, name: str) -> None:
        """Give a marker another name."""
        if name.strip():
            self._apply(Message("rename a marker"), renamed(self.markers, marker_id, name.strip()))

    def after(self, sample: int) -> int:
        """The next marker's sample; the end where there is none."""
        return next((marker.at for marker in self.markers if marker.at > sample), self._document.project.length)

    def before(self, sample: int) -> int:
        """The sample of the marker before; the start where there is none."""
        return next((marker.at for marker in reversed(self.markers) if marker.at < sample), 0)

    def _apply(self, words: Message, markers: Markers, merge: str = "") -> None:
        self._document.apply(words, replace(self._document.project, markers=markers), merge)
