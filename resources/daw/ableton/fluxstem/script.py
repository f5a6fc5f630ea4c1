"""The control surface: takes orders by OSC, has the bridge do the work, and puts what comes back onto new tracks.

Live calls everything here on its main thread, so nothing may wait: sockets are looked at ten times a second, and a job
is a few packets now and then.

    /fluxstem/live/run TASK PROMPT [NAME=VALUE ...]     do a task, most with the selected clip
    /fluxstem/live/cancel                               stop it
    /fluxstem/live/status                               how it stands
    /fluxstem/live/answer PORT                          hear the answers there (Max sends and receives apart); 0 ends it

Every order is answered by ``/fluxstem/live/said STATE FRACTION TEXT`` to where it came from, and so is every change.
"""

import contextlib
import os
import re
import socket
import time

import Live
from ableton.v2.control_surface import ControlSurface

from . import clip as clips
from .bridge import Job
from .cut import cut
from .osc import decode, encode

PORT = 11102
NEEDED = (12, 0, 5)  # Track.create_audio_clip
TICKS = 1  # of about 100 ms
ORDERS_PER_TICK = 20
PREFIX = "/fluxstem/live/"

# Task -> what a clip is to it, how many of its tracks are heard, and whether they stand for the clip, which is then
# switched off. "part": what the clip plays is sent, and comes back. "file": the file comes back with that part changed.
# "gap": the loop brace says what to fill. "end": what follows the file. "nothing": no clip; it goes to the playhead.
TASKS = {
    "isolate": ("part", 2, True),
    "remove": ("part", 1, True),
    "regenerate": ("part", 1, False),
    "replace": ("file", 1, True),
    "restyle": ("file", 1, True),
    "inpaint": ("gap", 1, True),
    "extend": ("end", 1, True),
    "generate": ("nothing", 1, False),
    "arrange": ("nothing", 1, False),
}
NOTHING = ("", "-")  # what the patch sends for a field that is empty


