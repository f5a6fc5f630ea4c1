"""Whether plug-ins can show their own windows on this machine."""

from __future__ import annotations

import os
import sys

from engine.errors import RequestError
from engine.optional_packages import require_pedalboard


def editor_obstacle() -> RequestError | None:
    """What keeps a plug-in from showing its own window here; None where it can show it."""
    try:
        require_pedalboard()
    except RequestError as error:
        return error
    if sys.platform == "linux" and not os.environ.get("DISPLAY"):
        return RequestError(
            "a plug-in's own window needs an X11 screen, and the variable DISPLAY names none; start Fluxstem in a "
            "desktop session with X11 or XWayland"
        )
    return None
