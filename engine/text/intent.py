"""What a prompt asks for: the task it is done by, what is wanted, what is not, and the English of it.

"Everything except the drums" and "no vocals" want something taken out; "Geige" is a violin; of "drums, no cymbals" only
the drums are made. The wordings come with the bundle, which was trained on the same table; without them every prompt is
taken as it is. Each text of a request is understood once, here; what came of it travels with the request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from engine.bundle.bundle import Bundle
from engine.errors import BundleError, RequestError
from engine.request import Request
from engine.text.grammar import ENGLISH, LONGEST_WORDING, Grammar, ParsedPrompt

ROUTED = ("isolate", "remove")  # the two answers to one question; wordings send a request from one to the other

SHOWN_CHARACTERS = 80  # of a prompt, in a complaint about it

_ALL_BUT = re.compile(r"\b(every\w+|anything|all|alles|todo|tout|rest)\b|以外|すべて", re.IGNORECASE)
_ALL_EXCEPT = re.compile(r"\b(?:every\w+|all)\s+(?:but|except)\b", re.IGNORECASE)
_ALL_OTHERS = re.compile(rf"{_ALL_BUT.pattern}|\bmix\b|\b(?:igai|others)\b", re.IGNORECASE)


def load_grammar(bundle: Bundle) -> Grammar | None:
    """The wordings of a bundle; None when it has none.

    Raises:
        BundleError: they cannot be read.
    """
    named = bundle.manifest.asks
    return None if named is None else _read(bundle.path(named.file), bundle.sha256)


@dataclass(frozen=True, slots=True)
class Intent:
    """What a text was understood as.

    Attributes:
        task: row of the task table it is done by; "" for words that go with a prompt.
        target: what is wanted, as written.
        excluded: what it expressly does not mean, as written; "" for nothing.
        language: two letters, of its wording.
        english: the target as the text encoder hears it.
        names: English for the names that the target holds and means, in order; a long text lies between them.
    """

    task: str
    target: str
    excluded: str = ""
    language: str = ENGLISH
    english: str = ""
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, target: str, grammar: Grammar | None = None, task: str = "", excluded: str = "") -> Intent:
        """A text that says what is wanted and nothing else."""
        if grammar is None:
            return cls(task, target, excluded, english=target)
        if len(target) > LONGEST_WORDING:
            english, named, language = grammar.without_negated(target) or target, target, ENGLISH
        else:
            parsed = grammar.parse(target)
            named, language = parsed.phrase, parsed.language
            english = grammar.english(named, language)
            english = target if language == ENGLISH and english == named else english
        return cls(task, target, excluded, language, english, tuple(grammar.names_in(named)))


def understand(request: Request, grammar: Grammar | None) -> tuple[Request, dict[str, Intent]]:
    """The request that its words ask for, and what each of its texts was understood as.

    Only isolate and remove are sent from one to the other: ``isolate "no vocals"`` and ``isolate "everything except the
    vocals"`` remove the vocals, ``remove "everything except the vocals"`` isolates them. What a prompt expressly does
    not mean is said of the rest, where nothing else was said of it. The other tasks make sound: what a prompt of theirs
    does not mean is left out of it.

    Returns:
        The request with the targets in the place of its texts; target -> intent.

    Raises:
        RequestError: one prompt wants something out, another wants something alone; a prompt of a task that makes sound
            says only what is not wanted; replace is told only what is to stay.
    """
    if grammar is not None:
        request = (_separated if request.task in ROUTED else _as_meant)(request, grammar)
    words = (*request.prompts, request.mix_prompt, request.rest_prompt, request.replacement)
    return request, {text: Intent.of(text, grammar, request.task) for text in words if text}


def _separated(request: Request, grammar: Grammar) -> Request:
    found = [_routed(request.task, prompt, grammar) for prompt in request.prompts]
    tasks = {task for task, _, _ in found}
    if len(tasks) > 1:
        raise RequestError(
            "one prompt asks for something alone and another for something to be left out; ask for them in two calls"
        )
    unwanted = {excluded for _, _, excluded in found if excluded}
    return replace(
        request,
        task=tasks.pop() if tasks else request.task,
        prompts=tuple(target for _, target, _ in found),
        rest_prompt=request.rest_prompt or (unwanted.pop() if len(unwanted) == 1 else ""),
    )


def _routed(task: str, prompt: str, grammar: Grammar) -> tuple[str, str, str]:
    """Task, target and what is excluded; of "everything except no drums" each wording is taken off in turn."""
    excluded = ""
    while True:
        parsed = _understood(grammar, prompt)
        further = _task(task, parsed, prompt)
        excluded = excluded or parsed.unwanted
        as_worded = further == "isolate" == task  # wordings of isolate are what the bundle was trained on
        target = prompt if (as_worded and not parsed.unwanted) or not parsed.phrase else parsed.phrase
        if (further, target) == (task, prompt):
            return task, target, excluded
        task, prompt = further, target


def _as_meant(request: Request, grammar: Grammar) -> Request:
    """The request without what its words say that they do not mean."""
    read = _taken_out if request.task == "replace" else _wanted
    others = (request.mix_prompt, request.rest_prompt, request.replacement)
    mix_prompt, rest_prompt, replacement = (words and _wanted(request.task, words, grammar) for words in others)
    return replace(
        request,
        prompts=tuple(read(request.task, prompt, grammar) for prompt in request.prompts),
        mix_prompt=mix_prompt,
        rest_prompt=rest_prompt,
        replacement=replacement,
    )


def _wanted(task: str, prompt: str, grammar: Grammar) -> str:
    meant = grammar.without_negated(prompt)
    if not any(map(str.isalnum, meant)):
        raise RequestError(
            "{task} makes what it is told to, and {prompt!r} says only what is not wanted; "
            "say what is wanted, for example violin", task=task, prompt=_shortened(prompt),
        )  # fmt: skip
    return prompt if len(prompt) > LONGEST_WORDING else meant  # of stories the text encoder leaves the same out


def _taken_out(task: str, prompt: str, grammar: Grammar) -> str:
    """What a prompt of replace wants out of the mix: of "no drums" and "take the drums out" it is the drums."""
    meant, parsed = grammar.without_negated(prompt), _understood(grammar, prompt)
    frame = prompt.replace(parsed.phrase, " ")
    if any(map(str.isalnum, meant)) and not _ALL_EXCEPT.search(frame):
        return prompt if len(prompt) > LONGEST_WORDING else meant
    if parsed.task == "remove" and not _ALL_OTHERS.search(frame):
        return _taken_out(task, parsed.phrase, grammar)
    raise RequestError(
        "{task} takes a named sound out of the mix, and {prompt!r} names only what is to stay; "
        "name what to take out, for example violin", task=task, prompt=_shortened(prompt),
    )  # fmt: skip


def _shortened(prompt: str) -> str:
    return prompt if len(prompt) <= SHOWN_CHARACTERS else prompt[: SHOWN_CHARACTERS - 3] + "..."


def _understood(grammar: Grammar, prompt: str) -> ParsedPrompt:
    return grammar.parse(prompt) if len(prompt) <= LONGEST_WORDING else ParsedPrompt("isolate", prompt)


def _task(asked: str, parsed: ParsedPrompt, prompt: str) -> str:
    """Isolate or remove; a wording of another task changes nothing."""
    if parsed.task not in ROUTED:
        return asked
    if asked == "isolate":
        return parsed.task
    frame = prompt.replace(parsed.phrase, " ")
    return "isolate" if parsed.task == "remove" and _ALL_BUT.search(frame) else "remove"


@lru_cache(maxsize=4)
def _read(path: Path, bundle_sha256: str) -> Grammar:
    try:
        raw = path.read_bytes()
    except OSError as error:
        why = error.strerror
        raise BundleError("{path} cannot be read ({why}); get the bundle again", path=path, why=why) from error
    return Grammar.read(raw, str(path))
