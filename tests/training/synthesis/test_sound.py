"""Promises of everything that makes a sound: in tune, bending, in its place, as loud as a meter says."""

import numpy as np
import pytest

from training.data.instruments import families, holdout
from training.data.loudness import SILENCE_LUFS, loudness_lufs
from training.data.sources import RATE, NoteBank, SoundLibrary, Voice
from training.synthesis import drum_machine as drumbox
from training.synthesis import effects, perform, synth
from training.synthesis.score import Gesture, Note, ScorePart

HARMONIC = [
    name
    for name, patch in synth.patches().items()
    if patch.engine in ("table", "pluck") or (patch.engine == "fm" and patch.ratio == 1)
]
A4 = 69
SOUNDS = SoundLibrary.find()
needs_banks = pytest.mark.skipif(SOUNDS.banks is None, reason="needs the note banks of a sounds folder")


def pitch_hz(audio_N: np.ndarray, low_hz: float = 100.0, high_hz: float = 1600.0) -> float:
    """Pitch by autocorrelation."""
    spectrum = np.abs(np.fft.rfft(audio_N, 2 * len(audio_N))) ** 2
    echo = np.fft.irfft(spectrum)[: len(audio_N)]
    crossing = int(np.argmax(echo < 0))  # every wave is like itself a moment later: look beyond that
    first, last = max(crossing, int(RATE / high_hz)), int(RATE / low_hz)
    best = first + int(np.argmax(echo[first:last]))
    near = np.flatnonzero(echo[first : best + 1] > 0.9 * echo[best])  # the shortest period, not its multiples
    peak = first + int(near[0])
    while echo[peak + 1] > echo[peak]:
        peak += 1
    return RATE / peak


def semitones(hertz: float, note: int) -> float:
    return 12 * np.log2(hertz / (440 * 2 ** ((note - 69) / 12)))


@pytest.mark.parametrize("name", synth.patches())
def test_every_voice_of_our_own_sounds_and_stops(name):
    patch = synth.patches()[name]
    sound = synth.play(np.random.default_rng(0), patch, Note(0, 0.5, 60, 100), RATE)
    assert np.isfinite(sound).all()
    assert 0.05 < np.abs(sound).max() < 1.5
    assert np.abs(sound[-20:]).max() < 0.05 * np.abs(sound).max()
    again = synth.play(np.random.default_rng(0), patch, Note(0, 0.5, 60, 100), RATE)
    np.testing.assert_array_equal(sound, again)


@pytest.mark.parametrize("name", HARMONIC)
@pytest.mark.parametrize("midi", [45, 69])
def test_voices_with_harmonics_are_in_tune(name, midi):
    sound = synth.play(np.random.default_rng(1), synth.patches()[name], Note(0, 1.0, midi, 100), RATE)
    assert abs(semitones(pitch_hz(sound[2000:12_000], 80), midi)) < 0.4


@pytest.mark.parametrize("machine", drumbox.MACHINES)
@pytest.mark.parametrize("piece", drumbox.PIECES)
def test_every_piece_of_every_drum_machine_sounds(machine, piece):
    stroke = drumbox.hit(np.random.default_rng(2), drumbox.MACHINES[machine], piece, 127, RATE)
    assert stroke is not None
    assert np.isfinite(stroke).all()
    assert 0.3 < np.abs(stroke).max() < 2.5
    assert np.abs(stroke[-20:]).max() < 0.05


def test_a_harder_stroke_is_louder():
    soft, hard = (drumbox.hit(np.random.default_rng(2), drumbox.MACHINES["dance"], 38, v, RATE) for v in (50, 120))
    assert np.square(hard).sum() > 3 * np.square(soft).sum()


VOICES = [
    ("flute", Voice("font", "", (0, 73))),
    ("synth-lead", Voice("synth", "soft-lead")),
    pytest.param("bassoon", Voice("bank", "vsco-bassoon"), marks=needs_banks),
]


