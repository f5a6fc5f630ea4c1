"""Which words of a command line are files and which are prompts."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence

from engine.batch.find import AUDIO_ENDINGS, is_glob
from engine.errors import AudioError


def told_apart(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Paths and prompts, each in order: what exists is a path, what does not is a prompt.

    Args:
        words: as typed; a word with ``*``, ``?`` or ``[`` is a glob where it has a slash or an audio ending, or where
            something has such a name.

    Raises:
        AudioError: a word looks like a path, by a slash or an audio ending, and nothing is there.
    """
    paths, prompts = [], []
    for word in words:
        if word and (_exists(word) or (is_glob(word) and (_looks_like_path(word) or glob.glob(word)))):
            paths.append(word)
        elif _looks_like_path(word):
            raise AudioError(
                "there is no file {path}; check the path (a prompt has no slash and no audio ending)", path=word
            )
        else:
            prompts.append(prompt_text(word))
    return paths, prompts


def prompt_text(word: str) -> str:
    """The prompt, also where Python took the bytes of a UTF-8 terminal for another encoding's."""
    try:
        return os.fsencode(word).decode("utf-8")
    except UnicodeError:
        return word


def _exists(word: str) -> bool:
    try:
        return os.path.exists(word)
    except ValueError:  # a zero byte, which only a prompt may hold
        return False


def _looks_like_path(word: str) -> bool:
    separators = {"/", os.sep, os.altsep or os.sep}
    return any(one in word for one in separators) or os.path.splitext(word)[1].lower() in AUDIO_ENDINGS
