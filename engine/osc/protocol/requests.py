"""The protocol, as one table: every address the bridge answers and what it takes.

Handlers, checks, ``resources/docs/OSC.md``, the OSCQuery tree and the tests are all derived from these rows; what comes
back is in ``replies.py``. The arguments of tasks come from ``engine.OPTIONS``, see ``task_arguments.py``.
"""

from __future__ import annotations

from engine import OPTIONS, SESSION_FORMATS, STEM_KINDS, TASKS
from engine.osc.protocol.specs import (
    CLIP,
    CLIPS_LIMIT_BYTES,
    ID,
    LIST_APART,
    RENDER,
    RESULT_PARTS,
    ArgSpec,
    MessageSpec,
    at,
)
from engine.osc.protocol.task_arguments import task_args

_PART = ArgSpec("part", "text", RESULT_PARTS, default="stem")
_OUTCOME = "progress done fail cancelled"


def _message(
    name: str, doc: str, replies: str, *args: ArgSpec, task: str = "", open: bool = False, open_here: bool = False,
    critical: bool = False, tcp_only: bool = False,
) -> MessageSpec:  # fmt: skip
    """A row; ``replies`` are names with spaces between."""
    return MessageSpec(
        address=at(name), args=args, replies=tuple(map(at, replies.split())), doc=doc, task=task, open=open,
        open_here=open_here, critical=critical, tcp_only=tcp_only,
    )  # fmt: skip


# fmt: off
_ASKING = (
    _message("ping", "is anybody there", "pong",
             ArgSpec("echo", "text", "comes back as it is", default=""), open=True),
    _message("version", "which program answers, and where it runs", "version.reply", open_here=True),
    _message("status", "how much there is to do", "status.reply"),
    _message("help", "this table", "help.reply help.end",
             ArgSpec("address", "text", "one address; empty is all", default="")),
    _message("bundles", "the installed bundles", "bundles.reply bundles.end"),
)

_JOBS = (
    _message("cancel", "stop a job at its next step; a finished one stays finished", "cancelled fail", ID,
             critical=True),
    _message("jobs", "jobs that are not finished", "jobs.reply jobs.end"),
    _message("result", "how a job stands; from now on its events come to you too", _OUTCOME, ID),
    _message("connect",
             "UDP: send what is meant for me to another port of my machine; holds until the bridge ends, for another "
             "machine until ten silent minutes",
             "connect.reply",
             ArgSpec("host", "text", "your own address in figures, or empty for where this comes from"),
             ArgSpec("port", "whole", "where you listen", low=1, high=65535)),
    _message("notify", "hear the events of everybody's jobs; over UDP forgotten after ten silent minutes",
             "notify.reply",
             ArgSpec("on", "whole", "1 to hear the events of all jobs", low=0, high=1, default=1)),
    _message("dump", "print received messages in the bridge's own log", "dump.reply",
             ArgSpec("on", "whole", "1 to print every message", low=0, high=1, default=1)),
    _message("sync", "answered when everything sent before has been taken in", "synced",
             ArgSpec("id", "id", "comes back as it is")),
)

_SESSIONS = (
    _message("session/export", "results of finished jobs as a project that a DAW opens, every stem at its place",
             "session/exported fail",
             ArgSpec("id", "id", "comes back as it is"),
             ArgSpec("format", "text", "; ".join(f"{name}: {row.words}" for name, row in SESSION_FORMATS.items()),
                     choices=tuple(SESSION_FORMATS)),
             ArgSpec("jobs", "text", f"ids of finished jobs with {LIST_APART} between"),
             ArgSpec("name", "text", "of the session; it goes where results go"),
             ArgSpec("tempo", "number", "quarter notes a minute; 0 is what the files' tags say, else 120; -1 what is "
                     "heard in the first rest, with its meter, its key and a tempo map where it drifts", low=-1,
                     high=400, default=0.0)),
)

_HEARD_AS = (
    ArgSpec("as", "text", "what it is heard as", choices=STEM_KINDS, default="auto"),
    ArgSpec("each", "whole", "1 sends every note as well, as notes/note", low=0, high=1, default=0),
)

