"""Write the ReaPack index of this folder for the place it is read from.

    python index.py > index.xml                              # this folder itself, by file:// addresses
    python index.py https://example.org/reaper > index.xml   # a web server that has this folder there

The index that lies here is for http://127.0.0.1:8000. Version and description are those of the script's own head.
Source: what ReaPack reads of an index (its src/index_v1.cpp), and that it loads http and file addresses alike (its
src/download.cpp).
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from urllib.parse import urlsplit
from xml.sax.saxutils import quoteattr

SCRIPT = "fluxstem.lua"
TIME = "2026-11-29T00:00:00Z"  # of the version
HERE = Path(__file__).parent


def index_of(base: str) -> str:
    """The index.

    Args:
        base: the address that this folder has; http, https or file.

    Raises:
        ValueError: it is none.
    """
    parts = urlsplit(base)
    is_whole = parts.netloc if parts.scheme in ("http", "https") else parts.scheme == "file" and parts.path
    if not is_whole or not re.fullmatch(r"[\w.~:/@%+-]+", base, re.ASCII):  # as ReaPack wants addresses, at most
        raise ValueError(f"{base!r} is no address; give one as https://example.org/reaper")
    head = dict(re.findall(r"^-- @(\w+) (.+)$", (HERE / SCRIPT).read_text(encoding="utf-8"), re.M))
    words = quoteattr(head["description"])
    return f"""<?xml version="1.0" encoding="utf-8"?>
<index version="1" name="Fluxstem">
  <category name="Items Editing">
    <reapack name="{SCRIPT}" type="script" desc={words}>
      <version name="{head["version"]}" author="{head["author"]}" time="{TIME}">
        <source main="main">{base.rstrip("/")}/{SCRIPT}</source>
      </version>
    </reapack>
  </category>
</index>
"""


if __name__ == "__main__":
    if len(sys.argv) > 2:
        sys.exit(f"give one address, or none: python {Path(__file__).name} [https://example.org/reaper]")
    try:
        sys.stdout.write(index_of(sys.argv[1] if len(sys.argv) > 1 else HERE.resolve().as_uri()))
    except ValueError as error:
        sys.exit(str(error))
