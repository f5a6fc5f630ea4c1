"""The control surface: takes orders by OSC, has the bridge do the work, and puts what comes back onto new tracks.

Live calls everything here on its main thread, so nothing may wait: sockets are looked at ten times a second, and a job
is a few packets now and then.

    /fluxstem/live/run TASK PROMPT [NAME=VALUE ...]     do a task with the selected clip
    /fluxstem/live/cancel                               stop it
    /fluxstem/live/status                               how it stands
    /fluxstem/live/answer PORT                          hear the answers there (Max sends and receives apart); 0 ends it

Every order is answered by ``/fluxstem/live/said STATE FRACTION TEXT`` to where it came from, and so is every change.
"""

import contextlib
import os
import socket
import time

import Live
from ableton.v2.control_surface import ControlSurface

from . import clip as clips
from .bridge import Job
from .osc import decode, encode

PORT = 11102
NEEDED = (12, 0, 5)  # Track.create_audio_clip
TICKS = 1  # of about 100 ms
ORDERS_PER_TICK = 20
PREFIX = "/fluxstem/live/"

# Task -> how many of its tracks are heard, and whether they stand for the clip, which is then switched off.
HEARD = {
    "isolate": (2, True),
    "remove": (1, True),
    "replace": (1, True),
    "restyle": (1, True),
    "regenerate": (1, False),
}


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
                raise clips.Refused(f"there is no order {address}; send run, cancel, status or answer")
        except clips.Refused as error:
            self._say(self._state if self._job is not None else "failed", self._fraction, str(error))
        except Exception as error:  # an error that left this method would stop the script until Live starts again
            self.log_message(f"Fluxstem: {error!r}")
            self._say("failed", 0.0, f"a fault of the script ({type(error).__name__}); Live's log tells more")

    def _run(self, words):
        if self._job is not None:
            raise clips.Refused("one clip after the other; wait for this one, or cancel it")
        if len(words) < 2:
            raise clips.Refused("say a task and a prompt, as run isolate bass")
        self._check_version()
        task, prompt, *more = words
        if task not in HEARD:
            raise clips.Refused(f"{task} takes no clip; choose one of {', '.join(HEARD)}")
        chosen = _song().view.detail_clip
        heard = clips.read(chosen)
        track = chosen.canonical_parent
        if heard.beat is None:  # a Session clip lies in a slot of a track
            slot, track = track, track.canonical_parent
            scene = list(track.clip_slots).index(slot)
        else:
            scene = None
        values = {"input": heard.path, "prompt": prompt, "start": repr(heard.start_s), "end": repr(heard.end_s)}
        for word in more:
            name, equals, value = word.partition("=")
            if not equals or name in ("id", "input"):
                raise clips.Refused(f"{word} is no NAME=VALUE")
            values[name] = value
        tracks = list(_song().tracks)
        after = tracks.index(track) + 1 if track in tracks else len(tracks)
        place = (chosen, track, after, scene)
        self._job = Job(
            task, values, time.monotonic, self._on_progress,
            lambda paths, start, length, rate: self._on_done(paths, heard, task, place), self._on_fail,
        )  # fmt: skip
        self._say("running", 0.0, f"{task}: {prompt}")

    def _cancel(self):
        if self._job is None:
            raise clips.Refused("there is nothing to cancel")
        self._job.cancel()
        self._say("running", self._fraction, "cancelling")

    def _answer_at(self, port):
        if not isinstance(port, (int, float)) or not 0 <= port <= 65535:
            raise clips.Refused("answer wants the number of a port")
        self._answer_port = int(port)
        self._say(self._state, self._fraction, self._text)

    def _check_version(self):
        live = Live.Application.get_application()
        have = (live.get_major_version(), live.get_minor_version(), live.get_bugfix_version())
        if have < NEEDED:
            raise clips.Refused(
                f"this is Live {'.'.join(map(str, have))}, and putting clips onto tracks needs Live "
                f"{'.'.join(map(str, NEEDED))} or newer; drag the clip's file onto Fluxstem's window instead"
            )

    # What the bridge says.

    def _on_progress(self, fraction, stage):
        self._say("running", fraction, f"{stage}, {round(fraction * 100)} %")

    def _on_fail(self, text):
        self._job = None
        self._say("cancelled" if text == "cancelled" else "failed", 0.0, text)

    def _on_done(self, paths, heard, task, place):
        self._job = None
        try:
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
        audible, instead = HEARD[task]
        song.begin_undo_step()
        try:
            for number, path in enumerate(paths):
                at = min(after + number, len(song.tracks))
                song.create_audio_track(at)
                new = song.tracks[at]
                new.name = os.path.splitext(os.path.basename(path))[0]
                new.mute = number >= audible
                made = self._placed(new, path, heard.beat, scene)
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


def _song():
    return Live.Application.get_application().get_document()
