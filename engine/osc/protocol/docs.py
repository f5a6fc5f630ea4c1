"""Print ``resources/docs/OSC.md`` from the table: ``python -m engine.osc.protocol.docs > resources/docs/OSC.md``.

What is not a row of the table (transports, safety, the kit) stands here as text, once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from engine import IN_SAMPLES
from engine.osc.clip_store import CLIPS_LIMIT
from engine.osc.protocol.replies import CODES, REPLIES
from engine.osc.protocol.requests import ROWS
from engine.osc.protocol.specs import (
    CLIPS_LIMIT_BYTES,
    DEFAULT_PORT,
    LOCAL_PACKET_LIMIT_BYTES,
    OSC_TYPE,
    PROGRESS_PER_S,
    REMOTE_PACKET_LIMIT_BYTES,
    ArgSpec,
    MessageSpec,
    ReplySpec,
)
from engine.osc.transport.framing import FRAME_LIMIT_BYTES
from engine.osc.transport.gate import HOST_PER_S, LOCKED_S, NONCE_LIMIT_S, WRONG_ANSWERS_LIMIT
from engine.osc.transport.packets import DEPTH_LIMIT, MESSAGES_LIMIT, UDP_LIMIT_BYTES
from engine.osc.transport.sessions import AMPLIFICATION_LIMIT, UNPROVEN_PER_S
from engine.osc.transport.sockets import (
    CONNECTIONS_LIMIT,
    CONNECTIONS_PER_HOST_LIMIT,
    PENDING_LEAST_BYTES,
    PENDING_LIMIT_S,
    PORTS_TRIED,
    UNPROVEN_IDLE_LIMIT_S,
)

_HEAD = f"""# The OSC bridge

*Printed by `python -m engine.osc.protocol.docs` from the tables beside it; do not edit.*

