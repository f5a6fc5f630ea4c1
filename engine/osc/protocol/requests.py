"""The protocol, as one table: every address the bridge answers and what it takes.

Handlers, checks, ``resources/docs/OSC.md``, the OSCQuery tree and the tests are all derived from these rows; what comes
back is in ``replies.py``. The arguments of tasks come from ``engine.OPTIONS``, see ``task_arguments.py``.
"""

from __future__ import annotations

from engine import TASKS
from engine.osc.protocol.specs import CLIP, CLIPS_LIMIT_BYTES, ID, RESULT_PARTS, ArgSpec, MessageSpec, at
from engine.osc.protocol.task_arguments import task_args

_PART = ArgSpec(name="part", kind="text", doc=RESULT_PARTS, default="stem")
_OUTCOME = (at("progress"), at("done"), at("fail"), at("cancelled"))


def _task_rows() -> tuple[MessageSpec, ...]:
    return tuple(
        MessageSpec(
            address=at(task),
            args=(ID, *task_args(rule)),
            replies=(at("ack"), *_OUTCOME),
            doc=rule.doc,
            task=task,
            critical=True,
        )
        for task, rule in TASKS.items()
    )


_ASKING = (
    MessageSpec(
        address=at("ping"),
        args=(ArgSpec(name="echo", kind="text", default="", doc="comes back as it is"),),
        replies=(at("pong"),),
        doc="is anybody there",
        open=True,
    ),
    MessageSpec(
        address=at("version"), args=(), replies=(at("version.reply"),), doc="which program answers, and where it runs"
    ),
    MessageSpec(address=at("status"), args=(), replies=(at("status.reply"),), doc="how much there is to do"),
    MessageSpec(
        address=at("help"),
        args=(ArgSpec(name="address", kind="text", default="", doc="one address; empty is all"),),
        replies=(at("help.reply"), at("help.end")),
        doc="this table",
    ),
    MessageSpec(
        address=at("bundles"), args=(), replies=(at("bundles.reply"), at("bundles.end")), doc="the installed bundles"
    ),
)

_JOBS = (
    MessageSpec(
        address=at("cancel"),
        args=(ID,),
        replies=(at("cancelled"), at("fail")),
        doc="stop a job at its next step; a finished one stays finished",
        critical=True,
    ),
    MessageSpec(
        address=at("jobs"), args=(), replies=(at("jobs.reply"), at("jobs.end")), doc="jobs that are not finished"
    ),
    MessageSpec(
        address=at("result"),
        args=(ID,),
        replies=_OUTCOME,
        doc="how a job stands; from now on its events come to you too",
    ),
    MessageSpec(
        address=at("connect"),
        args=(
            ArgSpec(name="host", kind="text", doc="your own address in figures, or empty for where this comes from"),
            ArgSpec(name="port", kind="whole", low=1, high=65535, doc="where you listen"),
        ),
        replies=(at("connect.reply"),),
        doc="UDP: send what is meant for me to another port of my machine; forgotten after ten silent minutes",
    ),
    MessageSpec(
        address=at("notify"),
        args=(ArgSpec(name="on", kind="whole", low=0, high=1, default=1, doc="1 to hear the events of all jobs"),),
        replies=(at("notify.reply"),),
        doc="hear the events of everybody's jobs; over UDP forgotten after ten silent minutes",
    ),
    MessageSpec(
        address=at("dump"),
        args=(ArgSpec(name="on", kind="whole", low=0, high=1, default=1, doc="1 to print every message"),),
        replies=(at("dump.reply"),),
        doc="print received messages in the bridge's own log",
    ),
    MessageSpec(
        address=at("sync"),
        args=(ArgSpec(name="id", kind="id", doc="comes back as it is"),),
        replies=(at("synced"),),
        doc="answered when everything sent before has been taken in",
    ),
)

_CLIPS = (
    MessageSpec(
        address=at("clip/begin"),
        args=(
            CLIP,
            ArgSpec(
                name="bytes", kind="whole", low=1, high=CLIPS_LIMIT_BYTES, doc="size of the whole file; also as text"
            ),
            ArgSpec(name="name", kind="text", default="", doc="file name, as take 3.wav; results are called after it"),
        ),
        replies=(at("clip/ready"), at("fail")),
        doc="a file is going to be sent",
        critical=True,
        tcp_only=True,
    ),
    MessageSpec(
        address=at("clip/data"),
        args=(CLIP, ArgSpec(name="blob", kind="blob", doc="the next bytes of the file, less than 1 MiB")),
        replies=(),
        doc="a piece of it; in order",
        critical=True,
        tcp_only=True,
    ),
    MessageSpec(
        address=at("clip/end"),
        args=(CLIP,),
        replies=(at("clip/ok"), at("fail")),
        doc="all of it was sent",
        critical=True,
        tcp_only=True,
    ),
    MessageSpec(
        address=at("clip/get"),
        args=(ID, _PART),
        replies=(at("clip/begin"), at("clip/data"), at("clip/end"), at("fail")),
        doc="send me the file of a result",
        critical=True,
        tcp_only=True,
    ),
    MessageSpec(
        address=at("clip/drop"),
        args=(CLIP,),
        replies=(at("clip/dropped"),),
        doc="forget a clip; otherwise it is forgotten an hour after it came",
        tcp_only=True,
    ),
)

_LAN = (
    MessageSpec(address=at("hello"), args=(), replies=(at("challenge"),), doc="LAN: I have a token", open=True),
    MessageSpec(
        address=at("auth"),
        args=(
            ArgSpec(name="nonce", kind="text", doc="from the challenge; good once"),
            ArgSpec(name="answer", kind="text", doc="HMAC-SHA256 of the nonce, keyed with the token, in hexadecimal"),
        ),
        replies=(at("welcome"), at("error")),
        doc="LAN: prove it; holds for this connection, over UDP until ten silent minutes",
        open=True,
    ),
)

TASK_ROWS = _task_rows()
ROWS: dict[str, MessageSpec] = {row.address: row for row in (*_ASKING, *TASK_ROWS, *_JOBS, *_CLIPS, *_LAN)}
