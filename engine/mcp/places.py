"""Which files an assistant may have read and written: those below the folders the user names."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from engine import RequestError


class AllowedPlaces:
    """The folders that tools may touch.

    Args:
        roots: made absolute and resolved here.
        out: where results go when a call names no folder.
    """

    def __init__(self, roots: Sequence[Path], out: Path) -> None:
        self._roots = [Path(os.path.realpath(root)) for root in roots]
        self.out = Path(os.path.realpath(out))

    def path(self, text: str) -> str:
        """The absolute path that a text means, all links followed; relative ones begin at the first folder.

        Raises:
            RequestError: it lies in none of the folders.
        """
        try:
            real = Path(os.path.realpath(self._roots[0] / os.path.expanduser(text)))
        except (OSError, ValueError) as error:  # ValueError: a text that no path can be
            raise RequestError("{path} is not a path; check it", path=ascii(text[:80])) from error
        if not any(real.is_relative_to(root) for root in (*self._roots, self.out)):
            folders = ", ".join(map(str, self._roots))
            raise RequestError(
                "{path} lies outside the folders that may be used ({folders}); add its folder with --root",
                path=text, folders=folders,
            )  # fmt: skip
        return str(real)

    def example(self, text: str) -> str:
        """The same for an example, ``audio:FILE#t=12,20``.

        Raises:
            RequestError: it lies in none of the folders.
        """
        kind, colon, rest = text.partition(":")
        file, mark, part = rest.partition("#t=")
        return f"{kind}{colon}{self.path(file)}{mark}{part}" if colon else self.path(text)
