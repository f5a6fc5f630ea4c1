"""All that is heard in one file: notes or strokes, tempo, bars and key; as values and as JSON."""

from __future__ import annotations

import contextlib
import json
import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from engine.audio.reader import AudioInfo, blocks, resampled, samples_at
from engine.errors import AudioError
from engine.media.intake import open_audio
from engine.notes.beats import TempoEstimate, can_estimate, estimate_tempo
from engine.notes.drums import hear_drums, strokes_confidence
from engine.notes.midi import midi_bytes
from engine.notes.network import RATE_HZ
from engine.notes.note import DRUM_KEYS, DrumHit, NoteEvent, Transcription
from engine.notes.stem_source import StemSource, stem_source
from engine.notes.time_map import TimeMap
from engine.notes.transcribe import SURE_ENOUGH, transcribe

FORMAT = 2  # of the JSON; another one makes kept answers old
LONGEST_S = 3600.0
DRUMS_BELOW = 0.1  # confidence of the notes of something that has no pitch at all
StemKind = Literal["auto", "notes", "drums"]
STEM_KINDS: tuple[StemKind, ...] = ("auto", "notes", "drums")
Check = Callable[[], None]

NOTHING = "no {what} are heard in {name}; if it is quiet or noise, that is what is to be expected"
UNSURE = "the {what} of {name} are uncertain ({confidence:.2f} of 1); check them before you use them"
NO_TEMPO = "tempo and key were not heard: librosa is not installed; install it with: pip install 'fluxstem[tempo]'"
NO_BEAT = "no beat is heard in {name}, so a MIDI file of the notes has 120 beats per minute"
WORDS = {"notes": "notes", "drums": "strokes"}  # what is heard, by the kind of a stem

