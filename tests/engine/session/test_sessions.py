"""Results become sessions: every stem where it was, in each format, read back by somebody else's reader."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import struct
import zipfile
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import rpp
import soundfile
import xmlschema
from ardoursession import ArdourSession
from clihelp import everything_in, say

from engine import (
    SESSION_FORMATS,
    AudioError,
    RequestError,
    SessionMarker,
    TempoEstimate,
    export_session,
    music_of,
    session_of,
)
from engine.notes.stem_source import stem_source
from engine.session.plan import DawSession, SessionTrack

ROOT = Path(__file__).parents[3]
RATE_HZ = 48_000
REGION_S = (0.25, 0.5)
SCHEMA = Path(os.environ.get("FLUXSTEM_DAWPROJECT_XSD") or ROOT / "tests/data/dawproject.xsd")
ODD = "a \"b\" & <c> 'd'"


@pytest.fixture
def mix(noise) -> Path:
    return noise("song.wav", rate_hz=RATE_HZ, seconds=0.7, subtype="PCM_24")


@pytest.fixture
def stem(run, mix) -> Path:
    """A stem of a region, with its rest and its JSON beside it."""
    [result] = run(input=mix, regions_s=(REGION_S,), region_s=None).results
    return Path(result.stem)


def inside(session: Path) -> ElementTree.Element:
    with zipfile.ZipFile(session) as archive:
        return ElementTree.fromstring(archive.read("project.xml"))


def blocks(element: rpp.Element, tag: str) -> list[rpp.Element]:
    return [one for one in element if isinstance(one, rpp.Element) and one.tag == tag]


def line(element: rpp.Element, name: str) -> list[str]:
    return next(list(one) for one in element if not isinstance(one, rpp.Element) and one[0] == name)[1:]


def placed(session: Path, format: str, bpm: float) -> dict[str, tuple[int, int, bytes]]:
    """Name of each track -> first sample, samples, and the bytes of its sound."""
    if format == "dawproject":
        root, found = inside(session), {}
        names = {track.get("id"): track.get("name") for track in root.iter("Track")}
        with zipfile.ZipFile(session) as archive:
            for lane in root.findall("Arrangement/Lanes/Lanes"):
                clip, audio, file = lane.find("Clips/Clip"), lane.find(".//Audio"), lane.find(".//File")
                places = (float(clip.get(name)) * 60 / bpm * RATE_HZ for name in ("time", "duration"))
                found[names[lane.get("track")]] = (*places, archive.read(file.get("path")))
                assert float(audio.get("duration")) * RATE_HZ == pytest.approx(found[names[lane.get("track")]][1])
    else:
        project, found = rpp.loads(session.read_text(encoding="utf-8")), {}
        for track in blocks(project, "TRACK"):
            [item] = blocks(track, "ITEM")
            [source] = blocks(item, "SOURCE")
            places = (float(line(item, name)[0]) * RATE_HZ for name in ("POSITION", "LENGTH"))
            found[line(track, "NAME")[0]] = (*places, (session.parent / line(source, "FILE")[0]).read_bytes())
    for first, samples, _ in found.values():
        assert (first, samples) == pytest.approx((round(first), round(samples)), abs=1e-6)
    return {name: (round(first), round(samples), data) for name, (first, samples, data) in found.items()}


@pytest.mark.parametrize("format", ["dawproject", "rpp"])
def test_a_stem_and_its_rest_lie_where_they_were_to_the_sample(stem, tmp_path, format):
    session = session_of([stem], bpm=93.7)
    found = placed(export_session(session, format, tmp_path / "daw" / "song"), format, 93.7)
    first, length = round(REGION_S[0] * RATE_HZ), round((REGION_S[1] - REGION_S[0]) * RATE_HZ)
    assert {name: place[:2] for name, place in found.items()} == dict.fromkeys(
        ("violin", "without violin"), (first, length)
    )
    assert found["violin"][2] == stem.read_bytes()


def test_a_dawproject_fits_the_schema_of_the_format(stem, tmp_path):
    schema = xmlschema.XMLSchema(str(SCHEMA))
    session = session_of([stem], bpm=120, beats_per_bar=3, title=ODD, markers=(SessionMarker(ODD, 0.4),))
    odd = replace(session, tracks=tuple(replace(track, name=ODD, pan=-1.0) for track in session.tracks))
    for one, link in ((session, False), (odd, True), (replace(session, markers=()), False)):
        root = inside(export_session(one, "dawproject", tmp_path / "song", link=link))
        assert [str(error) for error in schema.iter_errors(root)] == []
    root.find("Arrangement/Lanes/Lanes/Clips/Clip").attrib.pop("time")
    assert list(schema.iter_errors(root)), "the schema would notice"


DRIFTING = TempoEstimate(
    bpm=100.0, beats_s=(0.1, 0.2, 0.32, 0.44), first_s=0.2, beats_per_bar=3, key="A minor", key_confidence=0.9
)


def test_a_tempo_that_drifts_is_a_tempo_map_that_fits_the_schema_and_leaves_sounds_where_they_are(stem, tmp_path):
    session = session_of([stem], heard=DRIFTING)
    assert (session.bpm, session.beats_per_bar, len(session.tempos)) == (100.0, 3, 5)
    assert [marker.name for marker in session.markers if marker.name.startswith("1|1")] == ["1|1 A minor"]
    root = inside(export_session(session, "dawproject", tmp_path / "song"))
    assert [str(error) for error in xmlschema.XMLSchema(str(SCHEMA)).iter_errors(root)] == []
    points = [(float(one.get("time")), float(one.get("value"))) for one in root.iter("RealPoint")]
    clip = root.find("Arrangement/Lanes/Lanes/Clips/Clip")

    def seconds(beats):
        """What a DAW makes of a place in beats by the map in the file."""
        ends = [*(at for at, _ in points[1:]), np.inf]
        return sum(max(min(beats, end) - at, 0.0) * 60 / bpm for (at, bpm), end in zip(points, ends, strict=True))

    assert seconds(float(clip.get("time"))) == pytest.approx(REGION_S[0], abs=1e-9)
    assert seconds(float(clip.get("time")) + float(clip.get("duration"))) == pytest.approx(REGION_S[1], abs=1e-9)
    project = rpp.loads(export_session(session, "rpp", tmp_path / "reaper").read_text(encoding="utf-8"))
    [envelope] = blocks(project, "TEMPOENVEX")
    told = [(float(one[1]), float(one[2])) for one in envelope if one[0] == "PT"]
    assert told == [(pytest.approx(at_s), pytest.approx(bpm)) for at_s, bpm in session.tempos]
    tree = ElementTree.parse(export_session(session, "ardour", tmp_path / "ardour"))
    places = [int(one.get("sclock")) / 282_240_000 for one in tree.iter("Tempo")]
    assert places == [pytest.approx(at_s, abs=1e-6) for at_s, _ in session.tempos]


@pytest.mark.parametrize("format", ["dawproject", "rpp", "ardour"])
def test_beats_that_were_heard_in_what_a_part_left_lie_where_that_part_lies(stem, mix, tmp_path, format):
    mix.unlink()
    music = music_of([stem])
    session = session_of([stem], heard=DRIFTING, heard_in=music)
    assert music not in (mix, stem)
    assert [at_s for at_s, _ in session.tempos[1:]] == pytest.approx([REGION_S[0] + at_s for at_s in DRIFTING.beats_s])
    bar_s = REGION_S[0] + DRIFTING.first_s
    place = export_session(session, format, tmp_path / "song")
    if format == "dawproject":
        [marker] = [one for one in inside(place).iter("Marker") if one.get("name") == "1|1 A minor"]
        assert float(marker.get("time")) == pytest.approx(session.beats(bar_s))
    elif format == "rpp":
        [at_s] = [one.split()[2] for one in place.read_text().splitlines() if "MARKER" in one and "1|1" in one]
        assert float(at_s) == pytest.approx(bar_s)
    else:
        [mark] = [one for one in ElementTree.parse(place).iter("Location") if one.get("name") == "1|1 A minor"]
        assert int(mark.get("start")[1:]) / 282_240_000 == pytest.approx(bar_s)


def test_the_metadata_of_a_dawproject_fit_too(stem, tmp_path):
    place = export_session(session_of([stem], bpm=120, title=ODD), "dawproject", tmp_path / "song")
    with zipfile.ZipFile(place) as archive:
        data = ElementTree.fromstring(archive.read("metadata.xml"))
    own = xmlschema.XMLSchema(str(ROOT / "tests/data/dawproject.xsd"))
    assert [str(error) for error in own.iter_errors(data)] == []
    assert data.findtext("Title") == ODD


def test_a_reaper_project_keeps_tempo_markers_colours_gains_and_odd_names(stem, tmp_path):
    session = session_of([stem], bpm=93.5, beats_per_bar=3, markers=(SessionMarker(ODD, 0.125),))
    tracks = (
        replace(session.tracks[0], name=ODD, gain_db=-6.0, colour="#ff8000"),
        replace(session.tracks[1], muted=True),
    )
    place = export_session(replace(session, tracks=tracks), "rpp", tmp_path / "song.rpp")
    assert place == tmp_path / "song" / "song.rpp"
    project = rpp.loads(place.read_text(encoding="utf-8"))
    assert list(map(float, line(project, "TEMPO"))) == [93.5, 3, 4]
    marks = [list(one)[2:4] for one in project if not isinstance(one, rpp.Element) and one[0] == "MARKER"]
    assert [(float(at), name) for at, name in marks] == [(0.125, ODD), (0.25, "0.25-0.5s")]
    loud, quiet = blocks(project, "TRACK")
    assert line(loud, "NAME") == [ODD]
    assert int(line(loud, "PEAKCOL")[0]) == 0x1000000 | 0x0080FF
    assert float(line(loud, "VOLPAN")[0]) == pytest.approx(10 ** (-6 / 20))
    assert (line(loud, "MUTESOLO")[0], line(quiet, "MUTESOLO")[0]) == ("0", "1")


READ = """s = load_session("{folder}", "{name}")
assert (s, "not loaded")
local said = io.open ("{said}", "w")
for r in s:get_routes ():iter () do
  local t = r:to_track ()
  if not t:isnil () then
    for g in t:playlist ():region_list ():iter () do
      said:write (string.format ("%s|%d|%d|%.4f|%d|%08x\\n", r:name (), g:position ():samples (),
        g:length ():samples (), r:gain_control ():get_value (), r:mute_control ():get_value (),
        r:presentation_info_ptr ():color ()))
    end
  end