class Fluxstem(ControlSurface):
    """The script, as long as it is chosen in Live's settings."""

    def __init__(self, c_instance):
        super().__init__(c_instance)
        self._job = None
        self._client = None
        self._answer_port = 0
        self._state, self._fraction, self._text = "idle", 0.0, "ready"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind(("127.0.0.1", int(os.environ.get("FLUXSTEM_LIVE_PORT") or PORT)))
        except OSError as error:
            self._say("failed", 0.0, f"port {PORT} is taken ({error.strerror}); is the script chosen twice?")
        self.port = self._socket.getsockname()[1]
        self.schedule_message(TICKS, self._tick)

    def disconnect(self):
        """Live closes, or another script was chosen."""
        if self._job is not None:
            self._job.close()
            self._job = None
        self._socket.close()
        super().disconnect()

    # Orders.

    def _tick(self):
        if self._socket.fileno() < 0:
            return
        for _ in range(ORDERS_PER_TICK):
            try:
                packet, self._client = self._socket.recvfrom(65536)
            except BlockingIOError:
                break
            except OSError:  # the asker of before is gone, as Windows tells here
                continue
            try:
                address, args = decode(packet)
            except ValueError as error:
                self._say("failed", 0.0, str(error))
                continue
            self._obey(address, args)
        if self._job is not None:
            self._job.poll()
        self.schedule_message(TICKS, self._tick)

    def _obey(self, address, args):
        order = address[len(PREFIX) :] if address.startswith(PREFIX) else ""
        try:
            if order == "run":
                self._run([str(arg) for arg in args])
            elif order == "cancel":
                self._cancel()
            elif order == "answer":
                self._answer_at(args[0] if args else 0)
            elif order == "status":
                self._say(self._state, self._fraction, self._text)
            else:
                raise clips.UnusableClip(f"there is no order {address}; send run, cancel, status or answer")
        except clips.UnusableClip as error:
            self._say(self._state if self._job is not None else "failed", self._fraction, str(error))
        except Exception as error:  # an error that left this method would stop the script until Live starts again
            self.log_message(f"Fluxstem: {error!r}")
            self._say("failed", 0.0, f"a fault of the script ({type(error).__name__}); Live's log tells more")

    def _run(self, words):
        if self._job is not None:
            raise clips.UnusableClip("one clip after the other; wait for this one, or cancel it")
        if len(words) < 2:
            raise clips.UnusableClip("say a task and a prompt, as run isolate bass")
        self._check_version()
        task, prompt, *more = words
        if task not in TASKS:
            raise clips.UnusableClip(f"there is no task {task}; choose one of {', '.join(TASKS)}")
        said = _options(more)
        if TASKS[task][0] == "nothing":
            heard, place = None, (None, None, len(_song().tracks), None)
        else:
            chosen = _song().view.detail_clip
            heard, place = clips.read(chosen), _place_of(chosen)
        values = {"prompt": prompt, **_part_of(task, heard, said), **said}
        self._job = Job(
            task, values, time.monotonic, self._on_progress,
            lambda paths, start, length, rate: self._on_done(paths, heard, task, place, start, rate), self._on_fail,
        )  # fmt: skip
        self._say("running", 0.0, f"{task}: {prompt}")

    def _cancel(self):
        if self._job is None:
            raise clips.UnusableClip("there is nothing to cancel")
        self._job.cancel()
        self._say("running", self._fraction, "cancelling")

    def _answer_at(self, port):
        if not isinstance(port, (int, float)) or not 0 <= port <= 65535:
            raise clips.UnusableClip("answer wants the number of a port")
        self._answer_port = int(port)
        self._say(self._state, self._fraction, self._text)

    def _check_version(self):
        live = Live.Application.get_application()
        have = (live.get_major_version(), live.get_minor_version(), live.get_bugfix_version())
        if have < NEEDED:
            raise clips.UnusableClip(
                f"this is Live {'.'.join(map(str, have))}, and putting clips onto tracks needs Live "
                f"{'.'.join(map(str, NEEDED))} or newer; drag the clip's file onto Fluxstem's window instead"
            )

    # What the bridge says.

    def _on_progress(self, fraction, stage):
        self._say("running", fraction, f"{stage}, {round(fraction * 100)} %")

    def _on_fail(self, text):
        self._job = None
        self._say("cancelled" if text == "cancelled" else "failed", 0.0, text)

    def _on_done(self, paths, heard, task, place, start, rate):
        self._job = None
        try:
            if TASKS[task][0] in ("file", "gap", "end"):
                first, last = (round(at_s * rate) - start for at_s in (heard.start_s, heard.end_s))
                paths = [cut(path, first, None if TASKS[task][0] == "end" else last) for path in paths]
            missed = self._bring_in(paths, heard, task, place)
        except Exception as error:  # the set was changed meanwhile, or Live refuses the file
            self.log_message(f"Fluxstem: {error!r}")
            self._say("failed", 1.0, f"Live did not take the stems ({error}); they lie in {os.path.dirname(paths[0])}")
            return
        words = f"done: {len(paths)} new tracks"
        self._say("done", 1.0, words + (f"; set by hand: {', '.join(missed)}" if missed else ""))

    def _bring_in(self, paths, heard, task, place):
        """A new track for each file below the clip's own, the sound at the clip's beat or in its scene."""
        chosen, track, after, scene = place
        song, missed = _song(), []
        if track in list(song.tracks):  # tracks may have come and gone
            after = list(song.tracks).index(track) + 1
        _, audible, instead = TASKS[task]
        beat = song.current_song_time if heard is None else heard.beat
        song.begin_undo_step()
        try:
            for number, path in enumerate(paths):
                at = min(after + number, len(song.tracks))
                song.create_audio_track(at)
                new = song.tracks[at]
                new.name = os.path.splitext(os.path.basename(path))[0]
                new.mute = number >= audible
                made = self._placed(new, path, beat, scene)
                if heard is None:
                    made.warping = False
                else:
                    missed += clips.play_alike(made, heard, Live.Clip.WarpMarker)
            if instead:
                chosen.muted = True
        finally:
            song.end_undo_step()
        return sorted(set(missed))

    @staticmethod
    def _placed(track, path, beat, scene):
        """The new clip, whether Live hands it back or not."""
        if scene is None:
            made = track.create_audio_clip(path, beat)
            return made if made is not None else next(iter(track.arrangement_clips))
        track.clip_slots[scene].create_audio_clip(path)
        return track.clip_slots[scene].clip

    def _say(self, state, fraction, text):
        """Into Live's status bar, and to whoever gave the last order."""
        self._state, self._fraction, self._text = state, fraction, text
        self.show_message("Fluxstem: " + text)
        if self._client is not None:
            with contextlib.suppress(OSError):
                host, port = self._client[0], self._answer_port or self._client[1]
                self._socket.sendto(encode(PREFIX + "said", state, float(fraction), text), (host, port))


def _options(words):
    """NAME=VALUE, several in one word too, with spaces between; a value may have spaces of its own.

    Raises:
        UnusableClip: one of them is something else.
    """
    found = {}
    given = [word.strip() for word in words if word not in NOTHING]
    for word in (one for several in given for one in re.split(r"\s+(?=\w+=)", several)):
        name, equals, value = word.partition("=")
        if not equals or name in ("id", "input"):
            raise clips.UnusableClip(f"{word} is no NAME=VALUE")
        found[name] = value
    return found


def _part_of(task, heard, said):
    """The arguments that say which file, and which part of it."""
    takes = TASKS[task][0]
    if takes == "nothing":
        return {}
    found = {"input": heard.path}
    if takes in ("part", "file"):
        found.update(start=repr(heard.start_s), end=repr(heard.end_s))
    elif takes == "gap" and not {"start", "end", "regions"} & set(said):
        song = _song()
        start_s, end_s = heard.gap(song.loop_start, song.loop_length, song.tempo)
        found.update(start=repr(start_s), end=repr(end_s))
    if takes != "part":
        found["format"] = "wav32f"  # the part that the clip plays is cut out of it
    return found


def _place_of(chosen):
    """The clip, its track, where new tracks go, and its scene; None for a clip of the Arrangement."""
    track, scene = chosen.canonical_parent, None
    if not clips.is_arranged(chosen):  # a Session clip lies in a slot of a track
        slot, track = track, track.canonical_parent
        scene = list(track.clip_slots).index(slot)
    tracks = list(_song().tracks)
    return chosen, track, tracks.index(track) + 1 if track in tracks else len(tracks), scene


def _song():
    return Live.Application.get_application().get_document()
