"""Sound sources: the SoundFont, recorded note banks, voices of our own and real stems, found on disk.

Looks for the sounds folder in ``$FLUXSTEM_SOUNDS``, then ``../shared/sounds`` beside the checkout; where there is none
the SoundFont of Debian's ``fluid-soundfont-gm`` does.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile as sf

from training.data.instruments import Family, holdout
from training.typing import Audio

RATE = 44_100
DEBIAN_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
REPOSITORY = Path(__file__).resolve().parents[2]
BANK_SHARE = 0.6  # of the stems of a family that has recorded banks: their timbres are the ones no font has

SYNTH_SHARE = 0.2  # of the stems of a family that a voice of our own can play
SYNTH_SHARE_ELECTRONIC = 0.45  # where such a voice is the real thing
ELECTRONIC = ("synth-bass", "synth-lead", "synth-pad")

# presets and banks that sound one way only, whatever the part asks for
SOUND_STYLES = {
    "font:0:28": "muted", "font:8:28": "muted", "font:0:36": "slapped", "font:0:37": "slapped", "font:0:44": "tremolo",
    "font:0:45": "pizzicato", "font:0:59": "muted", "font:128:40": "brushed", "bank:pizzicato-strings": "pizzicato",
    "bank:tremolo-strings": "tremolo",
}  # fmt: skip
STYLE_ARTICULATIONS = {
    "staccato": ("staccato",), "legato": ("sustain", "bowed"), "pizzicato": ("pizzicato",),
    "vibrato": ("bowed", "sustain"), "slides": ("sustain", "bowed"), "tremolo": ("bowed",),
    "swelling": ("bowed", "sustain"),
}  # fmt: skip

DRUM_PIECES: dict[int, tuple[str, ...]] = {
    35: ("kick",), 36: ("kick",), 37: ("side stick", "rimshot", "snare"), 38: ("snare",), 39: ("clap", "snare"),
    40: ("snare",), 41: ("tom low",), 42: ("hat closed",), 43: ("tom low",), 44: ("hat foot", "hat closed"),
    45: ("tom low", "tom mid"), 46: ("hat open", "hat half open"), 47: ("tom mid",), 48: ("tom mid", "tom high"),
    49: ("crash", "splash", "hat open"), 50: ("tom high", "tom mid"), 51: ("ride", "hat closed"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Voice:
    """One way to sound a family: a SoundFont preset, a note bank, speech, a synthesiser voice or drum machine of ours.

    Attributes:
        kind: font, bank, synth, or sung by the speakers of a source of recordings.
        name: of the bank, voice, machine or source; "" for a font.
        preset: bank and program of a font.
    """

    kind: str
    name: str
    preset: tuple[int, int] = (0, 0)

    @property
    def label(self) -> str:
        """Where a stem comes from, for its label."""
        return f"font:{self.preset[0]}:{self.preset[1]}" if self.kind == "font" else f"{self.kind}:{self.name}"

    @property
    def style(self) -> str:
        """A manner of playing that is in the recording itself, "" for most."""
        return SOUND_STYLES.get(self.label, "")


@dataclass(frozen=True, slots=True)
class SoundLibrary:
    """SoundFont, note banks and songs found on this machine."""

    font: Path
    banks: Path | None
    songs: Path | None

    @staticmethod
    def find() -> SoundLibrary:
        """The sounds of this machine.

        Raises:
            FileNotFoundError: neither a sounds folder nor Debian's SoundFont is there.
        """
        named = os.environ.get("FLUXSTEM_SOUNDS")
        folder = Path(named) if named else REPOSITORY.parent / "shared" / "sounds"
        if (folder / "fluidr3.sf3").is_file():
            return SoundLibrary(folder / "fluidr3.sf3", folder / "banks", folder / "songs")
        if DEBIAN_FONT.is_file():
            return SoundLibrary(DEBIAN_FONT, None, None)
        raise FileNotFoundError(
            f"no training sounds: neither {folder} nor {DEBIAN_FONT}; "
            "set FLUXSTEM_SOUNDS to a sounds folder or install Debian's fluid-soundfont-gm"
        )

    def voices(self, family: Family, held_out: bool) -> list[Voice]:
        """Ways to sound a family: those kept out of training when ``held_out``, else all others."""
        kept = holdout().banks
        banks = [Voice("bank", b) for b in family.banks if self.banks is not None and (b in kept) == held_out]
        if held_out:
            return banks
        fonts = [Voice("font", "", preset) for preset in family.presets]
        return fonts + banks + [Voice("synth", name) for name in family.synths]


@dataclass(frozen=True, slots=True)
class BankNote:
    """One recorded note."""

    midi: float  # sounding pitch
    velocity: tuple[int, int]
    articulation: str
    piece: str
    audio: Audio  # (N,) mono at RATE


class NoteBank:
    """A folder of recorded notes, played by nearest pitch, resampled and faded."""

    def __init__(self, folder: Path) -> None:
        index: dict[str, Any] = json.loads((folder / "index.json").read_text("utf-8"))
        self.levelled = index["dynamics"] != "recorded"
        self.drums = index["kind"] == "drums"
        self.notes = [_read_note(folder, row) for row in index["files"]]
        self.articulations = sorted({note.articulation for note in self.notes})

    def articulation_for(self, style: str) -> str | None:
        """The recorded articulation that is played in this manner; None when there is none."""
        return next((name for name in STYLE_ARTICULATIONS.get(style, ()) if name in self.articulations), None)

    def choose(self, midi: int, velocity: int, articulation: str | None, turn: int) -> BankNote | None:
        """The recorded note that suits best; None when a kit has no such piece."""
        pool = self.notes
        if self.drums:
            names = DRUM_PIECES.get(midi, ())
            for name in names:
                pool = [n for n in self.notes if n.piece == name]
                if pool:
                    break
            if not pool:
                return None
        elif articulation is not None:
            pool = [n for n in pool if n.articulation == articulation] or pool
        near = min(abs(n.midi - midi) for n in pool)
        pool = [n for n in pool if abs(n.midi - midi) <= near + 0.5]
        layer = [n for n in pool if n.velocity[0] <= velocity <= n.velocity[1]] or pool
        return layer[turn % len(layer)]

    def percussion_piece(self, midi: int, turn: int) -> BankNote:
        """Any piece, the same for the same number: for banks of assorted hits."""
        pieces = sorted({n.piece for n in self.notes})
        pool = [n for n in self.notes if n.piece == pieces[midi % len(pieces)]]
        return pool[turn % len(pool)]


def _read_note(folder: Path, row: dict[str, Any]) -> BankNote:
    audio_NC, _ = sf.read(folder / row["file"], dtype="float32", always_2d=True)
    return BankNote(
        midi=row["midi_note"] + row.get("tuning_cents", 0) / 100,
        velocity=(row["velocity_low"], row["velocity_high"]),
        articulation=row.get("articulation", ""),
        piece=row.get("piece", ""),
        audio=audio_NC.mean(axis=1),
    )


def read_any(path: Path, rate: int) -> Audio:
    """Decode a file of any kind PyAV reads to mono float32 at ``rate``."""
    return _decode(path, rate, "mono")[0]


def read_stereo(path: Path, rate: int = RATE) -> Audio:
    """Decode a file of any kind PyAV reads to float32 ``(2, N)`` at ``rate``."""
    return _decode(path, rate, "stereo")


def _decode(path: Path, rate: int, layout: str) -> Audio:
    import av

    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
        parts = [out.to_ndarray() for frame in container.decode(audio=0) for out in resampler.resample(frame)]
        parts += [out.to_ndarray() for out in resampler.resample(None)]
    return np.concatenate(parts, axis=1).astype(np.float32)
