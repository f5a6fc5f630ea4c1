"""What a prompt asks for: the task it is done by, what is wanted, what is not, and the English of it.

"Everything except the drums" and "no vocals" want something taken out; "Geige" is a violin; of "drums, no cymbals" only
the drums are made. The wordings come with the bundle, which was trained on the same table; without them every prompt is
taken as it is. Each text of a request is understood once, here; what came of it travels with the request.

A prompt in which no word is known, and which is near no name, is refused: nothing good could come of it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from engine.bundle.bundle import Bundle, load_bundle, read_named
from engine.errors import RequestError
from engine.request import Request
from engine.stem_sets import STEM_SETS
from engine.text.contrast import put_plainly, untouched
from engine.text.emoji import spelled_out
from engine.text.grammar import ENGLISH, GRAMMAR_LIMIT_BYTES, LONGEST_WORDING, Grammar, ParsedPrompt
from engine.text.known_words import KnownWords, known_words
from engine.text.mix_requests import MixRequest, MixTarget, mix_request, tidied
from engine.text.negation import only_affirms
from engine.text.normalize import normalize
from engine.text.phrasing import AND, joined, listed, only_wanted, removed_names, spelled_minus, without_manners
from engine.text.shorthand import in_full, separated_as
from engine.text.vocabulary import INSTRUMENTAL, USUAL_STEMS

ROUTED = ("isolate", "remove")  # the two answers to one question; wordings send a request from one to the other

_FEW_CHARACTERS = 64  # of a text that is surely short enough for the text encoder
SHOWN_CHARACTERS = 80  # of a prompt, in a complaint about it

_NOT_KNOWN = (
    "{prompt!r} is not understood, no word of it is known; try {near}, say it in other words, "
    "or add --literal to have it heard as it is spelled"
)
_WHOLE_MIX = "{prompt!r} is the mix itself, all of it; name a sound to take out of it, for example vocals"

_ALL_BUT = re.compile(r"\b(every\w+|anything|all|alles|todo|tout|rest)\b|以外|すべて", re.IGNORECASE)
_ALL_EXCEPT = re.compile(r"\b(?:every\w+|all)\s+(?:but|except)\b", re.IGNORECASE)
_ALL_OTHERS = re.compile(rf"{_ALL_BUT.pattern}|\bmix\b|\b(?:igai|others)\b", re.IGNORECASE)


def load_grammar(bundle: Bundle) -> Grammar | None:
    """The wordings of a bundle; None when it has none.

    Raises:
        BundleError: they cannot be read.
    """
    named = bundle.manifest.asks
    return None if named is None else _read(bundle.folder, named.file, named.sha256)


@dataclass(frozen=True, slots=True)
class Intent:
    """What a text was understood as.

    Attributes:
        task: row of the task table it is done by; "" for words that go with a prompt.
        target: what is wanted, or with ``complement`` what is not, as written; slips of the pen are mended.
        excluded: what it expressly does not mean, as written; "" for nothing.
        language: two letters, of its wording.
        english: the target as the text encoder hears it.
        names: English for the names that the target holds and means, in order; a long text lies between them.
        terms: English for the sounds that the target names; empty where it only describes.
        parts: English for each sound of a target of several, which are one stem together; empty for one.
        complement: True means that everything but the target is wanted.
        asked: the text as it was typed; "" where the bundle has no wordings, or the words are taken literally.
        slips: (as written, as meant) of the words that were mended.
    """

    task: str
    target: str
    excluded: str = ""
    language: str = ENGLISH
    english: str = ""
    names: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    complement: bool = False
    asked: str = ""
    slips: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, target: str, grammar: Grammar | None = None, task: str = "", excluded: str = "") -> Intent:
        """A text that says what is wanted and nothing else."""
        if grammar is None:
            return cls(task, target, excluded, english=target)
        if len(target) > LONGEST_WORDING:
            english, named, language = grammar.without_negated(target) or target, target, ENGLISH
            names = tuple(grammar.names_in(named))
            return cls(task, target, excluded, language, english, names, names)
        parsed = grammar.parse(target)
        named, language = parsed.phrase or target, parsed.language
        english = grammar.english(named, language)
        english = tidied(target).lower() if language == ENGLISH and english == named else english
        words = known_words(grammar)
        parts = _parts(named, grammar, words)
        terms = tuple(dict.fromkeys(term for part in parts or (named,) for term in words.names_in(part)))
        names = tuple(grammar.names_in(named)) if len(named) > _FEW_CHARACTERS else terms
        english = " and ".join(parts) or english
        return cls(task, target, excluded, language, english, names, terms, parts)

    @property
    def understood(self) -> str:
        """For the user: ``vocals (Gesang)``, ``violin (voilin -> violin)``; "" where nothing was looked up."""
        if not self.asked:
            return ""
        what = _in_words(self.terms) or _shortened(self.target)
        if self.excluded:
            what += f", not {self.excluded}"
        if self.complement:
            what = f"the mix without {what}"
        how = ", ".join(f"{slip} -> {meant}" for slip, meant in self.slips)
        if not how and normalize(tidied(self.asked)) != normalize(what):
            how = _shortened(" ".join(self.asked.split()))
        return f"{what} ({how})" if how else what


@dataclass(frozen=True, slots=True)
class _DraftIntent:
    """One prompt on its way to an intent; ``target`` "" with ``about`` REMAINDER means what the others leave."""

    task: str
    target: str
    asked: str
    excluded: str = ""
    slips: tuple[tuple[str, str], ...] = ()
    about: MixTarget = MixTarget.ALONE


def understand(request: Request, grammar: Grammar | None) -> tuple[Request, dict[str, Intent]]:
    """The request that its words ask for, and what each of its texts was understood as.

    Only isolate and remove are sent from one to the other: ``isolate "no vocals"``, ``isolate instrumental`` and
    ``isolate "everything except the vocals"`` remove the vocals, ``remove "everything except the vocals"`` isolates
    them. Commas part the prompts of isolate; all prompts of remove are one, the mix without any of them. Where some
    prompts want something alone and others want something out, the task is isolate and each intent says its own. What
    a prompt expressly does not mean is said of the rest, where nothing else was said of it. The other tasks make sound:
    what a prompt of theirs does not mean is left out of it.

    Returns:
        The request with the targets in the place of its texts; target -> intent.

    Raises:
        RequestError: of stems that add up, one is to be left out; a prompt of a task that makes sound says only what is
            not wanted; replace is told only what is to stay; no word of a prompt is known; a prompt
            means the mix itself.
    """
    if grammar is None or request.literal:
        return request, {text: Intent.of(text, None, request.task) for text in _texts(request)}
    words = known_words(grammar)
    drafts = [_mended(request.task, prompt, words) for prompt in request.prompts]
    if request.task in ROUTED:
        request, drafts = _separated(request, [one for draft in drafts for one in _split(draft, words)], grammar, words)
    else:
        request, drafts = _as_meant(request, drafts, grammar, words)
    intents = {text: Intent.of(text, grammar, request.task) for text in reversed(_texts(request))}
    for draft in reversed(drafts):
        intents[draft.target] = replace(
            intents[draft.target], task=draft.task, excluded=draft.excluded, asked=draft.asked, slips=draft.slips,
            complement=draft.task == "remove",
        )  # fmt: skip
    return request, intents


def _texts(request: Request) -> list[str]:
    return [text for text in (*request.prompts, request.mix_prompt, request.rest_prompt, request.replacement) if text]


def _mended(task: str, prompt: str, words: KnownWords) -> _DraftIntent:
    """A prompt without punctuation around it, in full, with names for emoji, and with its slips of the pen mended."""
    if len(prompt) > LONGEST_WORDING:
        return _DraftIntent(task, prompt, prompt)
    text = in_full(prompt.strip())
    if task in ROUTED:
        text = put_plainly(separated_as(text), words)
    text = tidied(spelled_out(spelled_minus(text)))
    if task == "isolate":
        text = untouched(text, words)
    if not words.complete or mix_request(text, words) is not None:
        return _DraftIntent(task, text, prompt)
    text, slips = words.corrected(text)
    return _DraftIntent(task, text, prompt, slips=slips)


def _split(draft: _DraftIntent, words: KnownWords) -> list[_DraftIntent]:
    """A draft for each part of a list."""
    if len(draft.target) > LONGEST_WORDING or draft.task != "isolate":
        return [draft]
    parts = listed(draft.target, words)
    if len(parts) < 2:
        return [draft]
    slips = {meant: (slip, meant) for slip, meant in draft.slips}
    return [
        replace(draft, target=part, asked=part, slips=tuple(pair for meant, pair in slips.items() if meant in part))
        for part in parts
    ]


def _separated(
    request: Request, drafts: Sequence[_DraftIntent], grammar: Grammar, words: KnownWords
) -> tuple[Request, list[_DraftIntent]]:
    asked = request.task
    found = [_drafted(asked, draft, grammar, words) for draft in drafts]
    named = [draft for draft in found if draft.about is not MixTarget.REMAINDER]
    alone = [draft for draft in named if draft.task == "isolate"]
    of_alone = {term for draft in alone for term in _names_of(draft.target, words)}
    if alone and asked == "isolate":
        left = [draft for draft in named if draft.task == "remove" and _names_of(draft.target, words) != of_alone]
        told = len(named) < len(found)  # "vocals", "drums" and "the rest"
        if told or (len(alone) + len(left) < len(found) and not left):  # "vocals" and "instrumental"
            request, named = _with_remainder(request, found, alone), [*alone, *left]
    elif not named and found:
        named = [replace(found[0], target=" and ".join(USUAL_STEMS))]
    tasks = {draft.task for draft in named}
    if len(tasks) > 1:
        task, named = "isolate", _of_both_kinds(request, named)
    else:
        task = tasks.pop() if tasks else asked
    if task == asked == "remove" and len(named) > 1:
        named = [_together(named)]
    unwanted = {draft.excluded for draft in named if draft.excluded}
    rest_prompt = request.rest_prompt or (unwanted.pop() if len(unwanted) == 1 else "")
    prompts = tuple(draft.target for draft in named)
    return replace(request, task=task, prompts=prompts, rest_prompt=rest_prompt), named


def _of_both_kinds(request: Request, drafts: Sequence[_DraftIntent]) -> list[_DraftIntent]:
    """Wishes for a sound alone and for the mix without one; the latter comes with the former where it is the same one.

    Raises:
        RequestError: they are to add up, and a sound and the mix without another do not.
    """
    if request.adds_up:
        raise RequestError(
            "one prompt asks for something alone and another for something to be left out, which do not add up; "
            "ask for them in two calls"
        )
    left = [draft for draft in drafts if draft.task == "remove"]
    if request.task == "remove" and len(left) > 1:
        drafts = [_together(left), *(draft for draft in drafts if draft.task == "isolate")]
    alone = {draft.target for draft in drafts if draft.task == "isolate"}
    in_the_rest = {draft.target: draft.asked for draft in drafts if draft.task == "remove" and draft.target in alone}
    return [
        replace(draft, asked=", ".join(filter(None, (draft.asked, in_the_rest.get(draft.target)))))
        for draft in drafts
        if draft.task == "isolate" or draft.target not in alone
    ]


def _with_remainder(request: Request, found: Sequence[_DraftIntent], alone: Sequence[_DraftIntent]) -> Request:
    """The request with a file of what its stems leave, called as it was asked for: other, or instrumental."""
    asked_other = any(draft.about is MixTarget.REMAINDER for draft in found)
    of_karaoke = tuple(draft.target for draft in alone) == STEM_SETS["karaoke"].prompts and not asked_other
    return replace(request, stems="karaoke") if of_karaoke and request.stems is None else replace(request, other=True)


def _drafted(task: str, draft: _DraftIntent, grammar: Grammar, words: KnownWords) -> _DraftIntent:
    """What a prompt of isolate or remove comes to.

    Raises:
        RequestError: it means the mix itself, or no word of it is known.
    """
    special = mix_request(draft.target, words)
    if special is not None:
        return _of_whole_mix(task, draft, special)
    wanted = only_wanted(draft.target) if task == "isolate" else draft.target
    further, target, excluded = _routed(task, wanted, grammar)
    if task == "isolate" and (left_out := _left_out(target, words)):
        further, target = "remove", left_out
    if further == "isolate" and not excluded and len(target) <= LONGEST_WORDING:
        excluded = ", ".join(words.denied_in(target)) if words.names_in(target) else ""
        target = (grammar.without_negated(target) or target) if excluded else target
    special = mix_request(target, words) if target != draft.target else None
    if special is not None:  # "no karaoke", "everything but the instrumental"
        return _of_whole_mix(further, draft, special)
    _check_known(target, draft.asked, grammar, words)
    return replace(draft, task=further, target=target, excluded=excluded)


def _left_out(target: str, words: KnownWords) -> str:
    """What a text in no known wording leaves out: all that it names is denied, as in "a karaoke track, no drums"."""
    if len(target) > LONGEST_WORDING or words.names_in(target) or only_affirms(normalize(target)):
        return ""
    denied = words.denied_in(target)
    said = f" {normalize(target)} "
    voiceless = any(f" {word} " in said for word in INSTRUMENTAL if not word.startswith("back"))
    return joined([*(["vocals"] if voiceless else []), *denied]) if denied else ""


def _of_whole_mix(task: str, draft: _DraftIntent, special: MixRequest) -> _DraftIntent:
    if special.about is MixTarget.ALL:
        raise RequestError(_WHOLE_MIX, prompt=_shortened(draft.asked))
    turned = special.about is not MixTarget.ALONE and (special.turns or task == "isolate")
    if turned:
        task = "remove" if task == "isolate" else "isolate"
    return replace(draft, task=task, target=special.sound, about=special.about)


def _together(drafts: Sequence[_DraftIntent]) -> _DraftIntent:
    """Several prompts of remove as one."""
    return _DraftIntent(
        "remove",
        joined([draft.target for draft in drafts]),
        ", ".join(draft.asked for draft in drafts),
        next((draft.excluded for draft in drafts if draft.excluded), ""),
        tuple(pair for draft in drafts for pair in draft.slips),
    )


def _names_of(target: str, words: KnownWords) -> set[str]:
    return {name for part in AND.split(target) if part for name in words.names_in(part)}


def _parts(phrase: str, grammar: Grammar, words: KnownWords) -> tuple[str, ...]:
    """English of each sound of "drums and bass"; empty where it is one, as "kick and snare" in a list of names is."""
    if words.english(phrase):
        return ()
    parts = [part for part in (tidied(part) for part in AND.split(phrase)) if part]
    if len(parts) < 2 or not all(words.names_in(part) for part in parts):
        return ()
    return tuple(dict.fromkeys(grammar.english(part).lower() for part in parts))


def _check_known(target: str, asked: str, grammar: Grammar, words: KnownWords) -> None:
    if not words.complete or len(target) > LONGEST_WORDING or words.knows(target):
        return
    if not words.knows(grammar.parse(target).phrase):
        near = _in_words(words.nearest(target), "or")
        raise RequestError(_NOT_KNOWN, prompt=_shortened(asked), near=near)


def _in_words(terms: Sequence[str], joined: str = "and") -> str:
    return f" {joined} ".join(filter(None, (", ".join(terms[:-1]), *terms[-1:])))


def _routed(task: str, prompt: str, grammar: Grammar) -> tuple[str, str, str]:
    """Task, target and what is excluded; of "everything except no drums" each wording is taken off in turn."""
    excluded = ""
    while True:
        parsed = _understood(grammar, prompt)
        further = _task(task, parsed, prompt)
        excluded = excluded or parsed.unwanted
        as_worded = further == "isolate" == task  # wordings of isolate are what the bundle was trained on
        target = prompt if (as_worded and not parsed.unwanted) or not parsed.phrase else parsed.phrase
        target = removed_names(target) if parsed.task == "remove" else target
        if (further, target) == (task, prompt):
            return task, target, excluded
        task, prompt = further, target


def _as_meant(
    request: Request, drafts: Sequence[_DraftIntent], grammar: Grammar, words: KnownWords
) -> tuple[Request, list[_DraftIntent]]:
    """The request without what its words say that they do not mean."""
    read, task = _taken_out if request.task == "replace" else _wanted, request.task
    meant = [replace(draft, target=read(task, draft.target, grammar)) for draft in drafts]
    put_in = _mended(task, request.replacement, words) if request.replacement else None
    mix_prompt, rest_prompt = (
        said and _wanted(task, spelled_out(said), grammar) for said in (request.mix_prompt, request.rest_prompt)
    )
    if put_in is not None:
        put_in = replace(put_in, target=_wanted(task, put_in.target, grammar))
    every = [*meant, *([put_in] if put_in is not None else [])]
    for draft in every:
        _check_known(draft.target, draft.asked, grammar, words)
    asked = replace(
        request,
        prompts=tuple(draft.target for draft in meant),
        mix_prompt=mix_prompt,
        rest_prompt=rest_prompt,
        replacement=put_in.target if put_in is not None else "",
    )
    return asked, every


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
    """What a prompt words, with or without "please" and the like around it."""
    if len(prompt) > LONGEST_WORDING:
        return ParsedPrompt("isolate", prompt)
    parsed, bare = grammar.parse(prompt), without_manners(prompt)
    polite = grammar.parse(bare) if bare != prompt and parsed.task == "isolate" else parsed
    meant = polite if polite.task in ROUTED and polite.task != parsed.task else parsed
    if meant.task == "remove" and only_affirms(normalize(prompt)):  # "not only the drums"
        return ParsedPrompt("isolate", prompt)
    return meant


def _task(asked: str, parsed: ParsedPrompt, prompt: str) -> str:
    """Isolate or remove; a wording of another task changes nothing."""
    if parsed.task not in ROUTED:
        return asked
    if asked == "isolate":
        return parsed.task
    frame = prompt.replace(parsed.phrase, " ")
    return "isolate" if parsed.task == "remove" and _ALL_BUT.search(frame) else "remove"


@lru_cache(maxsize=4)
def _read(folder: Path, file: str, sha256: str) -> Grammar:
    bundle = load_bundle(folder, check_hashes=False)
    return Grammar.read(read_named(bundle, file, sha256, GRAMMAR_LIMIT_BYTES), str(folder / file))
