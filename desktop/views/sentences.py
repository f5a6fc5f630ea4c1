"""What models, files and players say when something happens, so that a translation file can change it too.

They know no language; here their sentences stand with numbered holes, and ``said`` finds the one that was said. What
the engine says of itself stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from desktop.models.examples import KINDS
from desktop.models.request_builder import MADE, MADE_SEPARATOR
from desktop.views.text import tr
from engine import TASKS

SENTENCES = (
    "{0} fills a region; drag over the waveform to choose one",
    "say in a few words what to look for, for example violin",
    "say what to put in its place too, for example trumpet",
    "{0} needs a mix; open or drop an audio file first",
    "internal error ({0}); please report it with the log",
    "the clip of this job is gone; send it again from the DAW",
    "there is no file {0}; it may have been moved or deleted",
    "the bundle {0} takes no {1}; choose another bundle, or say it in words instead",
    "{0} is no picture, video or sound; drop one of these to say what to look for",
    "the demo mix is not part of this installation; open a file of your own",
    "this lane is gone; choose another one",
    "the audio of {0} is gone from the disk; make it again",
    "no stem is chosen; tick at least one",
    "cannot write to {0} ({1}); make room there",
    "nothing is heard; unmute a lane first",
    "this project has no mix to take something from; choose the stems instead",
    "the audio device is gone; playing goes on through {0}",
    "{0} may not be written to; save the project in another folder",
    "the project could not be saved to {0} ({1}); nothing of the old one was changed, save it to another folder",
    "the audio of {0} could not be copied ({1}); make room",
    "{0} is too large to be a project; choose a {1} file",
    "{0} is not a Fluxstem project; choose a {1} file",
    "{0} was written by a newer Fluxstem (format {1}); update this one",
    "{0} cannot be opened ({1}); check that it is there",
    "{0} is damaged ({1}); an older copy of it may still be good",
    "{0} is open in another Fluxstem window (process {1}); close it there, or save yours under another name",
    "the audio of {0} is gone; put the folder {1} back beside it",
    "{0} may not be written to ({1}); autosave needs it",
    "autosave does not work ({0}); make room in {1}, or save often",
    "this project did not come from a DAW; drag the lane into it instead",
    "the bridge is off; switch it on in the settings, then send it back again",
    "the bridge needs the extra osc ({0}); install it and try again",
    "the new mix comes muted, for its stems are heard; press S to hear it alone",
    "opening {0}",
    "saved {0}",
    "this project has no file yet; choose a name for it",
    "{0} may not be written to",
    "{0} holds ten thousand files called {1}; choose another name",
    "the name template leaves no name; write at least one letter into it",
    "the name template {0} cannot be used ({1}); allowed are {2}",
    "cannot write to {0} ({1}); make room there or choose another folder",
    "sound cannot be played: PortAudio is missing; on Debian and Ubuntu install libportaudio2",
    "sound cannot be played ({0}); plug in or choose an output device in the settings, all else works",
    "the audio device is gone; plug it in again or choose another one in the settings",
    "playing stopped, the audio could not be read ({0})",
    "{0} is not a file; drop an audio or video file",
    "{0} may not be read; change its permissions or copy it to a folder of yours",
    "{0} is empty (0 bytes); choose a file with sound in it",
    "{0} has a sample rate of {1} Hz; allowed are {2} to {3} Hz",
    "{0} has {1} channels; at most {2} are allowed, so split it",
    "{0} is longer than {1} hours; cut it into parts and open one of them",
    "{0} cannot be read ({1}); convert it to WAV or FLAC",
    "{0} needs PyAV to be read; install the extra desktop, or convert it to WAV",
    "{0} is not audio that can be read ({1}); convert it to WAV",
    "there is no sound in {0}; choose a file with an audio track",
    "{0} holds samples that are no numbers; export it again from its source",
    "the audio {0}… of this project is gone; put its folder back beside it",
    "opening this file needs {0} MB in {1}, and {2} MB are free; clean the cache in the settings or make room",
    "cannot write to the cache {0} ({1}); make room",
    "the decoded audio is gone from the cache; open the file again",
    "the waveform is gone from the cache; open the file again",
    "the spectrogram is gone from the cache; open the file again",
    "{0} did not work: {1}",
    "{0}: every file is as its maker left it",
    "OSC: off",
    "OSC: starting",
    "OSC: could not start",
    "{0}, open to the network",
    "cannot keep a copy of {0} in {1} ({2}); make room on that disk and open it again",
)


def said(text: str) -> str:
    """A sentence in the user's language; one that is not in the table stays as it is.

    What stands in the holes is names, numbers and paths and stays letter by letter, but where ``OWN`` says that it is
    words of ours.
    """
    plain = text.removesuffix(".")
    for pattern, template in _patterns():
        found = pattern.fullmatch(plain)
        if found is not None:
            own = OWN.get(template, {})
            parts = [own.get(number, str)(part) for number, part in enumerate(found.groups())]
            words = _filled(tr(template), parts)
            words = words[:1].upper() + words[1:] if text[:1].isupper() else words
            return words + text[len(plain) :]
    return text


def title_words(title: str) -> str:
    """A job's title, see ``title_of``, with its task and what it makes in the user's language."""
    task, _, words = title.partition(" ")
    if task.lower() not in TASKS:
        return title
    prompt, _, made = words.rpartition(MADE_SEPARATOR)
    words = f"{prompt}{MADE_SEPARATOR}{tr(made)}" if made in MADE.values() else words
    return f"{tr(task.capitalize())} {words}"


def _task_words(task: str) -> str:
    words = tr(task.capitalize()) if task.lower() in TASKS else task
    return task if words == task.capitalize() else words


def _kind_words(plural: str) -> str:
    return tr(plural) if plural in [kind.plural for kind in KINDS.values()] else plural


OWN: dict[str, dict[int, Callable[[str], str]]] = {
    "{0} did not work: {1}": {0: title_words, 1: said},
    "{0} fills a region; drag over the waveform to choose one": {0: _task_words},
    "{0} needs a mix; open or drop an audio file first": {0: _task_words},
    "the bundle {0} takes no {1}; choose another bundle, or say it in words instead": {1: _kind_words},
}


def _filled(template: str, parts: list[str]) -> str:
    return re.sub(r"\{(\d)\}", lambda hole: parts[int(hole[1])], template)


@cache
def _patterns() -> tuple[tuple[re.Pattern[str], str], ...]:
    """The longest first: what says more is meant before what says less."""
    found = [(re.compile(_pattern(template), re.DOTALL), template) for template in SENTENCES]
    return tuple(sorted(found, key=lambda one: -len(one[1])))


def _pattern(template: str) -> str:
    """Of a sentence that may begin with a capital letter."""
    first, *words = re.split(r"\{\d\}", template)
    begin = f"[{first[0].lower()}{first[0].upper()}]{re.escape(first[1:])}" if first else ""
    return "(.+?)".join([begin, *map(re.escape, words)])
