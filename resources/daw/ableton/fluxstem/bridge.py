"""One job at a time at a Fluxstem bridge, over UDP, without ever waiting: ``poll`` is called many times a second.

What may get lost is said again until it is answered; the bridge takes the same id as the same job. The bridge wants
proof of its token, which lies in a file that only its user can read.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import socket
import sys
import uuid

from .osc import decode, encode

PREFIX = "/fluxstem/"
PORT = 11100
AGAIN_S = 0.5
GONE_S = 20.0
PACKETS_PER_POLL = 50


def user_folder():
    """The bridge's folder in the user's data, as Fluxstem chooses it."""
    home = os.path.expanduser("~")
    if sys.platform == "win32":
        data = os.environ.get("LOCALAPPDATA") or os.path.join(home, "AppData", "Local")
    elif sys.platform == "darwin":
        data = os.path.join(home, "Library", "Application Support")
    else:
        data = os.environ.get("XDG_DATA_HOME") or os.path.join(home, ".local", "share")
    return os.environ.get("FLUXSTEM_BRIDGE_HOME") or os.path.join(data, "fluxstem", "bridge")


def bridge_port(folder):
    """The port that the bridge's state file tells, else the usual one."""
    try:
        with open(os.path.join(folder, "state.json"), encoding="utf-8") as stream:
            return int(json.load(stream)["udp_port"])
    except (OSError, ValueError, KeyError, TypeError):
        return PORT


class Job:
    """One job, from the question which arguments its task takes to its end.

    Args:
        task: as ``isolate``.
        values: name -> value of each argument that is given; places are texts.
        clock: gives seconds.
        on_progress: called with a fraction and words.
        on_done: called with the paths, and start and length in samples and the rate.
        on_fail: called with a sentence.
    """

    def __init__(self, task, values, clock, on_progress, on_done, on_fail):
        self.id = "live-" + uuid.uuid4().hex[:12]
        self._task, self._values, self._clock = task, values, clock
        self._on_progress, self._on_done, self._on_fail = on_progress, on_done, on_fail
        self._folder = user_folder()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(("127.0.0.1", bridge_port(self._folder)))
        self._names = None  # of the task's arguments, once the bridge told them
        self._accepted = False
        self._cancelling = False
        self._said_s = float("-inf")
        self._heard_s = clock()
        self.ended = False

    def cancel(self):
        """Have it stopped; the end comes as a failure."""
        self._cancelling, self._said_s = True, float("-inf")

    def poll(self):
        """Hear what came, and say again what is not answered."""
        for _ in range(PACKETS_PER_POLL):
            if self.ended:
                return
            try:
                packet = self._socket.recv(65536)
            except BlockingIOError:
                break
            except OSError:  # nobody listens there; the clock below decides when that is for good
                break
            try:
                self._hear(*decode(packet))
            except ValueError:
                continue
        if self.ended:
            return
        now_s = self._clock()
        if now_s - self._heard_s > GONE_S:
            self._end(self._on_fail, "no Fluxstem bridge answers; start one with: fluxstem bridge")
        elif now_s - self._said_s > AGAIN_S:
            self._said_s = now_s
            self._say_next()

    def close(self):
        """Hang up; the job goes on unless it was cancelled."""
        if not self.ended:
            self.ended = True
            self._send("bye")
            self._socket.close()

    def _say_next(self):
        if self._names is None:
            self._send("help", self._task)
        elif not self._accepted:
            self._send(self._task, self.id, *self._arguments())
        elif self._cancelling:
            self._send("cancel", self.id)
        else:
            self._send("result", self.id)

    def _arguments(self):
        """The values in the places that the bridge's own table says; nil leaves one out."""
        given = [self._values.get(name) for name in self._names]
        while given and given[-1] is None:
            given.pop()
        return given

    def _hear(self, address, args):
        self._heard_s = self._clock()
        name = address[len(PREFIX) :] if address.startswith(PREFIX) else ""
        mine = bool(args) and str(args[0]) == self.id
        if name == "error":
            self._on_error(args)
        elif name == "challenge" and args:
            self._prove(str(args[0]))
        elif name == "welcome":
            self._say_next()
        elif name == "help.reply" and len(args) > 1 and args[0] == PREFIX + self._task and self._names is None:
            self._on_table(str(args[1]))
        elif name == "help.end" and self._names is None:
            self._end(self._on_fail, f"this bridge has no task {self._task}")
        elif name == "ack" and mine:
            self._accepted = True
            if self._cancelling:
                self._say_next()
        elif name == "progress" and mine and len(args) > 2:
            self._accepted = True
            self._on_progress(float(args[1]), str(args[2]))
        elif name == "done" and mine:
            self._on_end(args)
        elif name == "fail" and (mine or not self._accepted) and len(args) > 2:
            self._end(self._on_fail, str(args[2]))
        elif name == "cancelled" and mine:
            self._end(self._on_fail, "cancelled")

    def _on_table(self, signature):
        """``id:s, input:s, prompt:s, [start:f s]`` names the arguments in order, the id first."""
        names = [word.strip().strip("[]").split(":")[0] for word in signature.split(",")]
        unknown = sorted(set(self._values) - set(names))
        if unknown:
            self._end(self._on_fail, f"{self._task} takes no {', '.join(unknown)}")
            return
        self._names = names[1:]
        self._say_next()

    def _on_error(self, args):
        if len(args) > 2 and args[1] == "token":
            self._send("hello")
        elif len(args) > 2 and args[1] in ("unknown", "arguments", "packet"):
            self._end(self._on_fail, str(args[2]))

    def _prove(self, nonce):
        """Answer a challenge, unless a program in between passes on another bridge's: a nonce begins with the port."""
        try:
            port = int.from_bytes(base64.urlsafe_b64decode(nonce)[:2], "big")
        except ValueError:
            port = 0
        if port != self._socket.getpeername()[1]:
            self._end(self._on_fail, "what answers there is not your Fluxstem bridge")
            return
        try:
            with open(os.path.join(self._folder, "token"), "rb") as stream:
                token = stream.read(4096).strip()
        except OSError as error:
            self._end(self._on_fail, f"the bridge wants its token, and {error.filename} cannot be read")
            return
        self._send("auth", nonce, hmac.new(token, nonce.encode("utf-8"), hashlib.sha256).hexdigest())

    def _on_end(self, args):
        count = int(args[1])
        start, length, rate_hz = args[4 + count : 7 + count]
        self._end(self._on_done, [str(path) for path in args[2 : 2 + count]], int(start), int(length), int(rate_hz))

    def _end(self, tell, *what):
        self.close()
        tell(*what)

    def _send(self, name, *args):
        with contextlib.suppress(OSError):  # nobody listens, or the buffer is full: it is said again
            self._socket.send(encode(PREFIX + name, *args))