@pytest.mark.parametrize(("family", "voice"), VOICES)
def test_a_slide_begins_where_it_says_and_arrives(renderer, family, voice):
    midi = 69 if family != "bassoon" else 60
    note = Note(0.0, 1.2, midi, 110, Gesture(start_semitones=-5, start_s=0.8))
    sound = renderer.dry(np.random.default_rng(0), ScorePart(family, "lead", (note,)), voice, 1.5)[0]
    early, late = pitch_hz(sound[3000:8000]), pitch_hz(sound[40_000:50_000])
    assert -5.2 < semitones(early, midi) < -3.5
    assert abs(semitones(late, midi)) < 0.4


@pytest.mark.parametrize(("family", "voice"), VOICES)
def test_a_harder_note_is_louder(renderer, family, voice):
    def energy(velocity: int) -> float:
        part = ScorePart(family, "lead", (Note(0.0, 0.5, 64, velocity),))
        return float(np.square(renderer.dry(np.random.default_rng(0), part, voice, 0.8)).sum())

    assert energy(120) > 1.5 * energy(60)


@needs_banks
@pytest.mark.parametrize(
    ("bank", "style", "articulation"),
    [
        ("meatbass", "pizzicato", "pizzicato"), ("meatbass", "vibrato", "bowed"), ("war-tuba", "staccato", "staccato"),
        ("war-tuba", "legato", "sustain"), ("sitar", "staccato", None),
    ],
)  # fmt: skip
def test_a_manner_is_played_with_the_articulation_recorded_for_it(bank, style, articulation):
    assert NoteBank(SOUNDS.banks / bank).articulation_for(style) == articulation


def test_the_label_tells_the_manner_that_is_in_the_recording(renderer):
    part = ScorePart("strings", "lead", (Note(0.0, 0.5, 60, 100),), "vibrato")
    assert renderer.play(np.random.default_rng(0), part, Voice("font", "", (0, 45)), 0.8).style == "pizzicato"
    assert renderer.play(np.random.default_rng(0), part, Voice("font", "", (0, 48)), 0.8).style == "vibrato"


def test_vibrato_swings_to_both_sides(renderer):
    note = Note(0.0, 1.5, A4, 110, Gesture(vibrato_semitones=0.6, vibrato_hz=4.0, vibrato_from_s=0.0))
    part = ScorePart("flute", "lead", (note,))
    sound = renderer.dry(np.random.default_rng(0), part, Voice("font", "", (0, 73)), 1.6)[0]
    pitches = [semitones(pitch_hz(sound[k : k + 2500], 300, 700), A4) for k in range(15_000, 60_000, 1500)]
    assert max(pitches) > 0.3
    assert min(pitches) < -0.3


def test_a_bent_note_leaves_the_other_notes_alone(renderer):
    bent = Note(0.0, 0.6, 64, 100, Gesture(start_semitones=-7, start_s=0.6))
    straight = Note(0.7, 0.8, A4, 110)
    voice = Voice("font", "", (0, 73))
    both = renderer.dry(np.random.default_rng(0), ScorePart("flute", "lead", (bent, straight)), voice, 1.6)[0]
    assert abs(semitones(pitch_hz(both[50_000:60_000]), A4)) < 0.2


def test_rendering_twice_gives_the_same_samples(renderer):
    notes = tuple(Note(0.2 * k, 0.3, 60 + k, 90, Gesture(start_semitones=2, start_s=0.1)) for k in range(4))
    for family, voice in (("flute", Voice("font", "", (0, 73))), ("synth-lead", Voice("synth", "super-saw"))):
        part = ScorePart(family, "lead", notes)
        first = renderer.play(np.random.default_rng(5), part, voice, 1.5)
        np.testing.assert_array_equal(
            renderer.play(np.random.default_rng(5), part, voice, 1.5).audio_CN, first.audio_CN
        )


CHORD = [Note(t, 0.4, m, 80) for t in (0.0, 0.5) for m in (52, 55, 59, 64)]
LINE = [Note(0.6 * k, 0.5, 60 + 2 * (k % 3), 80) for k in range(8)]


