"""What the wording of a prompt changes: the task it is done by, and the language it is heard in.

"Everything except the drums" and "no vocals" want something taken out; "Geige" is a violin; of "drums, no cymbals" only
the drums are made. The wordings come with the bundle, which was trained on the same table; without them every prompt is
taken as it is. Knows nothing of audio.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from engine.bundle.bundle import Bundle
from engine.errors import BundleError, RequestError
from engine.request import Request
from engine.text.grammar import ENGLISH, LONGEST_WORDING, Asks, Wish

ROUTED = ("isolate", "remove")  # the two answers to one question; wordings send a request from one to the other

SHOWN_CHARACTERS = 80  # of a prompt, in a complaint about it

_ALL_BUT = re.compile(r"\b(every\w+|anything|all|alles|todo|tout|rest)\b|以外|すべて", re.IGNORECASE)
_ALL_EXCEPT = re.compile(r"\b(?:every\w+|all)\s+(?:but|except)\b", re.IGNORECASE)
_ALL_OTHERS = re.compile(rf"{_ALL_BUT.pattern}|\bmix\b|\b(?:igai|others)\b", re.IGNORECASE)


def load_asks(bundle: Bundle) -> Asks | None:
    """The wordings of a bundle; None when it has none.

    Raises:
        BundleError: they cannot be read.
    """
    named = bundle.manifest.asks
    return None if named is None else _read(bundle.path(named.file), bundle.sha256)


def routed(request: Request, asks: Asks | None) -> Request:
    """The request that the wordings of its prompts ask for.

    What is left of a prompt may be such a wording again, so a request is sent on until nothing changes.
    Only isolate and remove are sent from one to the other: ``isolate "no vocals"`` and ``isolate "everything except the
    vocals"`` remove the vocals, ``remove "everything except the vocals"`` isolates them. What a prompt expressly does
    not mean is said of the rest, where nothing else was said of it. The other tasks make sound: what a prompt of theirs
    does not mean is left out of it.

    Raises:
        RequestError: one prompt wants something out, another wants something alone; a prompt of a task that makes sound
            says only what is not wanted; replace is told only what is to stay.
    """
    if asks is None:
        return request
    if request.task not in ROUTED:
        return _as_meant(request, asks)
    if not request.prompts:
        return request
    further = _sent_on(request, asks)
    return request if further == request else routed(further, asks)


def _sent_on(request: Request, asks: Asks) -> Request:
    wishes = [_understood(asks, prompt) for prompt in request.prompts]
    tasks = {_task(request.task, wish, prompt) for wish, prompt in zip(wishes, request.prompts, strict=True)}
    if len(tasks) > 1:
        raise RequestError(
            "one prompt asks for something alone and another for something to be left out; ask for them in two calls"
        )
    [task] = tasks
    unwanted = {wish.unwanted for wish in wishes if wish.unwanted}
    as_worded = task == "isolate" == request.task  # wordings of isolate are what the bundle was trained on
    return replace(
        request,
        task=task,
        prompts=tuple(
            prompt if (as_worded and not wish.unwanted) or not wish.phrase else wish.phrase
            for prompt, wish in zip(request.prompts, wishes, strict=True)
        ),
        rest_prompt=request.rest_prompt or (unwanted.pop() if len(unwanted) == 1 else ""),
    )


def _as_meant(request: Request, asks: Asks) -> Request:
    """The request without what its words say that they do not mean."""
    read = _taken_out if request.task == "replace" else _wanted
    others = (request.mix_prompt, request.rest_prompt, request.replacement)
    mix_prompt, rest_prompt, replacement = (words and _wanted(request.task, words, asks) for words in others)
    return replace(
        request,
        prompts=tuple(read(request.task, prompt, asks) for prompt in request.prompts),
        mix_prompt=mix_prompt,
        rest_prompt=rest_prompt,
        replacement=replacement,
    )


def _wanted(task: str, prompt: str, asks: Asks) -> str:
    meant = asks.meant(prompt)
    if not any(map(str.isalnum, meant)):
        raise RequestError(
            f"{task} makes what it is told to, and {_shortened(prompt)!r} says only what is not wanted; "
            "say what is wanted, for example violin"
        )
    return prompt if len(prompt) > LONGEST_WORDING else meant  # of stories the text encoder leaves the same out


def _taken_out(task: str, prompt: str, asks: Asks) -> str:
    """What a prompt of replace wants out of the mix: of "no drums" and "take the drums out" it is the drums."""
    meant, wish = asks.meant(prompt), _understood(asks, prompt)
    frame = prompt.replace(wish.phrase, " ")
    if any(map(str.isalnum, meant)) and not _ALL_EXCEPT.search(frame):
        return prompt if len(prompt) > LONGEST_WORDING else meant
    if wish.task == "remove" and not _ALL_OTHERS.search(frame):
        return _taken_out(task, wish.phrase, asks)
    raise RequestError(
        f"{task} takes a named sound out of the mix, and {_shortened(prompt)!r} names only what is to stay; "
        "name what to take out, for example violin"
    )


def _shortened(prompt: str) -> str:
    return prompt if len(prompt) <= SHOWN_CHARACTERS else prompt[: SHOWN_CHARACTERS - 3] + "..."


def in_english(asks: Asks, prompt: str) -> str:
    """A prompt in the language the bundle's tower knows best; English ones stay as they are.

    Stories stay too, but for the names they say they do not mean.
    """
    if len(prompt) > LONGEST_WORDING:
        return asks.meant(prompt) or prompt
    wish = asks.understand(prompt)
    english = asks.english(wish.phrase, wish.language)
    return prompt if wish.language == ENGLISH and english == wish.phrase else english


def _understood(asks: Asks, prompt: str) -> Wish:
    return asks.understand(prompt) if len(prompt) <= LONGEST_WORDING else Wish("isolate", prompt)


def _task(asked: str, wish: Wish, prompt: str) -> str:
    """Isolate or remove; a wording of another task changes nothing."""
    if wish.task not in ROUTED:
        return asked
    if asked == "isolate":
        return wish.task
    frame = prompt.replace(wish.phrase, " ")
    return "isolate" if wish.task == "remove" and _ALL_BUT.search(frame) else "remove"


@lru_cache(maxsize=4)
def _read(path: Path, bundle_sha256: str) -> Asks:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise BundleError(f"{path} cannot be read ({error.strerror}); get the bundle again") from error
    return Asks.read(raw, str(path))
