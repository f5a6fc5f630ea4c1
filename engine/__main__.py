"""``python -m engine`` is the same program as ``fluxstem``."""

import sys

from engine.cli.parser import main

if __name__ == "__main__":
    sys.exit(main())