end
for l in s:locations ():list ():iter () do
  said:write (string.format ("at %d %s\\n", l:start ():samples (), l:name ()))
end
local map = Temporal.TempoMap.read ()
local zero = Temporal.timepos_t (0)
said:write (string.format ("%.4f %d\\n", map:quarters_per_minute_at (zero), map:meter_at (zero):divisions_per_bar ()))
said:close ()"""


@pytest.mark.skipif(shutil.which("ardour7-lua") is None, reason="ardour7-lua is not installed")
def test_ardour_opens_its_session_and_plays_the_mix(run, noise, tmp_path):
    """Opened by Ardour itself, headless; what it plays is the part of the mix, within one step of 24 bits."""
    mix = noise("song.wav", rate_hz=RATE_HZ, seconds=0.7, subtype="PCM_24")
    other = noise("mono.wav", rate_hz=RATE_HZ, channels=1, seconds=0.2, subtype="PCM_24", seed=1)
    [result] = run(input=mix, regions_s=(REGION_S,), region_s=None).results
    session = session_of([result.stem, other], bpm=93.5, beats_per_bar=3, markers=(SessionMarker("Verse", 0.125),))
    place = export_session(session, "ardour", tmp_path / "daw" / "song")
    opened, said = ArdourSession(place.parent, RATE_HZ), tmp_path / "said.txt"
    opened.lua(READ.format(folder=opened.folder, name=opened.name, said=said))
    assert said.read_text().splitlines() == [
        "violin|12000|12000|1.0000|0|4c8dffff",
        "without violin|12000|12000|1.0000|0|8a8f98ff",
        "mono|0|9600|1.0000|0|ff8a3dff",
        "at 0 session",
        "at 6000 Verse",
        "at 12000 0.25-0.5s",
        "93.5000 3",
    ]
    heard_NC = soundfile.read(opened.export("render", 0, 24_000), dtype="float64")[0]
    wanted_NC = np.zeros((24_000, 2))
    wanted_NC[12_000:] = soundfile.read(mix)[0][12_000:24_000]
    wanted_NC[:9600] += soundfile.read(other)[0][:9600, None]
    assert np.abs(wanted_NC).max() > 0.05
    assert np.abs(heard_NC[:24_000] - wanted_NC).max() <= 2 * 2.0**-23


def test_of_several_stems_of_a_mix_the_rests_are_muted_and_it_is_said(run, mix, tmp_path):
    results = run(input=mix, prompts=("violin", "bass")).results
    session = session_of([Path(results[0].stem).parent])
    assert {track.name: track.muted for track in session.tracks} == {
        "violin": False, "without violin": True, "bass": False, "without bass": True,
    }  # fmt: skip
    assert any("muted" in note for note in session.notes)
    assert not any(track.muted for track in session_of([results[0].stem]).tracks)
    assert len({track.colour for track in session.tracks}) == 3


def test_a_json_brings_its_whole_result_and_a_folder_all_results(run, mix, tmp_path):
    [result] = run(input=mix).results
    ways = [[result.sidecar], [Path(result.stem).parent], [result.stem], [result.rest, result.stem]]
    names = [sorted(track.file.name for track in session_of(way).tracks) for way in ways]
    assert names == [names[0]] * len(ways)
    assert [track.name for track in session_of([result.rest]).tracks] == ["without violin"]


def test_what_the_clip_guard_took_the_session_gives_back(run, mix, tmp_path):
    [result] = run(input=mix).results
    beside = Path(result.sidecar)
    beside.write_text(beside.read_text().replace('"gain_db": 0.0', '"gain_db": -1.5'))
    assert [track.gain_db for track in session_of([result.stem]).tracks] == [1.5, 1.5]


def test_the_tempo_is_the_tags_and_else_120_which_is_said(stem, mix):
    assert session_of([stem]).bpm == 120
    assert any("--tempo" in note for note in session_of([stem]).notes)
    acid = bytes(20) + struct.pack("<f", 93.5)
    wav = stem.read_bytes() + b"acid" + struct.pack("<I", len(acid)) + acid
    stem.write_bytes(wav[:4] + struct.pack("<I", len(wav) - 8) + wav[8:])
    assert session_of([stem]).bpm == pytest.approx(93.5)
    assert session_of([stem]).notes == ()
    assert session_of([stem], bpm=100.0).bpm == 100.0


def test_files_that_no_json_speaks_of_lie_where_broadcast_wave_says(tmp_path):
    from oschelp import write_broadcast_wav

    sound_NC = np.zeros((100, 1), np.float32)
    hour = 3600 * RATE_HZ
    paths = [
        write_broadcast_wav(tmp_path / f"{start}.wav", sound_NC, RATE_HZ, "PCM_16", hour + start) for start in (500, 20)
    ]
    assert [track.start_samples for track in session_of(paths).tracks] == [480, 0]


@pytest.mark.parametrize("format", SESSION_FORMATS)
def test_nothing_is_overwritten_and_nothing_half_is_left(stem, tmp_path, format):
    session = session_of([stem])
    out = tmp_path / "daw" / "song"
    first = export_session(session, format, out)
    before = everything_in(out.parent)
    second = export_session(session, format, out)
    assert first != second
    assert everything_in(out.parent).items() >= before.items()
    after = everything_in(out.parent)
    gone = replace(session, tracks=(replace(session.tracks[0], file=tmp_path / "gone.wav"),))
    with pytest.raises(Exception, match="cannot write to"):
        export_session(gone, format, out)
    assert everything_in(out.parent) == after


def track_of(path: Path, rate_hz: int) -> SessionTrack:
    soundfile.write(path, np.zeros(10), rate_hz)
    return SessionTrack(name=path.stem, file=path, rate_hz=rate_hz, channels=1, samples=10)


def test_ardour_refuses_what_it_cannot_hold_and_leaves_nothing(tmp_path):
    tracks = tuple(track_of(tmp_path / f"{rate}.wav", rate) for rate in (44_100, 48_000))
    session = DawSession(title="x", tracks=tracks)
    with pytest.raises(RequestError, match="44100 and 48000 Hz"):
        export_session(session, "ardour", tmp_path / "daw" / "x")
    with pytest.raises(RequestError, match="keeps its sounds inside"):
        export_session(replace(session, tracks=tracks[:1]), "ardour", tmp_path / "daw" / "x", link=True)
    assert everything_in(tmp_path / "daw") == {}


def test_a_linked_project_holds_no_sound(stem, tmp_path):
    session = session_of([stem])
    place = export_session(session, "rpp", tmp_path / "daw" / "song", link=True)
    assert [path.name for path in place.parent.iterdir()] == ["song.rpp"]
    assert str(stem) in place.read_text(encoding="utf-8")
    packed = export_session(session, "dawproject", tmp_path / "daw" / "song", link=True)
    with zipfile.ZipFile(packed) as archive:
        assert sorted(archive.namelist()) == ["metadata.xml", "project.xml"]
    assert inside(packed).find(".//File").attrib == {"path": str(stem), "external": "true"}


def test_sounds_of_one_name_from_two_folders_both_come(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    tracks = tuple(track_of(tmp_path / folder / "x.wav", 44_100 + 3_900 * (folder == "b")) for folder in "ab")
    place = export_session(DawSession(title="x", tracks=tracks), "rpp", tmp_path / "two")
    assert sorted(path.name for path in (place.parent / "Media").iterdir()) == ["x (2).wav", "x.wav"]


def test_the_command_tells_where_it_is_and_what_it_mutes(run, mix, tmp_path, capsys):
    [result] = run(input=mix).results
    words = [
        "export-session",
        "--format",
        "rpp",
        result.stem,
        tmp_path / "song",
        "--tempo",
        "90",
        "--marker",
        "0:00.5=B",
        "--marker",
        f"{RATE_HZ // 4}smp=A",
    ]
    said = say(capsys, None, [*words, "--json"])
    assert said.code == 0, said.err
    assert said.json["bpm"] == 90
    assert [track["name"] for track in said.json["tracks"]] == ["violin", "without violin"]
    lines = Path(said.json["session"]).read_text(encoding="utf-8").splitlines()
    markers = [line.split()[2:4] for line in lines if "MARKER" in line]
    assert [(float(at_s), name.strip('"')) for at_s, name in markers] == [(0.25, "A"), (0.5, "B")]
    said = say(capsys, None, words)
    assert said.out.splitlines() == [str(tmp_path / "song (2)" / "song (2).rpp"), "2 tracks, 90 beats per minute"]


REFUSED = {
    "gone.wav OUT --format rpp": "gone.wav; check the path",
    "STEM OUT --format rpp --tempo fast": "'fast' is not a tempo",
    "STEM OUT --format rpp --tempo 5": "a tempo of 5 is not allowed; give 20 to 400",
    "STEM OUT --format rpp --meter 0": "0 beats in a bar are not allowed",
    "STEM OUT --format rpp --marker Chorus": "'Chorus' is not a marker",
    "STEM OUT --format rpp --marker 1:2:3=Chorus": "'1:2:3' is no place",
    "STEM OUT --format als": "invalid choice: 'als'",
    "EMPTY OUT --format rpp": "there is no result in the folder",
    "STEM --format rpp": "required: OUT",
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_become_a_session_is_one_sentence_and_no_file(stem, tmp_path, capsys, words):
    (tmp_path / "empty").mkdir()
    known = {"STEM": stem, "OUT": tmp_path / "daw" / "x", "EMPTY": tmp_path / "empty"}
    said = say(capsys, None, ["export-session", *(known.get(word, word) for word in words.split())])
    assert said.code == 2
    assert REFUSED[words] in said.err
    assert said.err.count("\n") == 1
    assert not (tmp_path / "daw").exists() or everything_in(tmp_path / "daw") == {}


def test_a_file_that_its_json_names_and_that_is_gone_is_missed(run, mix):
    [result] = run(input=mix).results
    Path(result.rest).unlink()
    with pytest.raises(AudioError, match=r"the rest .* is gone"):
        session_of([result.sidecar])
    assert len(session_of([result.stem]).tracks) == 1


@pytest.mark.slow
def test_the_tempo_that_is_heard_is_that_of_the_clicks(tmp_path):
    pytest.importorskip("librosa")
    from engine.session.tempo import hear_tempo

    stroke_N = np.random.default_rng(0).standard_normal(2000) * np.exp(-np.arange(2000) / 400)
    sound_N = np.zeros(20 * 22_050)
    for beat in range(36):
        sound_N[round(beat * 22_050 * 60 / 112) :][:2000] += 0.5 * stroke_N
    soundfile.write(tmp_path / "clicks.wav", sound_N, 22_050)
    assert hear_tempo(tmp_path / "clicks.wav").bpm == pytest.approx(112, abs=0.5)
    soundfile.write(tmp_path / "silence.wav", np.zeros(22_050), 22_050)
    with pytest.raises(RequestError, match="no steady beat"):
        hear_tempo(tmp_path / "silence.wav")


SIDECAR = {
    "fluxstem_sidecar": 1, "task": "isolate", "prompt": "bass", "stem": "a.wav", "rest": None, "mix": None,
    "input": "/nowhere/mix.wav", "input_sha256": "0", "start_samples": 0, "rate_hz": 8000, "gain_db": 0.0,
    "region_s": None, "regions_s": [],
}  # fmt: skip
WRONG = [
    None, True, -5, 0, 1e400, float("nan"), 10**400, 2**63, "", "x", "a" * 5000, "\ud800",
    "\x01\x00<&>\"\u2028]]>", "\0", "../../x", "..", [], [1], {}, {"a": 1},
]  # fmt: skip


@pytest.fixture
def odd(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((80, 2)), 8000)

    def written(**values: object) -> Path:
        (tmp_path / "a.json").write_text(json.dumps(SIDECAR | values))
        return tmp_path / "a.wav"

    return written


@pytest.mark.parametrize("name", [*SIDECAR, "title"])
def test_whatever_stands_in_a_strangers_sidecar_costs_a_sentence_at_most(odd, name):
    for value in WRONG:
        file = odd(**{name: value})
        for what in (session_of, music_of):
            for path in (file, file.with_suffix(".json")):
                with contextlib.suppress(RequestError):
                    what([path])
        stem_source(file)


@pytest.mark.parametrize("value", [one for one in WRONG if isinstance(one, str) and one] + ["<MARKER 1 0 evil\n>"])
def test_no_text_of_a_stranger_breaks_out_of_a_project(odd, tmp_path, value):
    session = replace(session_of([odd(prompt=value, input=f"/nowhere/{value}")]), title=value)
    session = replace(session, markers=(SessionMarker(value, 0.0),))
    inside(export_session(session, "dawproject", tmp_path / "out" / "x"))
    [ardour] = [export_session(session, "ardour", tmp_path / "out" / "y")]
    ElementTree.fromstring(ardour.read_bytes())
    text = export_session(session, "rpp", tmp_path / "out" / "z").read_text(encoding="utf-8")
    assert len(blocks(rpp.loads(text), "TRACK")) == 1
    assert sum(line.lstrip().startswith("MARKER ") for line in text.splitlines()) == 1


def test_a_file_whose_name_is_no_text_gets_one_that_is(tmp_path):
    name = os.fsdecode(b"a\xff\x01.wav")
    soundfile.write(os.fsencode(tmp_path / name), np.zeros((80, 2)), 8000, format="WAV")
    session = session_of([tmp_path / name])
    with zipfile.ZipFile(export_session(session, "dawproject", tmp_path / "x")) as archive:
        assert "audio/a  .wav" in archive.namelist()
    with pytest.raises(RequestError, match="no project can hold"):
        export_session(session, "rpp", tmp_path / "y", link=True)
