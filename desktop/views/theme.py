"""Colours, type and spacing of the window: two palettes and one sheet made from them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from string import Template

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontDatabase,
    QGuiApplication,
    QIcon,
    QPainter,
    QPalette,
    QPixmap,
    QPixmapCache,
)
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QWidget


@dataclass(frozen=True, slots=True)
class Palette:
    """One theme.

    Attributes:
        name: ``dark`` or ``light``.
        base, panel, raised, field: surfaces from the back to the front.
        line: between surfaces.
        text, quiet, faint: what is read, what explains, what may be overlooked.
        accent, on_accent: the one colour for what is to be done.
        edge: of controls; every surface beside it is told from it at 3 : 1.
        lit, on_lit: ground and sign of a switch that is on; blue is for what is to be done.
        solo, on_solo: of the solo switch and its lamp.
        wave, cursor, danger, good, warn: drawing, and words that say how it went.
        lanes: one accent per lane; the last is neutral, for what completes the sum.
    """

    name: str
    base: str
    panel: str
    raised: str
    field: str
    line: str
    text: str
    quiet: str
    faint: str
    accent: str
    on_accent: str
    edge: str
    lit: str
    on_lit: str
    solo: str
    on_solo: str
    wave: str
    cursor: str
    danger: str
    good: str
    warn: str
    lanes: tuple[str, ...]


_COLOURS = {  # of the dark theme and of the light one
    "base": ("#121418", "#eef0f4"),
    "panel": ("#191c22", "#ffffff"),
    "raised": ("#22262e", "#e9ebef"),
    "field": ("#0d0f12", "#ffffff"),
    "line": ("#2b303a", "#d3d7de"),
    "text": ("#e9ebef", "#16191f"),
    "quiet": ("#a3abb8", "#4d5666"),
    "faint": ("#7d8695", "#697385"),
    "accent": ("#6ea8fe", "#1f5fd0"),
    "on_accent": ("#0b1220", "#ffffff"),
    "wave": ("#8d97a8", "#76808f"),
    "cursor": ("#ffffff", "#111318"),
    "edge": ("#6d7685", "#7b8596"),
    "lit": ("#a9b3c2", "#4d5768"),
    "on_lit": ("#14171c", "#ffffff"),
    "solo": ("#e8c547", "#7a6200"),
    "on_solo": ("#14161a", "#ffffff"),
    "danger": ("#ff7b72", "#b3261e"),
    "good": ("#5ed29c", "#12784a"),
    "warn": ("#e8b04b", "#8a5600"),
}
_LANES = (
    ("#4fc3a1", "#0f8466"),
    ("#f2a65a", "#b35f0a"),
    ("#b48cf2", "#7442c8"),
    ("#ef6f8f", "#c02a55"),
    ("#5cc8e0", "#0b7893"),
    ("#d8c74a", "#857500"),
    ("#8fce5a", "#4a8212"),
    ("#e58ad3", "#a83a92"),
    ("#018b7e", "#114831"),  # hues beside those, darker: for lanes of a family whose first colour is taken
    ("#be6704", "#933700"),
    ("#7a6fd1", "#362490"),
    ("#bb4a67", "#5c2c36"),
    ("#109fcf", "#045475"),
    ("#a59b62", "#60582f"),
    ("#6e8501", "#056404"),
    ("#a6809b", "#731478"),
    ("#a9b1bd", "#6b7484"),  # of what completes the sum
)
DARK, LIGHT = (
    Palette(
        name=name,
        lanes=tuple(pair[column] for pair in _LANES),
        **{role: pair[column] for role, pair in _COLOURS.items()},
    )
    for column, name in enumerate(("dark", "light"))
)


def _rings(*centres: tuple[float, float], radius: float = 2.2) -> str:
    return "".join(f'<circle cx="{x}" cy="{y}" r="{radius}"/>' for x, y in centres)


def _dots(*centres: tuple[float, float]) -> str:
    return f'<g fill="{{c}}" stroke="none">{_rings(*centres, radius=1.6)}</g>'


def _gear(teeth: int = 8, inner: float = 6.6, outer: float = 9.2) -> str:
    """The outline of a gear around (12, 12)."""
    step = 2 * math.pi / teeth
    corners = [
        (radius, (tooth + share) * step)
        for tooth in range(teeth)
        for share, radius in ((-0.3, inner), (-0.17, outer), (0.17, outer), (0.3, inner))
    ]
    points = (f"{12 + r * math.sin(a):.2f} {12 - r * math.cos(a):.2f}" for r, a in corners)
    return f'<path d="M{" L".join(points)}Z"/>'


_STROKES = {
    "play": '<path d="M7 4.5v15l12-7.5z" fill="{c}" stroke="none"/>',
    "pause": '<path d="M7 5h3.5v14H7zM13.5 5H17v14h-3.5z" fill="{c}" stroke="none"/>',
    "start": '<path d="M6 5v14M19 5.5v13L9 12z"/>',
    "loop": '<path d="M4 12a6 6 0 0 1 6-6h8M15 3l3 3-3 3M20 12a6 6 0 0 1-6 6H6M9 21l-3-3 3-3"/>',
    "open": '<path d="M3 7.5V19h18V8.5h-9.5L9.5 6H3z"/>',
    "save": '<path d="M5 4h11l3.500 3.500V20H5zM8.500 4v5h6V4M8 20v-6.500h8V20"/>',
    "export": '<path d="M12 15.5V4M7.5 8.5 12 4l4.5 4.5M4 19.5h16"/>',
    "settings": _gear() + _rings((12, 12), radius=2.8),
    "undo": '<path d="M8 5 4 9l4 4M4 9h10a5.5 5.5 0 0 1 0 11h-4"/>',
    "redo": '<path d="m16 5 4 4-4 4M20 9H10a5.5 5.5 0 0 0 0 11h4"/>',
    "more": _dots((6, 12), (12, 12), (18, 12)),
    "close": '<path d="m6 6 12 12M18 6 6 18"/>',
    "up": '<path d="m6 14.5 6-6 6 6"/>',
    "down": '<path d="m6 9.5 6 6 6-6"/>',
    "right": '<path d="m9.5 6 6 6-6 6"/>',
    "left": '<path d="m14.5 6-6 6 6 6"/>',
    "retry": '<path d="M20 5v5h-5M19 10a7.5 7.5 0 1 0 .6 5"/>',
    "wave": '<path d="M3 12h2l2-6 3 13 3-15 3 12 2-4h3"/>',
    "spectrum": '<path d="M4 20v-5M8 20V9M12 20V4M16 20v-8M20 20v-3"/>',
    "region": '<path d="M6 4v16M18 4v16M6 12h12M9 9l-3 3 3 3M15 9l3 3-3 3"/>',
    "rectangle": '<path d="M4 6h16v12H4z" stroke-dasharray="3.4 2.6"/>',
    "brush": '<path d="M20 4 11 13.500M11 13.500c-3-1.500-5.500.5-5.500 3 0 1.500-1 2.500-2.500 2.500 '
    '4.500 2.500 10 1 9.500-4z"/>',
    "stack": '<path d="M4 8.5 12 4.500l8 4-8 4zM4 12.500l8 4 8-4M4 16.500l8 4 8-4"/>',
    "drag": _dots((9, 6), (15, 6), (9, 12), (15, 12), (9, 18), (15, 18)),
    "volume": '<path d="M4 9.5v5h3.5l4.5 4v-13l-4.5 4zM15.5 9a4.5 4.5 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11"/>',
    "queue": '<path d="M4 6h16M4 12h16M4 18h10"/>',
    "warning": '<path d="M12 4 2.500 20h19zM12 10v4.500M12 17v.5"/>',
    "picture": '<path d="M3.5 5h17v14h-17zM4 17l5-5.5 4 4 3-3 4 4.500"/>' + _rings((15.5, 9)),
    "film": '<path d="M3.5 5h17v14h-17zM8 5v14M16 5v14M3.5 9.700H8M3.5 14.300H8M16 9.700h4.500M16 14.300h4.500"/>',
    "plus": '<path d="M12 5v14M5 12h14"/>',
    "daw": '<path d="M3 8h13M12 4l4 4-4 4M21 16H8M12 12l-4 4 4 4"/>',
    "grid": '<path d="M5 4v16M12 4v16M19 4v16M3 9h18M3 15h18"/>',
    "snap": '<path d="M6 4v8a6 6 0 0 0 12 0V4M6 8h4M14 8h4M10 4v8a2 2 0 0 0 4 0V4M6 4h4M14 4h4"/>',
    "click": '<path d="M9 4h6l3.500 16h-13zM7.200 15h9.600M12 15l6-9"/>',
    "follow": '<path d="M8 4v16M12 12h8M16.500 8l4 4-4 4M4 4v16"/>',
    "speed": '<path d="M4 17a8.500 8.500 0 1 1 16 0M12 16l4-6"/>',
    "logo": '<path d="M2.500 13.500c3 0 3-7 6-7s3 11 6 11 3-7.500 7-7.500" stroke-width="2.600"/>',
}


ICON_SIDES = (16, 18, 20)  # pixels; each is drawn for itself, since a picture that is made smaller is blurred
SMALL = 18  # up to this side icons have a stronger line, and fewer details
_SMALL_STROKES = {  # of icons that are a grey smudge when they are drawn so small
    "brush": '<path d="M20.500 3.500 12 12"/><path fill="{c}" stroke="none" '
    'd="M12.800 10.500c-3.500-1.200-6.800 1-6.600 4.300 0 2-1 3.200-3.400 3.400 5 3.400 12.200 1.600 11.400-5z"/>',
    "snap": '<path stroke-width="4.400" stroke-linecap="butt" '
    'd="M7 10v3a5 5 0 0 0 10 0v-3M7 3.500v3.700M17 3.500v3.700"/>',
    "click": '<path d="M9.500 4h5L18 20H6zM12 15.500 19 6"/>',
    "follow": '<path d="M6 4v16M11 12h9M15.500 7.500 20 12l-4.500 4.500"/>',
}


def icon(name: str, colour: str, off_colour: str | None = None, on_colour: str | None = None) -> QIcon:
    """A drawn icon; ``off_colour`` is its colour when disabled, ``on_colour`` while its switch is on."""
    made = QIcon()
    looks = ((colour, QIcon.Mode.Normal, QIcon.State.Off), (off_colour, QIcon.Mode.Disabled, QIcon.State.Off))
    for one, mode, state in (*looks, (on_colour, QIcon.Mode.Normal, QIcon.State.On)):
        for side in ICON_SIDES if one is not None else ():
            made.addPixmap(drawn(name, str(one), side), mode, state)
    return made


def drawn(name: str, colour: str, side: int = 20) -> QPixmap:
    """An icon as a pixmap, sharp at any scale; each is drawn once."""
    ratio = max(QGuiApplication.primaryScreen().devicePixelRatio(), 1.0) if QGuiApplication.primaryScreen() else 1.0
    key, picture = f"fluxstem {name} {colour} {side} {ratio}", QPixmap()
    if QPixmapCache.find(key, picture):
        return picture
    strokes = _SMALL_STROKES.get(name, _STROKES[name]) if side <= SMALL else _STROKES[name]
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="{{c}}" '
        f'stroke-width="{2.1 if side <= SMALL else 1.8}" stroke-linecap="round" stroke-linejoin="round">{strokes}</svg>'
    ).replace("{c}", colour)
    picture = QPixmap(QSize(round(side * ratio), round(side * ratio)))
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    QSvgRenderer(QByteArray(svg.encode())).render(painter, QRectF(picture.rect()))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, picture)
    return picture


def palette_for(choice: str) -> Palette:
    """The palette of a setting: ``dark``, ``light`` or ``system``."""
    if choice == "system":
        scheme = QGuiApplication.styleHints().colorScheme()
        return LIGHT if scheme is Qt.ColorScheme.Light else DARK
    return LIGHT if choice == "light" else DARK


def faded(colour: str, share: float) -> QColor:
    """A colour with an opacity."""
    made = QColor(colour)
    made.setAlphaF(share)
    return made


def blended(back: str, front: str, share: float) -> QColor:
    """A blend of two colours."""
    one, two = QColor(back), QColor(front)
    parts = zip((one.redF(), one.greenF(), one.blueF()), (two.redF(), two.greenF(), two.blueF()), strict=True)
    return QColor.fromRgbF(*(a + (b - a) * share for a, b in parts))


def mark(widget: QWidget, name: str, value: object) -> None:
    """Set a property the style sheet selects by; a widget that has no style yet gets the right one at once."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    if widget.testAttribute(Qt.WidgetAttribute.WA_WState_Polished):
        widget.style().unpolish(widget)
        widget.style().polish(widget)


