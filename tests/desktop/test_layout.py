"""Nothing is cut off or lies over something else: five sizes of the window, two languages."""

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLabel, QPushButton, QScrollArea

from desktop.app import translate
from desktop.views.dialogs.export_dialog import LEAST_WIDTH, ExportDialog
from desktop.views.dialogs.settings_dialog import SettingsDialog
from desktop.views.main_window import MainWindow
from desktop.views.timeline.lane_name import LaneName
from desktop.views.timeline.mix_header import MixHeader
from engine import TASKS

SIZES = [(1600, 1000), (1280, 720), (1100, 700), (900, 560), (800, 500)]  # the last is 200 % on 1600 x 1000
LANGUAGES = ["en", "de"]


@pytest.fixture(params=LANGUAGES)
def speaking(request, qapp):
    translate(qapp, request.param)
    yield request.param
    translate(qapp, "en")


def settle():
    for _ in range(4):
        QApplication.processEvents()


def within_scrolling(widget):
    """True where a scroll area brings into sight what has no room."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea):
            return True
        parent = parent.parentWidget()
    return False


def problems(top):
    """Widgets that are smaller than their words, stick out of the window or of their parent."""
    found = []
    for widget in every(top):
        if not widget.isVisibleTo(top) or not widget.isVisible():
            continue
        name = getattr(widget, "text", lambda: "")() or widget.accessibleName() or widget.objectName()
        corner = widget.mapTo(top, QPoint(0, 0))
        if not within_scrolling(widget) and not top.rect().contains(QRect(corner, widget.size())):
            found.append(f"{type(widget).__name__} {name!r} sticks out: {QRect(corner, widget.size()).getRect()}")
        wanted = needed(widget)
        if wanted > widget.width() + 1:
            found.append(f"{type(widget).__name__} {name!r} is {widget.width()} wide and needs {wanted}")
        high = needed_height(widget)
        if high > widget.height() + 1:
            found.append(f"{type(widget).__name__} {name!r} is {widget.height()} high and needs {high}")
        if (whole := elided(widget)) is not None:
            found.append(f"{type(widget).__name__} {whole!r} is shown as {widget.text()!r}")
    return found


def needed_height(widget):
    """Pixels that the lines of a widget take."""
    if isinstance(widget, QLabel) and widget.text():
        return widget.heightForWidth(widget.width()) if widget.wordWrap() else widget.fontMetrics().height()
    if isinstance(widget, QAbstractButton) and shows_words(widget):
        return widget.fontMetrics().height()
    return 0


def elided(widget):
    """The words of a label that were shortened, though they are the window's own and none that a user typed."""
    whole = getattr(widget, "whole", "")
    is_own = bool(whole) and not isinstance(widget.parentWidget(), LaneName | MixHeader)
    return whole if is_own and widget.text() != whole else None


def every(top):
    return [
        widget
        for kind in (QAbstractButton, QLabel, QComboBox)
        for widget in top.findChildren(kind)
        if widget.metaObject().className() != "QTabBar"
    ]


def needed(widget):
    """Pixels that the words of a widget take."""
    metrics = widget.fontMetrics()
    if isinstance(widget, QLabel):
        words = "" if widget.wordWrap() or widget.pixmap() else widget.text()
        return max((metrics.horizontalAdvance(line) for line in words.splitlines()), default=0)
    if isinstance(widget, QPushButton):
        return widget.sizeHint().width() if shows_words(widget) and not fixed_width(widget) else 0
    if isinstance(widget, QAbstractButton):
        return metrics.horizontalAdvance(widget.text()) if shows_words(widget) else 0
    return 0


def fixed_width(widget):
    """True for buttons that are made as wide as their words in another way."""
    return widget.minimumWidth() == widget.maximumWidth()


def shows_words(button):
    return bool(button.text()) and (
        not hasattr(button, "toolButtonStyle") or button.toolButtonStyle().name != "ToolButtonIconOnly"
    )


