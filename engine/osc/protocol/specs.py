"""The vocabulary of the protocol: what a row of its tables says, and the numbers both tables share."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Literal

PREFIX = "/fluxstem"
DEFAULT_PORT = 11100
REMOTE_PACKET_LIMIT_BYTES = 1400  # what crosses every network in one piece
LOCAL_PACKET_LIMIT_BYTES = 8192
PROGRESS_PER_S = 10
CLIPS_LIMIT_BYTES = 4 << 30  # of all clips together
BLOB_BYTES = 65_536  # of a file, in one message
RENDER = "plugins/render"  # a job that is no task of the engine
NO_FIGURE = 300.0  # stands for "there is none" where a decibel figure is expected
ID_LIMIT_CHARACTERS = 64
LIST_APART = ";"  # between the names of several jobs
TEXT_LIMIT_CHARACTERS = 65_536  # a path that is too long is refused as a path, with the text of all refused paths
RESULT_PARTS = (
    "stem, rest, mix or edited; midi: the notes that voice sampled plays; notes: the MIDI file of notes/hear; "
    "stem.2 is the second answer's; 3 is the third path of done"
)

Kind = Literal["id", "text", "whole", "number", "place", "blob"]
OSC_TYPE: dict[Kind, str] = {"id": "s", "text": "s", "whole": "i", "number": "f", "place": "f", "blob": "b"}


@dataclass(frozen=True, slots=True)
class ArgSpec:
    """One argument of a message.

    Attributes:
        name: as it stands in complaints and in the docs.
        kind: what it is; numbers of any OSC type and numeric text are taken for ``whole`` and ``number``. A ``place``
            is a number of seconds; a 64-bit int, and a text as ``480000smp``, are samples of the input.
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
    _: KW_ONLY
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
        task: the job it asks for, a row of ``engine.TASKS`` or ``RENDER``; "" for none.
        open: True means it is answered without a token.
        open_here: True means that is so for senders of this machine.
        critical: True means it had better go over TCP on a poor network.
        tcp_only: True means it is refused over UDP.
    """

    address: str
    args: tuple[ArgSpec, ...]
    replies: tuple[str, ...]
    doc: str
    task: str = ""
    open: bool = False
    open_here: bool = False
    critical: bool = False
    tcp_only: bool = False

    @property
    def defaults(self) -> dict[str, str | int | float]:
        """Values of the arguments that may be left out, by name."""
        return {arg.name: arg.default for arg in self.args if arg.default is not None}


def at(name: str) -> str:
    """Full address of a name in our namespace."""
    return f"{PREFIX}/{name}"


ID = ArgSpec("id", "id", f"your own name for the job, 1 to {ID_LIMIT_CHARACTERS} characters or a number")
CLIP = ArgSpec("id", "id", "your own name for the clip")


def signature(args: tuple[ArgSpec, ...]) -> str:
    """The arguments in words, ``id, input, prompt, [start=0]``."""
    words = []
    for arg in args:
        unit = f" {arg.unit}" if arg.unit else ""
        name = f"{arg.name}:{OSC_TYPE[arg.kind]}{unit}"
        words.append(name if arg.default is None else f"[{name}]")
    return ", ".join(words) or "nothing"