_NOTES = (
    _message("notes/hear", "notes or strokes of a finished job's stem, tempo, bars and key, and a MIDI file of them",
             "notes/heard fail",
             ArgSpec("id", "id", "comes back as it is"),
             ArgSpec("job", "text", "id of a finished job"),
             _PART, *_HEARD_AS),
    _message("notes/file", "the same of any file; it is kept at once, so it may change while it waits",
             "notes/heard fail",
             ArgSpec("id", "id", "comes back as it is"),
             ArgSpec("input", "text", "audio file; absolute path, or clip:ID for a clip sent by wire"), *_HEARD_AS),
)

_PLUGINS = (
    _message("plugins/list", "effects that a chain can hold: plug-ins a scan found, those in quarantine, built-ins",
             "plugins/list.reply plugins/list.end"),
    _message("plugins/show", "what can be set on an effect", "plugins/show.reply plugins/show.end error",
             ArgSpec("name", "text", "of a plug-in or a built-in effect")),
    _message("plugins/chains", "chains that a job can name", "plugins/chains.reply plugins/chains.end"),
    _message("plugins/scan", "look for plug-ins in the system's folders; may take minutes", "plugins/scanned error",
             ArgSpec("again", "whole", "1 loads those too that are known or in quarantine", low=0, high=1, default=0)),
    _message(RENDER, "put a file through a chain; needs no bundle, and runs beside the tasks", f"ack {_OUTCOME}", ID,
             ArgSpec("input", "text", "audio file; absolute path, or clip:ID for a clip sent by wire"),
             ArgSpec("chain", "text", "the name of one, see plugins/chains, or its JSON"),
             ArgSpec("tail", "number", "how long echoes may ring on; 0 cuts them; -1 is what the chain says", unit="s",
                     low=-1, high=60, default=-1.0),
             ArgSpec("name", "text", "of the result, without its ending; empty is that of the file and of the chain",
                     default=""),
             ArgSpec("format", "text", "file format of the result; same is the input's", default="same",
                     choices=OPTIONS["format"].choices),
             ArgSpec("quality", "whole", "of lossy formats; 0 is the usual one", unit=OPTIONS["quality"].unit, low=0,
                     high=OPTIONS["quality"].high, default=0),
             task=RENDER, critical=True),
)

_CLIPS = (
    _message("clip/begin", "a file is going to be sent", "clip/ready fail", CLIP,
             ArgSpec("bytes", "whole", "size of the whole file; also as text", low=1, high=CLIPS_LIMIT_BYTES),
             ArgSpec("name", "text", "file name, as take 3.wav; results are called after it", default=""),
             critical=True, tcp_only=True),
    _message("clip/data", "a piece of it; in order", "", CLIP,
             ArgSpec("blob", "blob", "the next bytes of the file, less than 1 MiB"), critical=True, tcp_only=True),
    _message("clip/end", "all of it was sent", "clip/ok fail", CLIP, critical=True, tcp_only=True),
    _message("clip/get", "send me the file of a result", "clip/begin clip/data clip/end fail", ID, _PART,
             critical=True, tcp_only=True),
    _message("clip/drop", "forget a clip; otherwise it is forgotten an hour after it came", "clip/dropped", CLIP,
             tcp_only=True),
)

_PROOF = (
    _message("hello", "I have a token", "challenge", open=True),
    _message("auth", "prove it; holds for this connection, over UDP until ten silent minutes", "welcome error",
             ArgSpec("nonce", "text", "from the challenge; good once; empty where the token itself is the answer"),
             ArgSpec("answer", "text", "HMAC-SHA256 of the nonce, keyed with the token, in hexadecimal; or the token"),
             open=True),
    _message("bye", "I leave: forget my proof, connect and notify, as somebody else may have my port next", "bye.reply",
             open=True),
)
# fmt: on

TASK_ROWS = tuple(
    _message(task, rule.doc, f"ack {_OUTCOME}", ID, *task_args(rule), task=task, critical=True)
    for task, rule in TASKS.items()
)
ROWS: dict[str, MessageSpec] = {
    row.address: row for row in (*_ASKING, *TASK_ROWS, *_JOBS, *_SESSIONS, *_NOTES, *_PLUGINS, *_CLIPS, *_PROOF)
}