def overlaps(widgets):
    shown = [widget for widget in widgets if widget.isVisible()]
    rects = [(widget, QRect(widget.mapToGlobal(QPoint(0, 0)), widget.size())) for widget in shown]
    return [
        (one.accessibleName() or one.objectName(), other.accessibleName() or other.objectName())
        for place, (one, a) in enumerate(rects)
        for other, b in rects[place + 1 :]
        if a.intersects(b)
    ]


def test_no_widget_of_the_empty_window_is_cut_off(window, qtbot, speaking, make_wav):
    window.workspace.settings.set("recent", [str(make_wav(f"song {number}.wav")) for number in range(4)])
    window.state.show()
    for size in SIZES:
        window.resize(*size)
        settle()
        assert problems(window) == [], size
        shown = [window.hint, window.prompt, window.stage, window.status, window.top]
        assert overlaps([widget for widget in shown if widget.isVisible()]) == [], size
        assert window.height() == size[1]


def test_no_widget_of_the_window_is_cut_off(workspace, qtbot, make_wav, speaking, monkeypatch):
    monkeypatch.setattr("desktop.views.questions.choose", lambda *args: "discard")
    window = MainWindow(workspace)
    qtbot.addWidget(window)
    window.show()
    window.hint.hide()
    with qtbot.waitSignal(workspace.opened, timeout=120_000):
        window.open_path(make_wav("a song with a long name.wav"))
    workspace.add_file(make_wav("backing vocals and strings.wav"))
    qtbot.waitUntil(lambda: bool(workspace.document.project.lanes), timeout=120_000)
    workspace.document.select((4000, 9000))
    window.prompt.text.setText("drums, bass guitar, vocals")
    found = {}
    for size in SIZES:
        window.resize(*size)
        for task in TASKS:
            window.prompt.set_task(task)
            settle()
            bad = problems(window)
            bad += overlaps(window.top.findChildren(QAbstractButton))
            bad += overlaps([window.prompt.task, window.prompt.text, window.prompt.replacement, window.prompt.strength,
                             window.prompt.go])  # fmt: skip
            if window.width() > size[0] or window.height() > size[1]:
                bad.append(f"the window is {window.width()} x {window.height()}")
            if bad:
                found[(size, task)] = bad
    workspace.document.undo.setClean()
    window.close()
    assert {where: bad[:4] for where, bad in found.items()} == {}, "\n".join(
        f"{where}: {bad[:6]}" for where, bad in found.items() if where[1] in ("isolate", "replace")
    )


def test_every_choice_of_the_advanced_options_is_whole_or_ends_in_an_ellipsis(loaded, speaking):
    loaded.resize(1280, 720)
    for task in TASKS:
        loaded.prompt.set_task(task)
        loaded.prompt.fold.setChecked(True)
        settle()
        assert problems(loaded.prompt.popover) == [], task
        loaded.prompt.fold.setChecked(False)


@pytest.mark.parametrize("tab", range(5))
def test_no_widget_of_the_settings_is_cut_off(loaded, qtbot, speaking, tab):
    dialog = SettingsDialog(loaded.workspace, loaded, tab)
    qtbot.addWidget(dialog)
    dialog.show()
    for size in ((dialog.width(), dialog.height()), (720, 460)):  # the second is on a screen at 200 %
        dialog.resize(*size)
        settle()
        assert problems(dialog) == []
        assert (dialog.width(), dialog.height()) == size


def test_no_widget_of_the_export_is_cut_off(loaded, qtbot, speaking, make_wav):
    loaded.workspace.add_file(make_wav("extra.wav"))
    qtbot.waitUntil(lambda: bool(loaded.workspace.document.project.lanes), timeout=120_000)
    dialog = ExportDialog(loaded.workspace, loaded.lane_actions.files, "", loaded)
    qtbot.addWidget(dialog)
    dialog.show()
    for size in ((dialog.width(), dialog.height()), (LEAST_WIDTH, 460)):
        dialog.resize(*size)
        settle()
        assert problems(dialog) == []
        assert (dialog.width(), dialog.height()) == size
