"""The protocol, as one table: every address the bridge answers and what it takes.

Handlers, checks, ``resources/docs/OSC.md``, the OSCQuery tree and the tests are all derived from these rows; what comes
back is in ``replies.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine import TASKS, Rule

PREFIX = "/fluxstem"
DEFAULT_PORT = 11100
REMOTE_PACKET_LIMIT_BYTES = 1400  # what crosses every network in one piece
LOCAL_PACKET_LIMIT_BYTES = 8192
PROGRESS_PER_S = 10
CLIPS_LIMIT_BYTES = 4 << 30  # of all clips together
NO_FIGURE = 300.0  # stands for "there is none" where a decibel figure is expected
ID_LIMIT_CHARACTERS = 64
TEXT_LIMIT_CHARACTERS = 65_536  # a path that is too long is refused as a path, with the text of all refused paths
RESULT_PARTS = "stem, rest, mix or edited; stem.2 is the second answer's; 3 is the third path of done"
EXAMPLE_KINDS = ("image", "video", "audio")  # arguments of a task that name an example
INPUT_ARGUMENTS = ("input", "rest", *EXAMPLE_KINDS)  # those that name a file, and the folders it is kept in
PROMPTS_APART = ";"  # between the stems of an arrangement

Kind = Literal["id", "text", "whole", "number", "blob"]
OSC_TYPE: dict[Kind, str] = {"id": "s", "text": "s", "whole": "i", "number": "f", "blob": "b"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgSpec:
    """One argument of a message.

    Attributes:
        name: as it stands in complaints and in the docs.
        kind: what it is; numbers of any OSC type and numeric text are taken for ``whole`` and ``number``.
        doc: a few words.
        unit: of a number, "" for none.
        low, high: allowed range of a number, both ends included.
        default: taken when the argument is left out; None means it must be given.
        choices: the only texts allowed; empty means any.
        many: of a reply: True means it comes any number of times, none included.
    """

    name: str
    kind: Kind
    doc: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    default: str | int | float | None = None
    choices: tuple[str, ...] = ()
    many: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplySpec:
    """A message the bridge sends.

    Attributes:
        address: full address.
        args: in order; always all of them, always of these types.
        doc: one line.
    """

    address: str
    args: tuple[ArgSpec, ...]
    doc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSpec:
    """A message the bridge takes.

    Attributes:
        address: full address.
        args: in order; those with a default may be left out from the right.
        replies: full addresses of what may come back.
        doc: one line.
        task: the row of ``engine.TASKS`` it asks for, "" for none.
        open: True means it is answered without a token in LAN mode.
        critical: True means it had better go over TCP on a poor network.
        tcp_only: True means it is refused over UDP.
    """

    address: str
    args: tuple[ArgSpec, ...]
    replies: tuple[str, ...]
    doc: str
    task: str = ""
    open: bool = False
    critical: bool = False
    tcp_only: bool = False

    @property
    def defaults(self) -> dict[str, str | int | float]:
        """Values of the arguments that may be left out, by name."""
        return {arg.name: arg.default for arg in self.args if arg.default is not None}


def at(name: str) -> str:
    """Full address of a name in our namespace."""
    return f"{PREFIX}/{name}"


ID = ArgSpec(name="id", kind="id", doc=f"your own name for the job, 1 to {ID_LIMIT_CHARACTERS} characters or a number")
CLIP = ArgSpec(name="id", kind="id", doc="your own name for the clip")
_PART = ArgSpec(name="part", kind="text", doc=RESULT_PARTS, default="stem")
_OUTCOME = (at("progress"), at("done"), at("fail"), at("cancelled"))
_SLOT_WORDS = {"MIX": "the mix", "STEM": "the stem", "REST": "the music the new stem is to fit"}


def _task_args(task: str, rule: Rule) -> tuple[ArgSpec, ...]:
    args = [ID]
    if rule.input_slot is not None:
        words = _SLOT_WORDS[rule.input_slot.name]
        args.append(
            ArgSpec(name="input", kind="text", doc=f"{words}: absolute path, or clip:ID for a clip sent by wire")
        )
    doc = f"a few words for each stem, with {PROMPTS_APART} between them" if rule.together else "a few words, as violin"
    args.append(ArgSpec(name="prompt", kind="text", doc=f"{doc}; may be empty where there is an example"))
    if task == "replace":
        doc = "what to put in the place, as trumpet; may be empty where there is an example"
        args.append(ArgSpec(name="replacement", kind="text", doc=doc))
    if rule.makes_s is not None:
        args.append(
            ArgSpec(
                name="seconds",
                kind="number",
                unit="s",
                low=0.01,
                high=600,
                default=rule.makes_s,
                doc="how much to make",
            )
        )
    elif rule.span.name == "REQUIRED":
        doc = "where the part to fill begins; it must be named, here or by regions"
        args.append(ArgSpec(name="start", kind="number", unit="s", low=0, default=0.0, doc=doc))
        args.append(ArgSpec(name="end", kind="number", unit="s", low=0, default=0.0, doc="where it ends; 0 is the end"))
    else:
        args.append(ArgSpec(name="start", kind="number", unit="s", low=0, default=0.0, doc="where to begin"))
        args.append(ArgSpec(name="end", kind="number", unit="s", low=0, default=0.0, doc="where to end; 0 is the end"))
    if rule.rest_optional:
        args.append(
            ArgSpec(name="rest", kind="text", default="", doc="the music the stem is to fit: path, clip:ID or none")
        )
    return (*args, *_choices(rule), *_more(rule))


def _choices(rule: Rule) -> tuple[ArgSpec, ...]:
    render = ArgSpec(
        name="render",
        kind="text",
        default="masked",
        choices=("masked", "flow", "decoded"),
        doc="your own audio, filtered, also by the flow alone, or the model's own",
    )
    return (
        ArgSpec(name="seed", kind="whole", low=0, high=2**31 - 1, default=0, doc="same seed, same result"),
        ArgSpec(name="steps", kind="whole", low=0, high=1000, default=0, doc="sampler steps; 0 is the bundle's choice"),
        ArgSpec(
            name="guidance", kind="number", low=-1, high=20, default=-1.0, doc="pull of the prompt; -1 is the bundle's"
        ),
        *((render,) if rule.masked else ()),
        ArgSpec(
            name="format",
            kind="text",
            default="same",
            choices=("same", "wav16", "wav24", "wav32f", "flac"),
            doc="of the results; same is the input's",
        ),
        ArgSpec(
            name="bundle", kind="text", default="", doc="name of an installed bundle; empty is the bridge's choice"
        ),
    )


def _more(rule: Rule) -> tuple[ArgSpec, ...]:
    """What came later, so it stands last: whoever knew the table before is still understood."""
    regions = ArgSpec(
        name="regions",
        kind="text",
        default="",
        doc="several parts at once, as 8-16 24-32.5 in seconds; instead of start and end",
    )
    strength = ArgSpec(
        name="strength",
        kind="number",
        low=-1,
        high=1,
        default=-1.0,
        doc="0 keeps the old sound, 1 makes it new; -1 is the bundle's choice",
    )
    keep_order = ArgSpec(
        name="keep_order", kind="whole", low=0, high=1, default=0, doc="1 makes the stems in the order they are named"
    )
    slot = ArgSpec(
        name="slot",
        kind="text",
        default="stem",
        choices=("stem", "mix", "rest"),
        doc="what to make and what prompt is about; the stem is the input, or rest, where this slot would be",
    )
    temperature = ArgSpec(
        name="temperature",
        kind="number",
        low=-1,
        high=2,
        default=-1.0,
        doc="of the noise sound is made from, less is safer; -1 is the bundle's choice",
    )
    seen = {
        "image": "a picture of what to look for",
        "video": "a video that runs beside the input",
        "audio": "a sound like it, also clip:ID",
    }
    return (
        *((regions,) if rule.makes_s is None else ()),
        *((strength,) if rule.strength is not None else ()),
        *((keep_order,) if rule.together else ()),
        ArgSpec(
            name="candidates", kind="whole", low=1, high=32, default=1, doc="answers to make; all come, the best first"
        ),
        ArgSpec(name="mix_prompt", kind="text", default="", doc="words for the whole"),
        ArgSpec(name="rest_prompt", kind="text", default="", doc="words for what goes with the stem"),
        *(
            ArgSpec(
                name=kind, kind="text", default="", doc=f"{seen[kind]}: absolute path; FILE#t=12,20 is a part of it"
            )
            for kind in EXAMPLE_KINDS
        ),
        ArgSpec(
            name="weight", kind="number", low=0, high=1, default=0.5, doc="0 listens to the words, 1 to the examples"
        ),
        *((slot,) if rule.any_slot else ()),
        *(() if rule.masked else (temperature,)),
    )


def _task_rows() -> tuple[MessageSpec, ...]:
    return tuple(
        MessageSpec(
            address=at(task),
            args=_task_args(task, rule),
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


def signature(args: tuple[ArgSpec, ...]) -> str:
    """The arguments in words, ``id, input, prompt, [start=0]``."""
    words = []
    for arg in args:
        unit = f" {arg.unit}" if arg.unit else ""
        name = f"{arg.name}:{OSC_TYPE[arg.kind]}{unit}"
        words.append(name if arg.default is None else f"[{name}]")
    return ", ".join(words) or "nothing"
