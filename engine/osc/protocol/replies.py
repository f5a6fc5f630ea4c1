"""The other half of the table: every message the bridge sends, and every code it fails with.

Replies use the types i, f, s and b only, because Pure Data 0.53 and sclang 3.13 lose every argument after an h; so
positions in samples, which outgrow 32 bits, travel as decimal text.
"""

from __future__ import annotations

from engine.osc.protocol.specs import CLIP, ID, PROGRESS_PER_S, RESULT_PARTS, ArgSpec, ReplySpec, at

POSITION = "decimal text, for it may need more than 32 bits"
_N = ArgSpec(name="n", kind="whole", doc="how many there were")
_TEXT = ArgSpec(name="text", kind="text", doc="one sentence")
_PATH = ArgSpec(
    name="path",
    kind="text",
    many=True,
    doc="what the task hands back, then the others; of several answers "
    "the best first; bare names in LAN mode and where a packet over UDP holds no more, then as many as it "
    "holds",
)
_EDITED = ArgSpec(name="path", kind="text", many=True, doc="the edited sound; a bare name in LAN mode")
_PART = ArgSpec(name="part", kind="text", doc=RESULT_PARTS)

_REPLIES = (
    ReplySpec(address=at("pong"), args=(ArgSpec(name="echo", kind="text", doc="as sent"),), doc="here"),
    ReplySpec(
        address=at("version.reply"),
        args=(
            ArgSpec(name="program", kind="text", doc="fluxstem"),
            ArgSpec(name="version", kind="text", doc="of the program"),
            ArgSpec(name="pid", kind="whole", doc="process number; 0 in LAN mode"),
            ArgSpec(name="owner", kind="text", doc="bridge, or what it runs inside"),
        ),
        doc="who answers",
    ),
    ReplySpec(
        address=at("status.reply"),
        args=(
            ArgSpec(name="waiting", kind="whole", doc="jobs in the queue"),
            ArgSpec(name="running", kind="whole", doc="jobs under way"),
            ArgSpec(name="finished", kind="whole", doc="jobs that ended, however"),
            ArgSpec(name="restarts", kind="whole", doc="times the engine process had to be replaced"),
            ArgSpec(name="refused", kind="whole", doc="messages that could not be used"),
            ArgSpec(name="uptime", kind="number", unit="s", doc="since the bridge started"),
        ),
        doc="how things are",
    ),
    ReplySpec(
        address=at("help.reply"),
        args=(
            ArgSpec(name="address", kind="text", doc="a row of the table"),
            ArgSpec(name="args", kind="text", doc="its arguments; those in brackets may be left out"),
            ArgSpec(name="doc", kind="text", doc="what it does"),
        ),
        doc="one row",
    ),
    ReplySpec(address=at("help.end"), args=(_N,), doc="that was all"),
    ReplySpec(
        address=at("bundles.reply"), args=(ArgSpec(name="name", kind="text", doc="of the bundle"),), doc="one bundle"
    ),
    ReplySpec(address=at("bundles.end"), args=(_N,), doc="that was all"),
    ReplySpec(
        address=at("ack"),
        args=(ID, ArgSpec(name="job", kind="whole", doc="number the bridge gave it")),
        doc="the job is in the queue, and in the journal",
    ),
    ReplySpec(
        address=at("progress"),
        args=(
            ID,
            ArgSpec(name="fraction", kind="number", low=0, high=1, doc="how far"),
            ArgSpec(name="stage", kind="text", doc="what is being done"),
        ),
        doc=f"at most {PROGRESS_PER_S} a second for one job",
    ),
    ReplySpec(
        address=at("done"),
        args=(
            ID,
            ArgSpec(name="n", kind="whole", doc="how many paths follow"),
            _PATH,
            ArgSpec(
                name="null", kind="number", unit="dB", doc="stem + rest against the input; -300 bit for bit, 300 none"
            ),
            ArgSpec(name="presence", kind="number", low=0, high=1, doc="0 seems not to be there, 1 seems to be"),
            ArgSpec(
                name="start",
                kind="text",
                unit="samples",
                doc=f"where the files begin in the input, of several regions those of the first; {POSITION}",
            ),
            ArgSpec(name="length", kind="text", unit="samples", doc=f"of the result; {POSITION}"),
            ArgSpec(name="rate", kind="whole", unit="Hz", doc="of the result"),
        ),
        doc="the files are in place",
    ),
    ReplySpec(
        address=at("edited"),
        args=(
            ID,
            ArgSpec(name="n", kind="whole", doc="how many paths follow"),
            _EDITED,
            ArgSpec(name="start", kind="text", unit="samples", doc=f"where the file begins in the input; {POSITION}"),
            ArgSpec(name="length", kind="text", unit="samples", doc=f"of the file; {POSITION}"),
            ArgSpec(name="rate", kind="whole", unit="Hz", doc="of the file"),
        ),
        doc="somebody worked on a finished job by hand and sends it back to you; also the part edited of clip/get",
    ),
    ReplySpec(
        address=at("fail"),
        args=(ID, ArgSpec(name="code", kind="text", doc="one word, see below"), _TEXT),
        doc="it did not work and left nothing behind; the id is empty where none could be read",
    ),
    ReplySpec(address=at("cancelled"), args=(ID,), doc="it was stopped and left nothing behind"),
    ReplySpec(
        address=at("jobs.reply"),
        args=(
            ID,
            ArgSpec(name="task", kind="text", doc="what was asked"),
            ArgSpec(name="state", kind="text", doc="waiting or running"),
            ArgSpec(name="fraction", kind="number", low=0, high=1, doc="how far"),
        ),
        doc="one job",
    ),
    ReplySpec(address=at("jobs.end"), args=(_N,), doc="that was all"),
    ReplySpec(
        address=at("connect.reply"),
        args=(
            ArgSpec(name="host", kind="text", doc="where replies go now"),
            ArgSpec(name="port", kind="whole", doc="and which port"),
        ),
        doc="sent to the new place",
    ),
    ReplySpec(address=at("notify.reply"), args=(ArgSpec(name="on", kind="whole", doc="as asked"),), doc="understood"),
    ReplySpec(address=at("dump.reply"), args=(ArgSpec(name="on", kind="whole", doc="as asked"),), doc="understood"),
    ReplySpec(address=at("synced"), args=(ArgSpec(name="id", kind="id", doc="as sent"),), doc="all taken in"),
    ReplySpec(
        address=at("error"),
        args=(
            ArgSpec(name="address", kind="text", doc="of your message"),
            ArgSpec(name="code", kind="text", doc="one word"),
            _TEXT,
        ),
        doc="a message that could not be used and belongs to no job",
    ),
    ReplySpec(address=at("clip/ready"), args=(CLIP,), doc="send it"),
    ReplySpec(
        address=at("clip/ok"),
        args=(CLIP, ArgSpec(name="bytes", kind="text", doc=f"size of the file; {POSITION}")),
        doc="all of it came; use it as clip:ID",
    ),
    ReplySpec(address=at("clip/dropped"), args=(CLIP,), doc="forgotten"),
    ReplySpec(
        address=at("clip/begin"),
        args=(
            ID,
            _PART,
            ArgSpec(name="name", kind="text", doc="file name, without its folder"),
            ArgSpec(name="bytes", kind="text", doc=f"size of the file; {POSITION}"),
        ),
        doc="the file of a result follows",
    ),
    ReplySpec(
        address=at("clip/data"),
        args=(ID, _PART, ArgSpec(name="blob", kind="blob", doc="the next bytes of the file")),
        doc="a piece of it; in order",
    ),
    ReplySpec(address=at("clip/end"), args=(ID, _PART), doc="that was all of it"),
    ReplySpec(
        address=at("challenge"), args=(ArgSpec(name="nonce", kind="text", doc="answer it with auth"),), doc="prove it"
    ),
    ReplySpec(
        address=at("welcome"),
        args=(ArgSpec(name="limit", kind="whole", unit="s", doc="of silence"),),
        doc="you may ask",
    ),
)

REPLIES: dict[str, ReplySpec] = {reply.address: reply for reply in _REPLIES}

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
