"""``python -m desktop [FILE]``: the window."""

from __future__ import annotations

import sys

from desktop.app import run

if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1:]))
