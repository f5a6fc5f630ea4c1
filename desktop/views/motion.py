"""Movement: what opens over the window appears within a moment, where the system shows such things at all."""

from __future__ import annotations

from PySide6.QtCore import QAbstractAnimation, QEasingCurve, QPropertyAnimation, Qt
from PySide6.QtWidgets import QApplication, QGraphicsOpacityEffect, QWidget

FADE_MS = 120


def fade_in(widget: QWidget) -> QPropertyAnimation | None:
    """Let a widget that was just shown appear; at once where the system wants no movement.

    Returns:
        The movement, None where there is none.
    """
    if not QApplication.isEffectEnabled(Qt.UIEffect.UI_FadeMenu) or not widget.isVisible():
        return None
    effect = QGraphicsOpacityEffect(widget)
    widget.setGraphicsEffect(effect)
    fade = QPropertyAnimation(effect, b"opacity", widget)
    fade.setDuration(FADE_MS)
    fade.setStartValue(0.0)
    fade.setEndValue(1.0)
    fade.setEasingCurve(QEasingCurve.Type.OutCubic)
    fade.finished.connect(lambda: widget.setGraphicsEffect(None))  # type: ignore[arg-type]
    fade.start(QAbstractAnimation.DeletionPolicy.DeleteWhenStopped)
    return fade