A DAW, a controller or a script sends a clip and gets audio files back, aligned to where the clip was. Start the bridge
with `fluxstem bridge`, prove its token ([Who may speak](#who-may-speak); `fluxstem bridge --no-token` wants none) and
send to UDP or TCP port {DEFAULT_PORT}:

    /fluxstem/isolate  my-job-1  /music/song/clip.wav  bass

and there come, to the socket you asked from:

    /fluxstem/ack       my-job-1  1
    /fluxstem/progress  my-job-1  0.42  step                                (at most {PROGRESS_PER_S} a second)
    /fluxstem/done      my-job-1  2  STEM.wav  REST.wav  -300.0  0.93  0  480000  48000  bass

* **The id is yours.** The same id with the same arguments is the same job, so over UDP you may simply say everything
  twice. Ids are texts or whole numbers; replies carry them as text. With other arguments a used id is refused.
  A job that failed or was cancelled leaves its id free: ask again and it is done again, with whatever arguments. One
  that is done repeats its result, unless a file it was made from has changed since; then it is done anew.
* **Every message is answered**, at least by `fail` or `error`; what could not be is counted in `status` (unanswered).
  `result` also says why a job was refused, for the last 1,000 of them.
* **Numbers** may come as int, float, double, 64-bit int, True/False or numeric text, and are rounded where whole ones
  are wanted. Arguments in brackets may be left out from the right (or be nil); surplus ones are ignored.
  Where a text is wanted, a number stands for its figures: the prompt 808 is "808".
* **By name**: behind those that must be given, the arguments of a task may also be texts `NAME=VALUE`, in any order:
  `isolate my-job-2 /music/song/clip.wav bass regions="8-16 24-32.5" seed=7`.
* **Places** (`start`, `end`, `regions`, and the part `#t=A,B` of an example) are seconds or samples of their file.
  A 64-bit int (type `h`) and a text such as `480000{IN_SAMPLES}` count samples and mean exactly that one; any other
  number or numeric text is seconds, a 32-bit int (type `i`) too; text may have minutes, `1:02.5`. A float of OSC has
  24 bits: at 48 kHz its step is 2.9 samples after 10 minutes and 11.7 after an hour. Seconds as text or double have no
  such step. `done` and `edited` say places in samples.
* **Replies** use the types s, i, f and b only, always the declared ones: Pure Data 0.53 and sclang 3.13 lose what comes
  after a 64-bit int. Positions in samples are decimal text, because a time of day in samples outgrows 32 bits.
* **Paths** are absolute and inside the folders given with `--root` (default: your home folder). Results go to the
  folder given with `--out` (default: `Fluxstem` in your home folder); nothing is ever overwritten or written elsewhere.
* **Bundles** of messages are done at once, in order; time tags are not waited for. Wildcards in addresses are refused.
* A clip in a JSON beside a result is named as the bridge kept it for the job; give the clip's own place to
  `fluxstem rerun FILE.json --input CLIP`.

* **Several regions** of isolate, remove and regenerate give files of their own, region by region as they were named;
  `done` tells the place of the first. A WAV says in its `bext` chunk where it begins; to be told, ask for one region at
  a time.
* **Examples** (`image`, `video`, `audio`) say what to look for beside the prompt, or without one. They follow the rules
  for paths; a sound may also be a clip sent by wire. Time 0 of a video is the start of the input.
* **What is asked for may be worded**: `isolate` with "everything except the drums" does what `remove` does.

From a shell, or any DAW that can run a command: `fluxstem send isolate clip.wav "bass" --wait` prints the paths.
From Python: `from engine.osc import BridgeClient`. For Ardour, REAPER, SuperCollider, Pure Data, Max, Ableton Live and
TouchOSC see `resources/daw/`.

## Messages to the bridge
"""

_AFTER = f"""
## Transports

* UDP and TCP, IPv4 and IPv6, on this machine only unless `--lan` is given. TCP speaks the length prefix of OSC 1.0 and
  the SLIP of OSC 1.1 and tells them apart by the first byte; replies come in the same framing. Use TCP for jobs that
  must not get lost, or say them twice.
* When a port is taken, the next free one of {PORTS_TRIED} is used; what was chosen is printed and stands in
  `bridge/state.json` in your user data folder, where `fluxstem send` looks. There is one bridge for one user: a second
  one ends with a sentence that names the first.
* Limits: packets of {UDP_LIMIT_BYTES:,} bytes over UDP and {FRAME_LIMIT_BYTES:,} over TCP, {MESSAGES_LIMIT} messages in
  one, bundles {DEPTH_LIMIT} deep, {CONNECTIONS_LIMIT} connections, {CONNECTIONS_PER_HOST_LIMIT} of one other machine.
  Replies over UDP are at most {LOCAL_PACKET_LIMIT_BYTES:,} bytes, to other machines {REMOTE_PACKET_LIMIT_BYTES:,}.
* Where a connection more is opened than there may be, one makes room and is told so: without proof before with, silent
  ones first; one that waits for a job or carries a clip is left. A connection without proof may be silent for
  {UNPROVEN_IDLE_LIMIT_S:g} seconds, one with proof for ever. A packet may take its time, but has to go on: fewer than
  {PENDING_LEAST_BYTES:,} bytes in {PENDING_LIMIT_S:g} seconds end the connection.
* Senders are served in turns, a few milliseconds each, so nobody's burst or bundle delays another one's `ping`.
* The bridge asks the system for a receive buffer of 4 MiB. Linux gives no more than `net.core.rmem_max` unless the
  bridge runs as root: `sysctl -w net.core.rmem_max=4194304` helps when bursts get lost.
* `--oscquery [PORT]` serves the tree as OSCQuery JSON over HTTP; `--zeroconf` announces `_osc._udp` (and
  `_oscjson._tcp`). Both are off unless asked for.

## Clips by wire

For a DAW on another machine, over TCP only: there nothing is lost and the order is kept. Over UDP every `clip/` message
is answered by `fail`; use paths there. Announce a file with `clip/begin` and its size, wait for `clip/ready`, send the
file's own bytes in order as `clip/data`, then `clip/end`. The bridge answers `clip/ok`; now ask for a task, over any
connection, with `clip:ID` as its input. The file of a result comes the same way after `clip/get`. A clip that is not
complete when its connection ends is dropped. At most {CLIPS_LIMIT} clips of together {CLIPS_LIMIT_BYTES >> 30} GB are
kept.

## Who may speak

Other users of this machine are strangers, and so are other machines. Everything but `ping`, `hello`, `auth`, `bye`, and
on this machine `version`, needs proof of a token.

* **The token** stands in the file `token` in the bridge's folder, beside `state.json`: one line that starts with a
  letter and holds letters, digits and a hyphen. It is made once and stays. `fluxstem send` and `BridgeClient` read it
  by themselves. `--token-file F` adds another one, of 16 bytes or more, for programs that shall not have yours.
* **On this machine** send `auth` with an empty text and the token, from the socket you ask from, and wait for
  `welcome`. After `error ADDRESS token ...` send it again: over UDP proof ends after ten silent minutes.
* **By a challenge** the token itself does not travel: send `hello`, take the nonce of `challenge`, and send
  `auth NONCE ANSWER` with the HMAC-SHA256 of the nonce, keyed with the token, in hexadecimal. A nonce is good once, for
  the sender that got it, for {NONCE_LIMIT_S:g} seconds. It is base64; its first two bytes are the bridge's port. When
  that is not the port you sent to, do not answer: a program in between wants your answer for itself.
* **Before you leave** a UDP port, send `bye`: who gets the port next would be taken for you. A connection needs none.
* **Plain OSC programs** that can do none of this: `fluxstem bridge --no-token` lets in every program of this machine,
  of every user. It goes with neither `--lan` nor `--token-file`.
* **Files**: the bridge's folder has to be yours and becomes private (0700; what is in it 0600), and so does the folder
  of results where the bridge makes it. A token file that others may read or change is refused. Inputs have to be files
  that you may read; those of other users only where everybody, or a group of yours, may.

## On a network

`fluxstem bridge --lan --token-file F [--allow 192.168.1.0/24]` listens to other machines, which prove the token in F by
a challenge. With `--plain-token`, for clients that cannot compute an answer (TouchOSC, Pure Data), `auth` with an empty
nonce and the token itself will do; whoever listens on the network can read it.

After {WRONG_ANSWERS_LIMIT} wrong answers a sender (an address with its port, or a connection) is not heard for
{LOCKED_S:g} seconds. Nobody can bring that upon another: only answers to a challenge that was really received count,
and other senders of the same machine go on. A sender without proof gets {UNPROVEN_PER_S:g} answers a second, all of one
other machine over UDP {HOST_PER_S:g}, and, over UDP, never more than {AMPLIFICATION_LIMIT} times the bytes it sent; who
floods that in your name cannot keep you from proving the token over TCP.

In LAN mode `done` names files without folders; `clip/get` gives them. The token keeps others from giving orders; it
does not hide what is said, and who can forge the source address of a proven UDP sender can speak for it: use TCP, or a
VPN, where that matters. `resources/docs/THREATS.md` says what is promised.

## What survives

Jobs are in a journal before `ack` leaves. When the engine process dies, its job is tried again (three times in all) and
the queue goes on. When the bridge dies, the next one takes up the journal: `result` answers for finished jobs (the last
1,000), unfinished ones go into the queue again, in order.

## Codes of fail and error

| code | meaning |
|---|---|
"""


def markdown() -> str:
    """The whole document."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield _HEAD
    yield "| address | arguments | answers | what it does |"
    yield "|---|---|---|---|"
    for row in ROWS.values():
        answers = ", ".join(f"`{reply.removeprefix('/fluxstem/')}`" for reply in row.replies) or "-"
        yield f"| `{row.address}` | {_shown(row.args)} | {answers} | {row.doc} |"
    yield "\nEvery message may also be answered by `fail` or `error`.\n"
    yield from _arguments(ROWS.values())
    yield "## Messages from the bridge\n"
    yield "| address | arguments | what it says |"
    yield "|---|---|---|"
    for reply in REPLIES.values():
        yield f"| `{reply.address}` | {_shown(reply.args)} | {reply.doc} |"
    yield ""
    yield from _arguments(REPLIES.values())
    yield _AFTER.strip("\n")
    yield from (f"| `{code}` | {meaning} |" for code, meaning in CODES.items())
    yield ""


def _arguments(rows: Iterable[MessageSpec | ReplySpec]) -> Iterator[str]:
    """One table for all arguments of the given messages; those that mean the same stand once."""
    yield "| argument | of | type | unit | range | left out | meaning |"
    yield "|---|---|---|---|---|---|---|"
    used: dict[ArgSpec, list[str]] = {}
    for row in rows:
        for arg in row.args:
            used.setdefault(arg, []).append(row.address.removeprefix("/fluxstem/"))
    for arg, names in used.items():
        default = "-" if arg.default is None else "empty" if arg.default == "" else f"{arg.default}"
        of = ", ".join(names) if len(names) < 7 else f"{', '.join(names[:6])} and others"
        columns = (f"`{arg.name}`", of, OSC_TYPE[arg.kind], arg.unit or "-", _range(arg), default, arg.doc)
        yield f"| {' | '.join(columns)} |"
    yield ""


def _shown(args: tuple[ArgSpec, ...]) -> str:
    words = []
    for arg in args:
        word = f"{arg.name} ..." if arg.many else arg.name
        words.append(f"[{word}]" if arg.default is not None else word)
    return ", ".join(words) or "-"


def _range(arg: ArgSpec) -> str:
    if arg.choices:
        return ", ".join(arg.choices)
    if arg.low is None and arg.high is None:
        return "-"
    low = "" if arg.low is None else f"{arg.low:.12g}"
    return f"{low} and up" if arg.high is None else f"{low} to {arg.high:.12g}"


if __name__ == "__main__":
    sys.stdout.write(markdown())