@pytest.mark.parametrize("style", perform.STYLES)
def test_every_manner_changes_how_notes_are_played(style):
    notes = CHORD if style == "strummed" else LINE
    played = perform.STYLES[style](np.random.default_rng(1), notes)
    assert played != notes
    assert all(n.length_s > 0 and 1 <= n.velocity <= 127 and n.start_s >= 0 for n in played)


def test_a_strum_spreads_chords_down_and_up():
    played = perform.STYLES["strummed"](np.random.default_rng(0), CHORD)
    down, up = played[:4], played[4:]
    assert [n.midi for n in sorted(down, key=lambda n: n.start_s)] == [52, 55, 59, 64]
    assert [n.midi for n in sorted(up, key=lambda n: n.start_s)] == [64, 59, 55, 52]
    assert len({n.start_s for n in down}) == 4


@pytest.mark.parametrize("name", families())
def test_every_family_plays_in_manners_that_exist(name):
    family = families()[name]
    assert {m for role in family.roles for m in perform.manners(family, role)} <= set(perform.STYLES)


def test_every_kind_of_effect_is_used():
    rng = np.random.default_rng(0)
    used = {type(effect).__name__ for _ in range(400) for effect in effects.chain(rng, "electric-guitar")}
    assert used >= {
        "Distortion", "LowpassFilter", "HighpassFilter", "LowShelfFilter", "HighShelfFilter", "PeakFilter",
        "Compressor", "Chorus", "Phaser", "Delay", "Reverb",
    }  # fmt: skip
    assert all("Distortion" in str(effects.chain(rng, "distorted-guitar")) for _ in range(20))


@pytest.mark.parametrize("side", [-0.9, -0.5, 0.0, 0.3, 0.8])
def test_a_stem_is_heard_where_its_place_says(side):
    noise = np.random.default_rng(0).standard_normal((1, RATE)).astype(np.float32).repeat(2, axis=0) * 0.1
    placed = effects.put(effects.Placement(side), noise, RATE)
    power = np.square(placed).sum(axis=1)
    balance_db = 10 * np.log10(power[1] / power[0])
    assert placed.shape == noise.shape
    assert np.sign(round(balance_db, 1)) == np.sign(side)
    if side > 0.4:  # the far ear hears it later
        lag = np.argmax(np.correlate(placed[0, 1000:3000], placed[1, 1000:3000], "full")) - 1999
        assert 10 < lag < 60


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_a_stereo_tone_reads_as_loud_as_its_level(rate_hz):
    """EBU Tech 3341, case 1: 1 kHz on both channels at -23 dBFS is -23 LUFS; quiet blocks do not count."""
    time_s = np.arange(20 * rate_hz) / rate_hz  # so long that blocks on the edge between both do not count
    tone = (10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * time_s)).astype(np.float32)
    tone[: 2 * rate_hz] *= 0.01
    assert loudness_lufs(np.stack([tone, tone]), rate_hz) == pytest.approx(-23, abs=0.2)


def test_silence_has_a_loudness_and_too_little_sound_has_none():
    assert loudness_lufs(np.zeros((2, 16_000), dtype=np.float32), 16_000) == SILENCE_LUFS
    with pytest.raises(ValueError, match=r"at least 0\.4 s of sound, got 0\.1 s"):
        loudness_lufs(np.zeros((2, 1600), dtype=np.float32), 16_000)


def test_every_family_but_the_singers_has_a_voice_for_training():
    silent = [name for name, family in families().items() if not SOUNDS.voices(family, held_out=False)]
    assert silent == ["vocals"]
    assert all(name in synth.patches() or name in drumbox.MACHINES for f in families().values() for name in f.synths)


def test_training_refuses_recordings_that_are_reserved():
    for bank in holdout().banks:
        with pytest.raises(ValueError, match=f"bank:{bank} kept for validation"):
            holdout().refuse(["font:0:1", f"bank:{bank}"])
    for song in holdout().songs:
        with pytest.raises(ValueError, match=f"song:{song} kept for validation"):
            holdout().refuse([f"song:{song}"])
    holdout().refuse(["font:0:1", "synth:saw-lead", "bank:sitar", "song:lithium"])
