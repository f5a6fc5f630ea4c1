"""The other half of the table: every message the bridge sends, and every code it fails with.

Replies use the types i, f, s and b only, because Pure Data 0.53 and sclang 3.13 lose every argument after an h; so
positions in samples, which outgrow 32 bits, travel as decimal text. Knows nothing of sockets, jobs or files.
"""

from __future__ import annotations

from engine.osc.protocol.requests import CLIP, CLIP_FORMATS, ID, PROGRESS_PER_S, RESULT_PARTS, Arg, Reply, at

POSITION = "decimal text, for it may need more than 32 bits"
_N = Arg(name="n", kind="whole", doc="how many there were")
_TEXT = Arg(name="text", kind="text", doc="one sentence")
_PATH = Arg(name="path", kind="text", many=True, doc="what the task hands back, then the others; of several answers "
            "the best first; bare names in LAN mode and where a packet over UDP holds no more, then as many as it "
            "holds")  # fmt: skip
_EDITED = Arg(name="path", kind="text", many=True, doc="the edited sound; a bare name in LAN mode")
_PART = Arg(name="part", kind="text", doc=RESULT_PARTS)

_REPLIES = (
    Reply(address=at("pong"), args=(Arg(name="echo", kind="text", doc="as sent"),), doc="here"),
    Reply(
        address=at("version.reply"),
        args=(
            Arg(name="program", kind="text", doc="fluxstem"),
            Arg(name="version", kind="text", doc="of the program"),
            Arg(name="pid", kind="whole", doc="process number; 0 in LAN mode"),
            Arg(name="owner", kind="text", doc="bridge, or what it runs inside"),
        ),
        doc="who answers",
    ),
    Reply(
        address=at("status.reply"),
        args=(
            Arg(name="waiting", kind="whole", doc="jobs in the queue"),
            Arg(name="running", kind="whole", doc="jobs under way"),
            Arg(name="finished", kind="whole", doc="jobs that ended, however"),
            Arg(name="restarts", kind="whole", doc="times the engine process had to be replaced"),
            Arg(name="refused", kind="whole", doc="messages that could not be used"),
            Arg(name="uptime", kind="number", unit="s", doc="since the bridge started"),
        ),
        doc="how things are",
    ),
    Reply(
        address=at("help.reply"),
        args=(
            Arg(name="address", kind="text", doc="a row of the table"),
            Arg(name="args", kind="text", doc="its arguments; those in brackets may be left out"),
            Arg(name="doc", kind="text", doc="what it does"),
        ),
        doc="one row",
    ),
    Reply(address=at("help.end"), args=(_N,), doc="that was all"),
    Reply(
        address=at("bundles.reply"), args=(Arg(name="name", kind="text", doc="of the bundle"),), doc="one bundle"
    ),
    Reply(address=at("bundles.end"), args=(_N,), doc="that was all"),
    Reply(
        address=at("ack"),
        args=(ID, Arg(name="job", kind="whole", doc="number the bridge gave it")),
        doc="the job is in the queue, and in the journal",
    ),
    Reply(
        address=at("progress"),
        args=(
            ID,
            Arg(name="fraction", kind="number", low=0, high=1, doc="how far"),
            Arg(name="stage", kind="text", doc="what is being done"),
        ),
        doc=f"at most {PROGRESS_PER_S} a second for one job",
    ),
    Reply(
        address=at("done"),
        args=(
            ID,
            Arg(name="n", kind="whole", doc="how many paths follow"),
            _PATH,
            Arg(name="null", kind="number", unit="dB", doc="stem + rest against the input; -300 bit for bit, 300 none"),
            Arg(name="presence", kind="number", low=0, high=1, doc="0 seems not to be there, 1 seems to be"),
            Arg(
                name="start",
                kind="text",
                unit="samples",
                doc=f"where the files begin in the input, of several regions those of the first; {POSITION}",
            ),
            Arg(name="length", kind="text", unit="samples", doc=f"of the result; {POSITION}"),
            Arg(name="rate", kind="whole", unit="Hz", doc="of the result"),
        ),
        doc="the files are in place",
    ),
    Reply(
        address=at("edited"),
        args=(
            ID,
            Arg(name="n", kind="whole", doc="how many paths follow"),
            _EDITED,
            Arg(name="start", kind="text", unit="samples", doc=f"where the file begins in the input; {POSITION}"),
            Arg(name="length", kind="text", unit="samples", doc=f"of the file; {POSITION}"),
            Arg(name="rate", kind="whole", unit="Hz", doc="of the file"),
        ),
        doc="somebody worked on a finished job by hand and sends it back to you; also the part edited of clip/get",
    ),
    Reply(
        address=at("fail"),
        args=(ID, Arg(name="code", kind="text", doc="one word, see below"), _TEXT),
        doc="it did not work and left nothing behind; the id is empty where none could be read",
    ),
    Reply(address=at("cancelled"), args=(ID,), doc="it was stopped and left nothing behind"),
    Reply(
        address=at("jobs.reply"),
        args=(
            ID,
            Arg(name="task", kind="text", doc="what was asked"),
            Arg(name="state", kind="text", doc="waiting or running"),
            Arg(name="fraction", kind="number", low=0, high=1, doc="how far"),
        ),
        doc="one job",
    ),
    Reply(address=at("jobs.end"), args=(_N,), doc="that was all"),
    Reply(
        address=at("connect.reply"),
        args=(
            Arg(name="host", kind="text", doc="where replies go now"),
            Arg(name="port", kind="whole", doc="and which port"),
        ),
        doc="sent to the new place",
    ),
    Reply(address=at("notify.reply"), args=(Arg(name="on", kind="whole", doc="as asked"),), doc="understood"),
    Reply(address=at("dump.reply"), args=(Arg(name="on", kind="whole", doc="as asked"),), doc="understood"),
    Reply(address=at("synced"), args=(Arg(name="id", kind="id", doc="as sent"),), doc="all taken in"),
    Reply(
        address=at("error"),
        args=(Arg(name="address", kind="text", doc="of your message"), Arg(name="code", kind="text", doc="one word"),
              _TEXT),
        doc="a message that could not be used and belongs to no job",
    ),
    Reply(
        address=at("clip/ready"),
        args=(CLIP, Arg(name="chunks", kind="whole", doc="how many blobs it takes")),
        doc="send it",
    ),
    Reply(
        address=at("clip/ok"),
        args=(CLIP, Arg(name="frames", kind="whole", doc="samples per channel")),
        doc="whole and unharmed; use it as clip:ID",
    ),
    Reply(
        address=at("clip/missing"),
        args=(CLIP, Arg(name="range", kind="whole", many=True, doc="pairs: first chunk, how many")),
        doc="send these again, then clip/end again",
    ),
    Reply(address=at("clip/dropped"), args=(CLIP,), doc="forgotten"),
    Reply(
        address=at("clip/begin"),
        args=(
            ID, _PART,
            Arg(name="rate", kind="whole", unit="Hz", doc="sample rate"),
            Arg(name="channels", kind="whole", doc="samples are interleaved"),
            Arg(name="frames", kind="whole", doc="samples per channel"),
            Arg(name="format", kind="text", choices=CLIP_FORMATS, doc="of a sample, little-endian"),
            Arg(name="chunk", kind="whole", unit="bytes", doc="size of every blob but the last"),
            Arg(name="start", kind="text", unit="samples", doc=f"where the source began (BWF); {POSITION}"),
        ),
        doc="a result follows",
    ),
    Reply(
        address=at("clip/data"),
        args=(
            ID, _PART,
            Arg(name="index", kind="whole", doc="number of the chunk, from 0"),
            Arg(name="blob", kind="blob", doc="the bytes from index times chunk on"),
        ),
        doc="a piece of it",
    ),
    Reply(
        address=at("clip/end"),
        args=(ID, _PART, Arg(name="crc32", kind="whole", doc="of all bytes, as a signed 32-bit number")),
        doc="that was all; ask with clip/missing for what did not come",
    ),
    Reply(
        address=at("challenge"), args=(Arg(name="nonce", kind="text", doc="answer it with auth"),), doc="prove it"
    ),
    Reply(
        address=at("welcome"), args=(Arg(name="limit", kind="whole", unit="s", doc="of silence"),), doc="you may ask"
    ),
)  # fmt: skip

REPLIES: dict[str, Reply] = {reply.address: reply for reply in _REPLIES}

CODES: dict[str, str] = {
    "arguments": "wrong number or type of arguments; the text names what is expected",
    "path": "this path cannot be used; one text for every reason",
    "id": "the id is taken by another job, unknown, or not usable",
    "full": "too many jobs or clips; try again later",
    "request": "the engine cannot do what was asked",
    "audio": "the file is not audio that can be used",
    "example": "the picture, video or sound cannot be used as an example",
    "bundle": "no such bundle, or it is damaged",
    "output": "the result could not be written, for example because the disk is full",
    "device": "the accelerator or its driver refused",
    "engine": "the engine process died and trying again did not help",
    "internal": "a fault of the program",
    "clip": "a clip by wire went wrong",
    "unknown": "no such address",
    "packet": "not OSC, or more than is allowed",
    "token": "the bridge is open to the network and wants a token",
}
