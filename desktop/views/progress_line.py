"""A bar of progress that is painted with everything else, when the window is."""

from __future__ import annotations

from PySide6.QtWidgets import QProgressBar


class ProgressLine(QProgressBar):
    """Qt's own bar paints at once when its value changes, and with it all that waits to be painted in the window."""

    def setValue(self, value: int) -> None:  # noqa: N802
        """Show a value as soon as the window is painted anyway."""
        self.setUpdatesEnabled(False)
        super().setValue(value)
        self.setUpdatesEnabled(True)
