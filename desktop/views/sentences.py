"""Messages of models, audio and engine in the user's language, found by their templates."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable

from desktop.message import Message
from desktop.models.examples import KINDS
from desktop.models.project import ELSE_NAME
from desktop.models.request_builder import MADE, MADE_SEPARATOR
from desktop.views.text import tr
from engine import DEVICE_NOTES, TASKS, VOICE_NOTES, EngineError

TASK_WORDS = {  # what the window calls the engine's tasks
    "isolate": "Isolate",
    "remove": "Remove",
    "inpaint": "Fill the gap",
    "extend": "Continue",
    "regenerate": "New part",
    "restyle": "Change sound",
    "replace": "Swap",
    "generate": "From nothing",
    "arrange": "Band",
    "chain": "Effects",
}

NAMES_FIRST = ("{file}", "{path}", "{name}", "{folder}", "{example}")  # they are spelled as on the disk


def said(message: Message | EngineError) -> str:
    """A message in the user's language; a template without a translation stays English.

    Names, numbers and paths are filled in letter by letter. Values in ``OWN_WORDS`` are translated too: tasks, options,
    and the few reasons that the system gives again and again.
    """
    template = tr(message.template)
    if not message.values:
        return template
    return template.format(**{name: _value(name, value) for name, value in message.values.items()})


def sentence(message: Message | EngineError) -> str:
    """The same with a capital letter and a full stop."""
    text = " ".join(said(message).split())
    first = text[:1] if message.template.startswith(NAMES_FIRST) and message.values else text[:1].upper()
    return first + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def title_words(title: str) -> str:
    """A job's title, see ``title_of``, with its task and what it makes in the user's language."""
    task, _, words = title.partition(" ")
    if task.lower() not in TASKS:
        return title
    prompt, _, made = words.rpartition(MADE_SEPARATOR)
    words = f"{prompt}{MADE_SEPARATOR}{tr(made)}" if made in MADE.values() else words
    return f"{task_name(task.lower())}: {words}" if words.strip() else task_name(task.lower())


def task_name(task: str) -> str:
    """What the window calls a task, in the user's language."""
    return tr(TASK_WORDS.get(task, task.capitalize()))


def _task_words(task: str) -> str:
    words = task_name(task) if task in TASKS else task
    if words.lower() == task:
        return task
    return tr("“{words}”").replace("{words}", words) if " " in words else words


def _kind_words(plural: str) -> str:
    return tr(plural) if plural in [kind.plural for kind in KINDS.values()] else plural


def _able_words(tasks: str) -> str:
    return f" {tr('or')} ".join(_task_words(task) for task in tasks.split(" or "))


def _lane_words(names: str) -> str:
    return ", ".join(tr(name) if name == ELSE_NAME else name for name in names.split(", "))


@functools.cache
def _note_patterns() -> dict[str, re.Pattern[str]]:
    """What a sentence made from each template of notes about devices and voices looks like."""
    values = re.compile(r"\\{(\w+)\\}")
    return {
        one: re.compile(values.sub(r"(?P<\1>.+)", re.escape(one)), re.DOTALL) for one in (*DEVICE_NOTES, *VOICE_NOTES)
    }


def note_words(note: str) -> str:
    """A note of a result, which comes as an English sentence, in the user's language; else as it came."""
    for template, pattern in _note_patterns().items():
        if (match := pattern.fullmatch(note)) is not None:
            values = {name: note_words(text) if name == "reason" else text for name, text in match.groupdict().items()}
            return tr(template).format(**values)
    return tr(note)


def _notes_words(notes: str) -> str:
    return "; ".join(map(note_words, notes.splitlines()))


OWN_WORDS: dict[str, Callable[[str], str]] = {
    "notes": _notes_words,
    "title": title_words,
    "task": _task_words,
    "able": _able_words,
    "kinds": _kind_words,
    **dict.fromkeys(("lane", "lanes", "target"), _lane_words),
    **dict.fromkeys(("option", "slot", "what", "reason", "why", "error"), tr),
}


def _value(name: str, value: object) -> object:
    if isinstance(value, (Message, EngineError)):
        return said(value)
    return OWN_WORDS[name](value) if name in OWN_WORDS and isinstance(value, str) else value
