"""Views that are made in turns of the event loop, some of them ahead: making one takes longer than showing it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.views.timeline.lane_view import LaneView

SPARE = 6  # views that are made ahead: four stems, what completes the sum, and one more
SPARE_MS = 120  # from one of them to the next
NEXT_MS = 5  # to the next turn, in which those that are left follow; so the window goes on


class ViewPreloader(QObject):
    """Gives views to what is new in the window.

    Args:
        make: makes a view of nothing yet, styled already.
        wanted: False while none need be made ahead.
        parent: owner.

    Signals:
        more_wanted: a turn later, where not all got a view: they are to be asked for again.
    """

    more_wanted = Signal()

    def __init__(self, make: Callable[[], LaneView], wanted: Callable[[], bool], parent: QObject) -> None:
        super().__init__(parent)
        self._make, self._wanted = make, wanted
        self._spare: list[LaneView] = []
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(SPARE_MS)
        self._soon.timeout.connect(self._make_one)

    def __len__(self) -> int:
        """How many are there that show nothing yet."""
        return len(self._spare)

    def refill(self) -> None:
        """Make views ahead, one after the other, while nobody waits for them."""
        self._soon.start()

    def views(self, ids: Sequence[str], known: Mapping[str, LaneView], most: int) -> dict[str, LaneView]:
        """Views by id, in their order: those that are known, and at most so many that are new."""
        found = {}
        for one in ids:
            view = known.get(one)
            if view is None and most > 0:
                view, most = self._take(), most - 1
            if view is not None:
                found[one] = view
        if len(found) < len(ids):
            QTimer.singleShot(NEXT_MS, self, self.more_wanted.emit)
        return found

    def _take(self) -> LaneView:
        """One that was made ahead, or else another."""
        self.refill()
        return self._spare.pop(0) if self._spare else self._make()

    def _make_one(self) -> None:
        if len(self._spare) < SPARE and self._wanted():
            self._spare.append(self._make())
            self.refill()
