"""Ardour's own window, on a screen of its own, with its dummy sound; driven by keys, clicks and Ardour's OSC.

The scripts of the kit are registered as its Script Manager would: in the file where Ardour keeps what was registered.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from xml.sax.saxutils import escape

from ardoursession import ArdourSession
from oschelp import packed

Found = TypeVar("Found")

PROGRAMS = ("ardour", "ardour7-lua", "Xvfb", "xdotool")
OSC_PORT = 3819
ACTION = 3  # the first two come with Ardour
# One start in some hundreds never shows its window, though the same one takes 10 s a moment later.
START_LIMITS_S = (90.0, 90.0, 240.0)
KEY_ATTEMPTS, KEY_LIMIT_S = 4, 6.0
SIGNALS = "01" + "0" * 47  # the timer of a tenth of a second

_CONFIG = """<?xml version="1.0" encoding="UTF-8"?>
<Ardour>
  <Config>
    <Option name="hide-dummy-backend" value="0"/>
    <Option name="try-autostart-engine" value="1"/>
    <Option name="discover-plugins-on-start" value="0"/>
  </Config>
  <Extra>
    <AudioMIDISetup>
      <EngineStates>
        <State backend="None (Dummy)" driver="Normal Speed" device="Silence" input-device="" output-device=""
          sample-rate="48000" buffer-size="1024" n-periods="0" input-latency="0" output-latency="0" lm-input=""
          lm-output="" active="1" use-buffered-io="0" midi-option="No MIDI I/O" lru="1700000000">
          <MIDIDevices/>
        </State>
      </EngineStates>
    </AudioMIDISetup>
  </Extra>
</Ardour>
"""

_PROTOCOLS = """<ControlProtocols>
    <Protocol name="Open Sound Control (OSC)" active="1"/>
  </ControlProtocols>"""

# What the Script Manager keeps of a script: its text and its factory, compiled.
_REGISTER = """
local function kept (path)
  local file = io.open (path)
  local text = file:read ("a")
  file:close ()
  local found
  local scope = setmetatable ({{ ardour = function (about) found = about end }}, {{ __index = _G }})
  load (text, path, "t", scope) ()
  return found, text, string.dump (scope.factory)
end
local out = io.open ("{out}", "w")
local about, text, code = kept ("{action}")
local slot = "scripts[{place}]"
out:write ("scripts = {{}} ", slot, " = {{}} ", slot, "[\\"n\\"] = ", ("%q"):format (about.name), " ")
out:write (slot, "[\\"a\\"] = {{}} ", slot, "[\\"c\\"] = true ", slot, "[\\"s\\"] = ", ("%q"):format (text), " ")
out:write (slot, "[\\"f\\"] = ", ("%q"):format (code), "\\0")
about, text, code = kept ("{hook}")
out:write ("s = {{}} s[\\"s\\"] = ", ("%q"):format (text), " s[\\"n\\"] = ", ("%q"):format (about.name))
out:write (" s[\\"a\\"] = {{}} s[\\"f\\"] = ", ("%q"):format (code))
out:close ()
"""


def missing_programs() -> list[str]:
    """Those of ``PROGRAMS`` that are not installed."""
    return [program for program in PROGRAMS if shutil.which(program) is None]


@dataclass(frozen=True)
class ArdourWindow:
    """A running Ardour.

    Attributes:
        display: of its screen, as ``:99``.
        config: its folder of settings.
        process: Ardour itself.
    """

    display: str
    config: Path
    process: subprocess.Popen[bytes]

    def do(self, action: str) -> None:
        """Run an action of Ardour by its name, as ``Editor/select-all-objects``."""
        self._say("/access_action", action)

    def save(self) -> None:
        """Save the session."""
        self._say("/save_state")

    def _say(self, *message: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(packed(*message), ("127.0.0.1", OSC_PORT))

    def listens(self) -> bool:
        """Whether Ardour's OSC has its port already."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("0.0.0.0", OSC_PORT))
            except OSError:
                return True
            return False

    def call_script(self) -> None:
        """The action that the kit's script was given."""
        self.do(f"LuaAction/script-{ACTION}")

    def xdotool(self, *words: object) -> str:
        """Run xdotool on its screen; empty where it finds nothing."""
        return subprocess.run(
            ["xdotool", *map(str, words)], env={**os.environ, "DISPLAY": self.display}, capture_output=True, text=True,
            timeout=60, check=False,
        ).stdout.strip()  # fmt: skip

    def shows(self, title: str) -> str:
        """Ids of the visible windows of that title, a line each; empty where there is none."""
        return self.xdotool("search", "--onlyvisible", "--name", f"^{re.escape(title)}$")

    def window(self, title: str, limit_s: float = 60.0) -> str:
        """The id of a visible window, by its whole title."""
        return self.until(lambda: self.shows(title), title, limit_s).splitlines()[-1]

    def keys(self, window: str, *keys: str) -> None:
        """Press keys in a window."""
        self.xdotool("windowfocus", window)
        for key in keys:
            time.sleep(0.3)
            self.xdotool("key", "--window", window, key)

    def confirm(self, dialog: str) -> None:
        """Press OK in a dialog of the kit until it is gone: without a window manager keys are lost now and then."""
        for _ in range(KEY_ATTEMPTS):
            self.keys(dialog, "alt+o")
            end_s = time.monotonic() + KEY_LIMIT_S
            while time.monotonic() < end_s:
                if dialog not in self.shows("Fluxstem").splitlines():
                    return
                time.sleep(0.3)

    def choose_first(self, dialog: str) -> None:
        """Choose the first entry of the list in the first row of a dialog of the kit."""
        time.sleep(2.0)  # it is drawn
        self.xdotool("mousemove", "--window", dialog, 370, 20, "click", 1)
        time.sleep(2.0)  # the list is open, and has the keys
        for key in ("Home", "Return"):
            self.xdotool("key", key)
            time.sleep(0.5)

    def shot(self, path: Path) -> None:
        """A picture of the screen, where ImageMagick is there to take it."""
        if shutil.which("import"):
            subprocess.run(["import", "-display", self.display, "-window", "root", str(path)], check=False, timeout=60)

    def until(self, look: Callable[[], Found], what: str, limit_s: float = 120.0) -> Found:
        """Look again and again until there is something.

        Raises:
            AssertionError: there was nothing in all that time.
        """
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            if found := look():
                return found
            assert self.process.poll() is None, "Ardour has ended"
            time.sleep(0.3)
        self.shot(self.config / "failed.png")
        raise AssertionError(f"{what} did not come; {self.config / 'failed.png'} shows the screen")


