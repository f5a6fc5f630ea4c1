"""Click, speed and pitch: what the device is given, sample by sample."""

import itertools

import numpy as np
import pytest
import soundfile

from desktop.audio.click import click_sound
from desktop.audio.mixer import PlaybackMixer, PlaybackScene, PlaybackSource, Track
from desktop.audio.player import AudioPlayer
from desktop.audio.stretch import Stretch, StretchedMixer
from engine import TimeMap

RATE_HZ = 16_000
WAIT_MS = 60_000


def tone(seconds, hz=440.0):
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)[:, None]


def scene_of(samples_NC, **more):
    return PlaybackScene(original=Track("original", samples_NC), listen=PlaybackSource.ORIGINAL, length=len(samples_NC),
                         **more)  # fmt: skip


def stretched(scene, stretch, position=0):
    mixer = PlaybackMixer(RATE_HZ)
    mixer.scene = scene
    mixer.jump(position)
    return StretchedMixer(mixer, RATE_HZ, stretch)


def all_of(mixer, block=128):
    blocks = []
    while not mixer.at_end:
        blocks.append(mixer.render(block))
    return np.concatenate(blocks)


def pitch_hz(out_NC):
    middle_N = out_NC[len(out_NC) // 4 : -len(out_NC) // 4, 0]
    spectrum_F = np.abs(np.fft.rfft(middle_N * np.hanning(len(middle_N))))
    return np.argmax(spectrum_F) * RATE_HZ / len(middle_N)


@pytest.mark.parametrize(
    ("speed", "semitones"), [(0.25, 0.0), (0.5, 0.0), (0.8, 0.0), (1.5, 0.0), (2.0, 0.0), (1.0, 12.0), (0.7, -5.0)]
)
def test_speed_changes_how_long_it_takes_and_pitch_how_high_it_is(speed, semitones):
    out_NC = all_of(stretched(scene_of(tone(2.0)), Stretch(speed, semitones)))
    assert len(out_NC) / RATE_HZ == pytest.approx(2.0 / speed, rel=0.04)
    assert pitch_hz(out_NC) == pytest.approx(440 * 2 ** (semitones / 12), rel=0.01)
    middle_N = out_NC[len(out_NC) // 4 : -len(out_NC) // 4, 0]
    assert np.sqrt(np.mean(np.square(middle_N))) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


def test_a_place_of_the_song_is_heard_when_the_cursor_says_so():
    sound_NC = np.zeros((3 * RATE_HZ, 1), np.float32)
    sound_NC[RATE_HZ : RATE_HZ + 200] = 0.8
    mixer = stretched(scene_of(sound_NC), Stretch(0.5))
    while np.abs(mixer.render(64)).max() < 0.2:
        assert mixer.position < 2 * RATE_HZ
    assert mixer.position == pytest.approx(RATE_HZ, abs=0.03 * RATE_HZ)


def test_a_loop_is_repeated_at_any_speed_and_the_cursor_stays_inside():
    mixer = stretched(scene_of(tone(2.0), loop=(8000, 12_000)), Stretch(0.5), position=9000)
    places = []
    for _ in range(600):
        mixer.render(64)
        places.append(mixer.position)
    assert min(places) >= 8000
    assert max(places) <= 12_000
    assert sum(b < a - 2000 for a, b in itertools.pairwise(places)) >= 3


def test_changing_the_speed_while_it_plays_neither_jumps_nor_clicks():
    mixer = stretched(scene_of(tone(4.0, hz=100.0)), Stretch(0.5))
    before_NC = np.concatenate([mixer.render(128) for _ in range(100)])
    position = mixer.position
    mixer.wanted = Stretch(0.75)
    after_NC = np.concatenate([mixer.render(128) for _ in range(100)])
    assert mixer.position == pytest.approx(position + 12_800 * 0.75, abs=200)
    steps = np.abs(np.diff(np.concatenate([before_NC, after_NC])[1000:, 0]))
    assert steps.max() < 3 * 0.3 * 2 * np.pi * 100 / RATE_HZ


def test_without_speed_and_pitch_the_device_gets_the_very_samples(device):
    sound_NC = np.random.default_rng(2).uniform(-0.5, 0.5, (4000, 2)).astype(np.float32)
    player = AudioPlayer(lambda end: None, lambda: device)
    player.show(scene_of(sound_NC), RATE_HZ)
    player.set_stretch(Stretch(0.5))
    player.set_stretch(Stretch())
    player.play()
    assert np.array_equal(device.read(1000), sound_NC[:1000])
    player.stop()


def test_the_player_goes_on_from_the_same_place_when_the_speed_is_chosen(device):
    player = AudioPlayer(lambda end: None, lambda: device)
    player.show(scene_of(tone(3.0)), RATE_HZ)
    player.seek(8000)
    player.play()
    device.read(512)
    player.set_stretch(Stretch(0.5))
    assert player.playing
    assert player.position == pytest.approx(8512, abs=130)
    device.read(512)
    assert player.position == pytest.approx(8512 + 256, abs=140), "at half the speed the cursor is half as fast"
    player.set_stretch(Stretch())
    assert player.position == pytest.approx(8512 + 256, abs=140)
    player.stop()


def test_the_click_is_on_the_beats_and_higher_on_the_first(tmp_path):
    time_map = TimeMap(bpm=120.0, beats_per_bar=3, first_s=0.25)
    click = click_sound(time_map, RATE_HZ, 4 * RATE_HZ)
    whole_NC = click[0 : 4 * RATE_HZ]
    onsets = [
        at for at in np.flatnonzero(np.abs(whole_NC[:, 0]) > 0.05) if not np.abs(whole_NC[at - 200 : at, 0]).any()
    ]
    assert [round(at / RATE_HZ, 2) for at in onsets] == [0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75]
    crossings = [np.count_nonzero(np.diff(np.signbit(whole_NC[at : at + 320, 0]))) for at in onsets]
    assert [high > 50 for high in crossings] == [True, False, False] * 2 + [True, False]
    pieces = [click[first : first + 777] for first in range(0, 4 * RATE_HZ, 777)]
    assert np.array_equal(np.concatenate(pieces), whole_NC), "however it is read"


def test_the_click_is_heard_beside_the_original_and_the_stems_and_not_in_the_files(opened, tmp_path):
    opened.tempo.set_tempo(240.0)
    project, transport = opened.document.project, opened.transport
    plain = transport.scene(project)
    opened.settings.set("click", True)
    with_click = transport.scene(project)
    assert plain.click is None
    assert with_click.click is transport.scene(project).click, "it is made once"
    assert with_click.tracks == plain.tracks
    for listen in (PlaybackSource.ORIGINAL, PlaybackSource.STEMS):
        transport.set_listen(listen)
        scene = transport.scene(project)
        mixer = PlaybackMixer(RATE_HZ)
        mixer.scene = scene
        mixer.jump(0)
        heard_NC = mixer.render(4400)
        source_NC, _ = soundfile.read(opened.store.path(project.source), dtype="float32", always_2d=True)
        added_NC = heard_NC - source_NC[:4400]
        assert np.abs(added_NC[:400]).max() > 0.2
        assert np.abs(added_NC[1000:3900]).max() < 1e-6
        assert np.abs(added_NC[4000:4400]).max() > 0.2


def test_speed_steps_and_limits(opened):
    speed = opened.speed
    heard = []
    speed.changed.connect(lambda: heard.append((speed.speed, speed.semitones)))
    speed.step(-1)
    speed.step(1)
    speed.step(1)
    speed.set(speed=9.0, semitones=-40.0)
    speed.reset()
    assert heard == [(0.95, 0.0), (1.0, 0.0), (1.1, 0.0), (2.0, -12.0), (1.0, 0.0)]
    assert speed.neutral
