"""What is drawn, in figures: pixels, contrasts, and where the accent is."""

import colorsys
import os

import numpy as np
from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from desktop.views.theme import palette_for

NEAR_HUE, LEAST_SATURATION, LEAST_VALUE = 0.035, 0.45, 0.3  # what counts as the accent, of 1


def settle():
    for _ in range(4):
        QApplication.processEvents()


def pixels(widget):
    """A widget as it is drawn, 0 to 255; (height, width, 3). With LOOK_PICTURES=FOLDER it is kept there as well."""
    drawn = widget.grab()
    if folder := os.environ.get("LOOK_PICTURES"):
        test = os.environ["PYTEST_CURRENT_TEST"].rpartition("::")[2].partition(" ")[0]
        drawn.save(f"{folder}/{test}-{len(os.listdir(folder)):03}.png")
    image = drawn.toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.array(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())  # of its own
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3)


def luminance(rgb):
    part = np.asarray(rgb, np.float64) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrasts(rgb, ground):
    """Of every pixel to one colour."""
    ours, other = luminance(rgb), luminance(ground)
    return (np.maximum(ours, other) + 0.05) / (np.minimum(ours, other) + 0.05)


def commonest(rgb):
    colours, counts = np.unique(rgb.reshape(-1, 3), axis=0, return_counts=True)
    return colours[counts.argmax()]


def rect_in(widget, top):
    return QRect(widget.mapTo(top, QPoint(0, 0)), widget.size())


def accent_places(top, theme):
    """Pixels of a widget that are in the accent, as (x, y)."""
    accent = colorsys.rgb_to_hsv(*(int(palette_for(theme).accent[place : place + 2], 16) / 255 for place in (1, 3, 5)))
    drawn = pixels(top) / 255
    most, least = drawn.max(axis=2), drawn.min(axis=2)
    saturated = (most - least > LEAST_SATURATION * np.maximum(most, 1e-6)) & (most > LEAST_VALUE)
    rows, columns = np.nonzero(saturated)
    hues = np.array([colorsys.rgb_to_hsv(*drawn[row, column])[0] for row, column in zip(rows, columns, strict=True)])
    near = np.abs(hues - accent[0]) < NEAR_HUE if len(hues) else np.zeros(0, bool)
    return sorted((int(column), int(row)) for row, column in zip(rows[near], columns[near], strict=True))