TYPEFACE = ("inter-regular.otf", "inter-semibold.otf")  # comes with the window, which so looks the same everywhere
FAMILIES = ("Inter Fluxstem", "Segoe UI", "SF Pro Text", "Noto Sans", "DejaVu Sans")  # the others for rare letters


@cache
def _load_typeface() -> None:
    """Give Qt the typeface, once."""
    for name in TYPEFACE:
        QFontDatabase.addApplicationFont(str(resources.files("desktop.resources").joinpath(name)))


def ui_font() -> QFont:
    """The window's typeface."""
    _load_typeface()
    font = QFont()
    font.setFamilies(list(FAMILIES))
    font.setPointSizeF(10.0)
    return font


def number_font(points: float) -> QFont:
    """A font with digits of equal width."""
    font = ui_font()
    font.setPointSizeF(points)
    font.setFeature(QFont.Tag("tnum"), 1)
    return font


def dress(application: QApplication, palette: Palette) -> None:
    """Apply a theme."""
    application.setStyle("Fusion")
    application.setFont(ui_font())
    roles = {
        QPalette.ColorRole.Window: palette.base,
        QPalette.ColorRole.WindowText: palette.text,
        QPalette.ColorRole.Base: palette.field,
        QPalette.ColorRole.AlternateBase: palette.panel,
        QPalette.ColorRole.Text: palette.text,
        QPalette.ColorRole.PlaceholderText: palette.faint,
        QPalette.ColorRole.Button: palette.raised,
        QPalette.ColorRole.ButtonText: palette.text,
        QPalette.ColorRole.Highlight: palette.accent,
        QPalette.ColorRole.HighlightedText: palette.on_accent,
        QPalette.ColorRole.ToolTipBase: palette.raised,
        QPalette.ColorRole.ToolTipText: palette.text,
    }
    made = QPalette()
    for role, colour in roles.items():
        made.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText, QPalette.ColorRole.WindowText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(palette.faint))
    application.setPalette(made)
    application.setStyleSheet(sheet(palette))


def sheet(p: Palette) -> str:
    """The style sheet of a palette."""
    folder = resources.files("desktop.resources")
    pictures = {
        name: str(folder.joinpath(f"{name.replace('_', '-')}-{p.name}.svg")).replace("\\", "/")
        for name in ("chevron", "chevron_up", "check")
    }
    text = folder.joinpath("window.qss").read_text(encoding="utf-8")
    colours = {name: getattr(p, name) for name in Palette.__dataclass_fields__ if name != "lanes"}
    return Template(text).substitute(colours | pictures)