_DRUM_WORDS = re.compile(
    r"\b(drum|drums|drum ?kit|percussion|beats?|kick|snare|hi ?-?hats?|hats?|toms?|cymbals?|crash|ride|claps?|"
    r"schlagzeug|perkussion|becken|bassdrum)\b",
    re.IGNORECASE,
)
# A stem of one kind of drum has strokes of that kind alone.
_ONE_DRUM = {
    "kick": ("kick",), "bassdrum": ("kick",), "snare": ("snare",), "clap": ("snare",), "claps": ("snare",),
    "hat": ("hi-hat", "open hi-hat"), "hats": ("hi-hat", "open hi-hat"), "hihat": ("hi-hat", "open hi-hat"),
    "hihats": ("hi-hat", "open hi-hat"), "tom": ("tom",), "toms": ("tom",), "cymbal": ("cymbal",),
    "cymbals": ("cymbal",), "crash": ("cymbal",), "ride": ("cymbal",), "becken": ("cymbal",),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StemAnalysis:
    """What was heard in a stem.

    Attributes:
        name: of the stem, for the user.
        kind: ``notes`` or ``drums``, as what it was heard.
        length_s: in seconds.
        notes: pitched ones; none where it was heard as drums.
        confidence: 0 to 1, of notes or strokes.
        hits: strokes; none where it was heard as notes.
        tempo: of the mix it came from, in seconds of the stem, else of the stem; None where nobody listened.
        said: what the user should know, in sentences.
    """

    name: str
    kind: str
    length_s: float
    notes: tuple[NoteEvent, ...] = ()
    confidence: float = 0.0
    hits: tuple[DrumHit, ...] = ()
    tempo: TempoEstimate | None = None
    said: tuple[str, ...] = ()

    @property
    def time_map(self) -> TimeMap | None:
        """Bars and beats; None where none were heard."""
        return self.tempo.time_map if self.tempo is not None else None

    @property
    def key(self) -> str:
        """As ``A minor``; empty where none was heard."""
        return self.tempo.key if self.tempo is not None else ""

    def midi_bytes(self) -> bytes:
        """All of it as a MIDI file.

        Raises:
            RequestError: mido is not installed.
        """
        return midi_bytes(self.notes, self.hits, self.time_map, self.name, self.key)


def analyse_stem(
    path: Path,
    kind: StemKind = "auto",
    mix: Path | None = None,
    with_tempo: bool = True,
    name: str = "",
    check: Check = lambda: None,
) -> StemAnalysis:
    """Listen to a file.

    Args:
        path: audio or video of any kind.
        kind: what it is heard as; ``auto`` goes by its name, by the JSON beside it, and by its sound.
        mix: tempo and key are heard in this file, which begins where the stem does; None takes the mix that the JSON
            beside the stem names, else the stem.
        with_tempo: False hears notes alone.
        name: of the stem; empty for that of the file or of the JSON beside it.
        check: called now and then; raises to stop.

    Raises:
        AudioError: a file cannot be used.
        BundleError, DeviceError: the network cannot be run.
    """
    source = stem_source(path)
    if name:
        source = replace(source, prompt=name)
    with opened_audio(path, check) as info:
        if info.seconds > LONGEST_S:
            raise AudioError(
                "{path} is {minutes:.0f} minutes long; notes are heard in up to {most:.0f} minutes, so cut it",
                path=path, minutes=info.seconds / 60, most=LONGEST_S / 60,
            )  # fmt: skip
        mono_CN = _mono(info, check)
        heard = _heard(mono_CN, source, kind, check)
        if not with_tempo:
            return heard
        if not can_estimate():
            return replace(heard, said=(*heard.said, NO_TEMPO))
        tempo = _tempo(info, mix, source, check)
    music = mix or source.mix
    no_beat = NO_BEAT.format(name=source.prompt if music is None else music.name)
    said = heard.said if tempo.time_map is not None else (*heard.said, no_beat)
    return replace(heard, tempo=tempo, said=said)


@contextlib.contextmanager
def opened_audio(path: Path, check: Check = lambda: None) -> Iterator[AudioInfo]:
    """Open the sound of a file, decoding what libsndfile does not know.

    Raises:
        AudioError: it cannot be used.
    """
    with (
        tempfile.TemporaryDirectory(prefix="fluxstem-notes-") as folder,
        open_audio(str(path), Path(folder), lambda done, stage: None, check) as info,
    ):
        yield info


def _mono(info: AudioInfo, check: Check) -> npt.NDArray[np.float32]:
    """The sound at the network's rate, float32 (1, samples)."""

    def mixed() -> Any:
        for block_CN in blocks(info):
            check()
            yield block_CN.mean(axis=0, keepdims=True)

    length = samples_at(info.samples, info.rate_hz, RATE_HZ)
    return np.concatenate(list(resampled(mixed(), 1, info.rate_hz, RATE_HZ, length)), axis=1)


def _heard(mono_CN: npt.NDArray[np.float32], source: StemSource, kind: StemKind, check: Check) -> StemAnalysis:
    length_s = mono_CN.shape[1] / RATE_HZ
    is_named = bool(_DRUM_WORDS.search(source.prompt))
    if kind == "drums" or (kind == "auto" and is_named):
        return _as_drums(mono_CN, source, length_s)
    heard = transcribe(mono_CN, RATE_HZ, check=check)
    if kind == "auto" and heard.confidence < DRUMS_BELOW:
        hits = hear_drums(mono_CN, RATE_HZ)
        if len(hits) > len(heard.notes):
            return _made_of_hits(hits, source, length_s)
    return _as_notes(heard, source)


def _as_notes(heard: Transcription, source: StemSource) -> StemAnalysis:
    said = _doubts("notes", source.prompt, len(heard.notes), heard.confidence)
    notes = tuple(replace(note, confidence=sure) for note, sure in zip(heard.notes, heard.sure, strict=True))
    return StemAnalysis(
        name=source.prompt, kind="notes", length_s=heard.length_s, notes=notes, confidence=heard.confidence, said=said
    )


def _as_drums(mono_CN: npt.NDArray[np.float32], source: StemSource, length_s: float) -> StemAnalysis:
    words = {word.lower().replace("-", "").replace(" ", "") for word in _DRUM_WORDS.findall(source.prompt)}
    only = {drum for word in words for drum in _ONE_DRUM.get(word, ())} if words <= set(_ONE_DRUM) else set[str]()
    return _made_of_hits(hear_drums(mono_CN, RATE_HZ, tuple(sorted(only))), source, length_s)


def _made_of_hits(hits: tuple[DrumHit, ...], source: StemSource, length_s: float) -> StemAnalysis:
    confidence = strokes_confidence(hits)
    said = _doubts("drums", source.prompt, len(hits), confidence)
    return StemAnalysis(
        name=source.prompt, kind="drums", length_s=length_s, hits=hits, confidence=confidence, said=said
    )


def _doubts(kind: str, name: str, count: int, confidence: float) -> tuple[str, ...]:
    """What is to be said of so many notes or strokes; nothing where they are sure."""
    if not count:
        return (NOTHING.format(what=WORDS[kind], name=name),)
    unsure = UNSURE.format(what=WORDS[kind], name=name, confidence=confidence)
    return (unsure,) if confidence < SURE_ENOUGH else ()


def _tempo(info: AudioInfo, mix: Path | None, source: StemSource, check: Check) -> TempoEstimate:
    """Tempo of the mix, moved to where the stem begins; of the stem where there is no mix."""
    start_s = 0.0 if mix is not None else source.start_s
    mix = mix or source.mix
    if mix is None:
        return estimate_tempo(info)
    with opened_audio(mix, check) as mix_info:
        heard = estimate_tempo(mix_info)
    beats_s = tuple(round(at_s - start_s, 4) for at_s in heard.beats_s)
    return replace(heard, first_s=round(heard.first_s - start_s, 4), beats_s=beats_s)


def analysis_json(heard: StemAnalysis) -> dict[str, Any]:
    """An analysis as JSON; bars and beats are listed as well as what they follow from, none where no beat is heard."""
    time_map = heard.time_map
    beats = [] if time_map is None else list(time_map.beats_between(0.0, heard.length_s))
    return asdict(heard) | {
        "format": FORMAT,
        "beats_s": [round(at_s, 4) for at_s, _, _ in beats],
        "downbeats_s": [round(at_s, 4) for at_s, _, beat in beats if beat == 1],
    }


def analysis_of_json(text: str) -> StemAnalysis:
    """The reverse.

    Raises:
        ValueError: it is something else, or of another version.
    """
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ValueError("not an analysis of this version")
    try:
        tempo = data["tempo"]
        return StemAnalysis(
            name=str(data["name"]),
            kind=str(data["kind"]),
            length_s=float(data["length_s"]),
            notes=tuple(NoteEvent(**{**note, "bends": tuple(note["bends"])}) for note in data["notes"]),
            confidence=float(data["confidence"]),
            hits=tuple(DrumHit(**hit) for hit in data["hits"] if hit["drum"] in DRUM_KEYS),
            tempo=None if tempo is None else TempoEstimate(**{**tempo, "beats_s": tuple(tempo["beats_s"])}),
            said=tuple(map(str, data["said"])),
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("not a whole analysis") from error


def stem_kind(text: str) -> StemKind:
    """A row of ``STEM_KINDS``.

    Raises:
        ValueError: it is none.
    """
    if text not in STEM_KINDS:
        raise ValueError(f"{text!r} is none of {', '.join(STEM_KINDS)}")
    return next(kind for kind in STEM_KINDS if kind == text)
