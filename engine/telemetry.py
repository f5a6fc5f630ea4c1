"""Nothing phones home: ONNX Runtime's telemetry is off before ONNX Runtime is imported.

Since 1.29 it makes an identifier of the machine on Linux and macOS too, keeps a database of events in the user's cache
folder, and sends them to Microsoft. The variable is read when its library is loaded, so it is set when ``engine`` or
``export`` is imported; child processes inherit it. Source: ONNX Runtime, docs/Privacy.md.
"""

from __future__ import annotations

import os

VARIABLE = "ORT_DISABLE_TELEMETRY"


def turn_off_telemetry() -> None:
    """Switch it off for this process and its children, whatever the variable said before."""
    os.environ[VARIABLE] = "1"
