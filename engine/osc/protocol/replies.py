"""The other half of the table: every message the bridge sends, and every code it fails with.

Replies use the types i, f, s and b only, because Pure Data 0.53 and sclang 3.13 lose every argument after an h; so
positions in samples, which outgrow 32 bits, travel as decimal text.
"""

from __future__ import annotations

from engine.osc.protocol.specs import CLIP, ID, PROGRESS_PER_S, RESULT_PARTS, ArgSpec, ReplySpec, at

POSITION = "decimal text, for it may need more than 32 bits"
_N = ArgSpec("n", "whole", "how many there were")
_PATHS = ArgSpec("n", "whole", "how many paths follow")
_TEXT = ArgSpec("text", "text", "one sentence")
_PATH = ArgSpec(
    "path", "text", many=True,
    doc="what the task hands back, then the others; of several answers the best first; bare names in LAN mode and "
    "where a packet over UDP holds no more, then as many as it holds",
)  # fmt: skip
_EDITED = ArgSpec("path", "text", "the edited sound; a bare name in LAN mode", many=True)
_PART = ArgSpec("part", "text", RESULT_PARTS)
_FRACTION = ArgSpec("fraction", "number", "how far", low=0, high=1)
_AS_ASKED = ArgSpec("on", "whole", "as asked")


def _reply(name: str, doc: str, *args: ArgSpec) -> ReplySpec:
    return ReplySpec(address=at(name), args=args, doc=doc)


