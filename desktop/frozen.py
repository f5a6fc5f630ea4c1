"""Entry of the frozen program: the command line, and the engine's own process when it is started as one."""

from __future__ import annotations

import runpy
import sys


def main() -> int:
    """Do what the arguments say.

    The engine starts its process as ``sys.executable -P -c CODE ROOT``; in a frozen program that is this file.
    """
    if sys.argv[1:3] == ["-P", "-c"]:
        code = sys.argv[3]
        sys.argv = ["-c", *sys.argv[4:]]
        exec(compile(code, "<engine process>", "exec"), {"__name__": "__main__"})
        return 0
    runpy.run_module("engine", run_name="__main__")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
