"""Ardour sessions without a window: made and exported by ardour7-lua, sound put in by hand.

The headless Lua has no import, so a file is copied into the session and named in its XML: a source for each channel,
a whole-file region, and a region in the track's playlist.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

SUPERCLOCK = 282_240_000  # ticks a second, in which Ardour 7 counts time
PRESET = "5f1d7c0a-6c56-4f0e-9a57-0c5f6d2b8e11"
WAV_24_BIT = "e61c1d0f-95bd-48fb-b812-def99dbabe28"  # Ardour's own format "BWAV 24bit Export", which does not dither
LIMIT_S = 600
# Ardour's ports resample for varispeed and are 16 samples late. An export takes that off, but not always: on a busy
# machine one in 25 was late by them as a whole. Without varispeed there is nothing to take off.
CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour><Config><Option name="port-resampler-quality" value="0"/></Config></Ardour>
"""

_REGION = (
    'name="{name}" muted="0" opaque="1" locked="0" video-locked="0" automatic="0" import="0" external="0" hidden="0" '
    'position-locked="0" start="a0" sync-position="a0" stretch="1" shift="1" type="audio" layering-index="0" '
    'envelope-active="0" default-fade-in="0" default-fade-out="0" fade-in-active="0" fade-out-active="0" '
    'scale-amplitude="1" channels="2" source-0="{left}" source-1="{right}" master-source-0="{left}" '
    'master-source-1="{right}"'
)
_PRESET = f"""<?xml version="1.0" encoding="UTF-8"?>
<ExportPreset id="{PRESET}" name="24 bit">
  <ExportFormat id="{WAV_24_BIT}"/>
  <ExportFilename>
    <Folder relative="1" path="export"/>
    <Field name="timespan" enabled="1"/>
  </ExportFilename>
</ExportPreset>
"""


@dataclass(frozen=True)
class ArdourSession:
    """A session on disk, stereo tracks straight to the master.

    Attributes:
        folder: of the session.
        rate_hz: its rate.
    """

    folder: Path
    rate_hz: int

    @property
    def name(self) -> str:
        return self.folder.name

    def create(self, *tracks: str) -> None:
        """Make it, with these tracks."""
        made = "\n".join(
            f'local t = s:new_audio_track(2, 2, nil, 1, "{track}", ARDOUR.PresentationInfo.max_order, '
            f"ARDOUR.TrackMode.Normal, true):front()\n"
            "for c = 0, 1 do t:output():audio(c):connect(s:master_out():input():audio(c):name()) end"
            for track in tracks
        )
        self.lua(f's = create_session("{self.folder}", "{self.name}", {self.rate_hz})\n{made}\ns:save_state("")')

    def place(self, track: str, sound: Path, position: int, apart: bool = False) -> None:
        """Let a track play one stereo file at a position in samples, and nothing else.

        Args:
            track: its name.
            sound: the file.
            position: where it begins, samples.
            apart: True means that each channel becomes a file of its own, as Ardour's import does it.
        """
        folder = self.folder / "interchange" / self.name / "audiofiles"
        shutil.copyfile(sound, folder / sound.name)
        files = [(sound.name, 0), (sound.name, 1)]
        if apart:
            audio_NC, _ = soundfile.read(sound, dtype="float32")
            files = [(f"{sound.stem}%{side}.wav", 0) for side in "LR"]
            for channel, (name, _) in enumerate(files):
                soundfile.write(folder / name, audio_NC[:, channel], self.rate_hz, subtype="FLOAT")
        length = soundfile.info(sound).frames * SUPERCLOCK // self.rate_hz
        path = self.folder / f"{self.name}.ardour"
        text = path.read_text(encoding="utf-8")
        number = int(re.search(r'id-counter="(\d+)"', text)[1]) + 1000
        left, right, whole, played = range(number, number + 4)
        region = _REGION.format(name=sound.stem, left=left, right=right)
        sources = "".join(
            f'<Source name="{name}" take-id="" type="audio" flags="" id="{left + place}" channel="{channel}" origin="" '
            'gain="1"/>'
            for place, (name, channel) in enumerate(files)
        )
        text = _into(text, "Sources", sources)
        text = _into(text, "Regions", f'<Region {region} whole-file="1" length="a{length}@a0" id="{whole}"/>')
        at = position * SUPERCLOCK // self.rate_hz
        placed = f'<Region {region} whole-file="0" length="a{length}@a{at}" id="{played}"/>'
        playlist = re.compile(rf'(<Playlist id="\d+" name="{track}"[^>]*?)(?:/>|>.*?</Playlist>)', re.S)
        text, count = playlist.subn(lambda found: f"{found[1]}>{placed}</Playlist>", text)
        assert count == 1, f"the session has no track {track}"
        path.write_text(re.sub(r'id-counter="\d+"', f'id-counter="{number + 4}"', text, count=1), encoding="utf-8")

    def render(self, name: str, start: int, end: int) -> Path:
        """Export until two exports in a row hold the same samples: those of a busy machine are now and then late."""
        first = self.export(name, start, end)
        for k in range(4):
            second = self.export(f"{name}-{k}", start, end)
            if np.array_equal(*(soundfile.read(path, dtype="int32")[0] for path in (first, second))):
                return second
            first = second
        raise AssertionError(f"five exports of {name} differ, each from the one before")

    def export(self, name: str, start: int, end: int, then: str = "") -> Path:
        """Export a range of the master as 24-bit broadcast WAV; ``then`` is more Lua, after it."""
        out = self.folder / "export"
        self.lua(f"""s = load_session("{self.folder}", "{self.name}")
            local e = s:simple_export()
            e:set_folder("{out}"); e:set_name("{name}"); e:set_range({start}, {end})
            assert(e:set_preset("{PRESET}")); assert(e:run_export())
            {then}""")
        return out / f"{name}.wav"

    def lua(self, code: str) -> None:
        """Run a script; it may use the global ``s`` for the session."""
        config = self.folder.parent / "config"
        (config / "ardour7" / "export").mkdir(parents=True, exist_ok=True)
        (config / "ardour7" / "export" / "24.preset").write_text(_PRESET)
        (config / "ardour7" / "config").write_text(CONFIG)
        script = self.folder.parent / "script.lua"
        script.write_text(f'{code}\nclose_session()\nprint("SCRIPT " .. "DONE")\n')
        # Ardour 7.3 sometimes stops by its own faults: on leaving, when everything is done, which does not count, or
        # (seen twice) on the way, which is worth another try. What counts is that the script came to its end.
        for _ in range(3):
            said = subprocess.run(
                ["ardour7-lua", str(script)], env={**os.environ, "XDG_CONFIG_HOME": str(config)}, capture_output=True,
                text=True, timeout=LIMIT_S, stdin=subprocess.DEVNULL, check=False,
            )  # fmt: skip
            if "SCRIPT DONE" in said.stdout + said.stderr:
                break
        assert "SCRIPT DONE" in said.stdout + said.stderr, f"ended with {said.returncode}: {said.stdout + said.stderr}"


def _into(text: str, element: str, inner: str) -> str:
    if f"<{element}/>" in text:
        return text.replace(f"<{element}/>", f"<{element}>{inner}</{element}>", 1)
    assert f"</{element}>" in text
    return text.replace(f"</{element}>", f"{inner}</{element}>", 1)