# fmt: off
_REPLIES = (
    _reply("pong", "here",
           ArgSpec("echo", "text", "as sent")),
    _reply("version.reply", "who answers",
           ArgSpec("program", "text", "fluxstem"),
           ArgSpec("version", "text", "of the program"),
           ArgSpec("pid", "whole", "process number; 0 in LAN mode"),
           ArgSpec("owner", "text", "bridge, or what it runs inside")),
    _reply("status.reply", "how things are",
           ArgSpec("waiting", "whole", "jobs in the queue"),
           ArgSpec("running", "whole", "jobs under way"),
           ArgSpec("finished", "whole", "jobs that ended, however"),
           ArgSpec("restarts", "whole", "times the engine process had to be replaced"),
           ArgSpec("refused", "whole", "messages that could not be used"),
           ArgSpec("uptime", "number", "since the bridge started", unit="s"),
           ArgSpec("unanswered", "whole", "messages that got no answer: of senders without proof, or lost in a burst")),
    _reply("help.reply", "one row",
           ArgSpec("address", "text", "a row of the table"),
           ArgSpec("args", "text", "its arguments; those in brackets may be left out"),
           ArgSpec("doc", "text", "what it does")),
    _reply("help.end", "that was all", _N),
    _reply("bundles.reply", "one bundle",
           ArgSpec("name", "text", "of the bundle")),
    _reply("bundles.end", "that was all", _N),
    _reply("ack", "the job is in the queue, and in the journal", ID,
           ArgSpec("job", "whole", "number the bridge gave it")),
    _reply("progress", f"at most {PROGRESS_PER_S} a second for one job", ID, _FRACTION,
           ArgSpec("stage", "text", "what is being done")),
    _reply("done", "the files are in place", ID, _PATHS, _PATH,
           ArgSpec("null", "number", "stem + rest against the input; -300 bit for bit, 300 none", unit="dB"),
           ArgSpec("presence", "number", "0 seems not to be there, 1 seems to be; 1 of plugins/render", low=0, high=1),
           ArgSpec("start", "text", "where the files begin in the input, of several regions those of the first; "
                   f"{POSITION}", unit="samples"),
           ArgSpec("length", "text", f"of the result; {POSITION}", unit="samples"),
           ArgSpec("rate", "whole", "of the result", unit="Hz"),
           ArgSpec("understood", "text", "what the prompt was understood as; empty where nothing was looked up; of "
                   "plugins/render what is to be known of the effects, one that broke and was left out above all")),
    _reply("note", "what is to be known of a job that is done: a device that was not used, a file that is cut; each "
           "comes once, before done", ID, _TEXT),
    _reply("edited",
           "somebody worked on a finished job by hand and sends it back to you; also the part edited of clip/get",
           ID, _PATHS, _EDITED,
           ArgSpec("start", "text", f"where the file begins in the input; {POSITION}", unit="samples"),
           ArgSpec("length", "text", f"of the file; {POSITION}", unit="samples"),
           ArgSpec("rate", "whole", "of the file", unit="Hz")),
    _reply("fail", "it did not work and left nothing behind; the id is empty where none could be read", ID,
           ArgSpec("code", "text", "one word, see below"), _TEXT),
    _reply("cancelled", "it was stopped and left nothing behind", ID),
    _reply("jobs.reply", "one job", ID,
           ArgSpec("task", "text", "what was asked"),
           ArgSpec("state", "text", "waiting or running"), _FRACTION),
    _reply("jobs.end", "that was all", _N),
    _reply("connect.reply", "sent to the new place",
           ArgSpec("host", "text", "where replies go now"),
           ArgSpec("port", "whole", "and which port")),
    _reply("notify.reply", "understood", _AS_ASKED),
    _reply("dump.reply", "understood", _AS_ASKED),
    _reply("synced", "all taken in",
           ArgSpec("id", "id", "as sent")),
    _reply("error", "a message that could not be used and belongs to no job",
           ArgSpec("address", "text", "of your message"),
           ArgSpec("code", "text", "one word"), _TEXT),
    _reply("plugins/list.reply", "one effect",
           ArgSpec("name", "text", "as chains name it"),
           ArgSpec("kind", "text", "plugin, builtin or quarantine"),
           ArgSpec("version", "text", "of a plug-in"),
           ArgSpec("text", "text", "what it does, or why it cannot be used")),
    _reply("plugins/list.end", "that was all", _N),
    _reply("plugins/show.reply", "one parameter",
           ArgSpec("name", "text", "as chains name it"),
           ArgSpec("unit", "text", "empty for none"),
           ArgSpec("low", "number", "the least it can be"),
           ArgSpec("high", "number", "the most"),
           ArgSpec("value", "text", "what it is when nothing is said"),
           ArgSpec("choices", "text", "the only texts allowed, with commas between; empty for a number")),
    _reply("plugins/show.end", "that was all", _N),
    _reply("plugins/chains.reply", "one chain",
           ArgSpec("name", "text", "of the chain")),
    _reply("plugins/chains.end", "that was all", _N),
    _reply("plugins/scanned", "the scan is done",
           ArgSpec("plugins", "whole", "how many are known"),
           ArgSpec("quarantine", "whole", "how many are in quarantine")),
    _reply("session/exported", "the session is in its place",
           ArgSpec("id", "id", "as sent"),
           ArgSpec("path", "text", "what the DAW opens; a bare name in LAN mode"),
           ArgSpec("tracks", "whole", "how many it has"),
           ArgSpec("tempo", "number", "quarter notes a minute"), _TEXT),
    _reply("notes/note", "one note, where each was asked for; they come before notes/heard",
           ArgSpec("id", "id", "as sent"),
           ArgSpec("start", "number", "in the stem", unit="s"),
           ArgSpec("length", "number", "0 for a stroke", unit="s"),
           ArgSpec("pitch", "number", "MIDI number with a fraction; of a stroke its key in General MIDI"),
           ArgSpec("velocity", "number", "how loud", low=0, high=1),
           ArgSpec("drum", "text", "what was struck; empty for a note")),
    _reply("notes/heard", "the notes are heard, and the MIDI file is where results go",
           ArgSpec("id", "id", "as sent"),
           ArgSpec("path", "text", "the MIDI file; a bare name in LAN mode; of a job also its part notes for clip/get"),
           ArgSpec("kind", "text", "notes or drums"),
           ArgSpec("count", "whole", "notes or strokes"),
           ArgSpec("confidence", "number", "that they are what was played", low=0, high=1),
           ArgSpec("tempo", "number", "beats a minute; 0 where no beat was heard"),
           ArgSpec("beats", "whole", "in a bar"),
           ArgSpec("first", "number", "where a bar begins, in the stem", unit="s"),
           ArgSpec("key", "text", "as A minor; empty where none was heard"), _TEXT),
    _reply("clip/ready", "send it", CLIP),
    _reply("clip/ok", "all of it came; use it as clip:ID", CLIP,
           ArgSpec("bytes", "text", f"size of the file; {POSITION}")),
    _reply("clip/dropped", "forgotten", CLIP),
    _reply("clip/begin", "the file of a result follows", ID, _PART,
           ArgSpec("name", "text", "file name, without its folder"),
           ArgSpec("bytes", "text", f"size of the file; {POSITION}")),
    _reply("clip/data", "a piece of it; in order", ID, _PART,
           ArgSpec("blob", "blob", "the next bytes of the file")),
    _reply("clip/end", "that was all of it", ID, _PART),
    _reply("challenge", "prove it",
           ArgSpec("nonce", "text", "answer it with auth")),
    _reply("welcome", "you may ask",
           ArgSpec("limit", "whole", "of silence", unit="s")),
    _reply("bye.reply", "forgotten"),
)
# fmt: on

REPLIES: dict[str, ReplySpec] = {reply.address: reply for reply in _REPLIES}

CODES: dict[str, str] = {
    "arguments": "wrong number or type of arguments; the text names what is expected",
    "path": "this path cannot be used; one text for every reason",
    "id": "the id is taken by another job, unknown, or not usable",
    "full": "too many jobs, clips or connections; try again later",
    "request": "the engine cannot do what was asked",
    "audio": "the file is not audio that can be used",
    "example": "the picture, video or sound cannot be used as an example",
    "absent": "what is to be replaced seems not to be there; anyway replaces it all the same",
    "bundle": "no such bundle, or it is damaged",
    "output": "the result could not be written, for example because the disk is full",
    "device": "the accelerator or its driver refused",
    "engine": "the engine process died and trying again did not help",
    "internal": "a fault of the program",
    "clip": "a clip by wire went wrong",
    "plugin": "no such effect, or plug-ins cannot be looked for",
    "unknown": "no such address",
    "packet": "not OSC, or more than is allowed",
    "token": "the bridge wants a token, or another one",
}