@contextmanager
def ardour_window(session: ArdourSession, home: Path, kit: Path) -> Iterator[ArdourWindow]:
    """Open a session in the window, with the two scripts of the kit registered; everything ends with the block."""
    config = home / ".config" / "ardour7"
    (config / "scripts").mkdir(parents=True)
    (config / ".a7").touch()  # the assistant of the first start has been seen
    (config / "config").write_text(_CONFIG)
    (config / "ui_scripts").write_bytes(_registered(session, kit, home))
    saved = session.folder / f"{session.name}.ardour"
    protocols = re.compile(r"<ControlProtocols/>|<ControlProtocols>.*?</ControlProtocols>", re.S)
    text, count = protocols.subn(_PROTOCOLS, saved.read_text(encoding="utf-8"))
    assert count == 1, "the session says nothing of what controls it"
    saved.write_text(text, encoding="utf-8")
    with ExitStack() as running:
        for limit_s in START_LIMITS_S:
            try:
                window = running.enter_context(_started(session, home, config, limit_s))
                break
            except NeverShown as error:
                problem = error
        else:
            raise problem
        yield window


class NeverShown(AssertionError):
    """Ardour was started, and its window did not come or its OSC did not listen."""


@contextmanager
def _started(session: ArdourSession, home: Path, config: Path, limit_s: float) -> Iterator[ArdourWindow]:
    """Ardour with its session, on a screen of its own.

    Raises:
        NeverShown: it was not ready in ``limit_s`` seconds; the sentence tells which windows it had and what it said.
    """
    (session.folder / f"{session.name}.pending").unlink(missing_ok=True)  # it would be asked about
    with _screen() as display:
        environment = {**os.environ, "DISPLAY": display, "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config")}
        with (home / "ardour.log").open("wb") as log:
            process = subprocess.Popen(
                ["ardour", "--no-splash", "--no-announcements", str(session.folder), session.name], env=environment,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
            window = ArdourWindow(display, config, process)
            try:
                _wait_for_window(window, session.name, home / "ardour.log", limit_s)
                yield window
            finally:
                process.kill()
                process.wait()


def _wait_for_window(window: ArdourWindow, session: str, log: Path, limit_s: float) -> None:
    title = rf"^\*?{session} - Ardour$"
    try:
        window.until(lambda: window.xdotool("search", "--onlyvisible", "--name", title), "its window", limit_s)
        window.until(window.listens, "its OSC", limit_s)
    except AssertionError as error:
        shown = window.xdotool("search", "--onlyvisible", "--name", ".").split()
        titles = [window.xdotool("getwindowname", number) for number in shown]
        said = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise NeverShown(f"{error}; windows: {titles}; Ardour said: {said}") from error
    time.sleep(2.0)  # it takes orders a little later


def _registered(session: ArdourSession, kit: Path, home: Path) -> bytes:
    out = home / "kept"
    session.lua(
        _REGISTER.format(out=out, action=kit / "fluxstem.lua", hook=kit / "fluxstem_bring_in.lua", place=ACTION)
    )
    first, second = out.read_bytes().split(b"\0s = {}", 1)
    action, hook = (base64.b64encode(part).decode() for part in (first, b"s = {}" + second))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><UIScripts><ActionScript lua="Lua 5.3">{action}</ActionScript>'
        f'<ActionHooks><LuaCallback lua="Lua 5.3" id="100" name="{escape("Fluxstem: bring in")}" signals="{SIGNALS}">'
        f"{hook}</LuaCallback></ActionHooks></UIScripts>"
    ).encode()


@contextmanager
def _screen() -> Iterator[str]:
    read_end, write_end = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write_end), "-screen", "0", "1400x900x24", "-nolisten", "tcp"],
        pass_fds=(write_end,), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(write_end)
    try:
        with os.fdopen(read_end) as told:
            number = told.readline().strip()
        assert number, "no screen"
        yield f":{number}"
    finally:
        server.kill()
        server.wait()
