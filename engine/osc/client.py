"""A client of the bridge for scripts; over UDP it repeats what may have been lost.

``with BridgeClient() as bridge: print(bridge.run("isolate", "clip.wav", "bass").paths)``
"""

from __future__ import annotations

import contextlib
import socket
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pythonosc.osc_message_builder import OscMessageBuilder

from engine import HostError, RequestError
from engine.osc.home import read_token
from engine.osc.protocol.requests import ROWS
from engine.osc.protocol.specs import DEFAULT_PORT, at
from engine.osc.transport.framing import Framer
from engine.osc.transport.gate import answer_to, is_loopback, port_in
from engine.osc.transport.packets import UDP_LIMIT_BYTES, OscMessage, PacketError, Value, read_packet

REPEAT_S = 0.5  # over UDP an unanswered message is sent again after this time
CONNECT_S = 5.0


@dataclass(frozen=True, slots=True)
class BridgeResult:
    """What ``done`` said: files, null figure in dB, presence 0 to 1, place in samples, rate, what was understood."""

    id: str
    paths: tuple[str, ...]
    null_db: float
    presence: float
    start_samples: int
    length_samples: int
    rate_hz: int
    understood: str = ""


class BridgeClient:
    """Talks to one bridge.

    Args:
        host, port: where it listens.
        tcp: True means TCP (length prefix), which loses nothing and can carry clips.
        token: of a bridge on another machine; on this one the token in the bridge's folder is read. An empty
            one means that none is proven: ``ping`` and ``version`` are answered.
        home: that folder; None is the user's own.
        patience_s: how long the bridge may stay silent before it is taken for gone.

    Raises:
        HostError: no bridge answers there.
        RequestError: it does not accept the token, or is not the bridge that it says it is.
    """

    def __init__(
        self, host: str = "127.0.0.1", port: int = DEFAULT_PORT, *, tcp: bool = False, token: bytes | None = None,
        home: Path | None = None, patience_s: float = 20.0,
    ) -> None:  # fmt: skip
        self.tcp = tcp
        self._where = f"{host}:{port}"
        self._patience_s = patience_s
        self._framer = Framer("length")
        self._received: deque[OscMessage] = deque()
        try:
            family, kind, _, _, address = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
            )[0]
            self._socket = socket.socket(family, kind)
            self._socket.settimeout(CONNECT_S)
            self._socket.connect(address)
        except OSError as error:
            raise self._no_answer(error) from error
        self._proven = False
        here = is_loopback(str(address[0]))
        token = token if token is not None or not here else read_token(home)
        if token:
            self._prove(token, int(address[1]) if here else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up; jobs go on."""
        if self._proven and not self.tcp:  # whoever gets this port next must not be taken for us
            with contextlib.suppress(HostError):
                self.send(at("bye"))
        self._socket.close()

    def send(self, address: str, *args: Value) -> None:
        """Send one message.

        Raises:
            HostError: nobody is there.
        """
        builder = OscMessageBuilder(address)
        for arg in args:
            builder.add_arg(arg)
        packet = bytes(builder.build().dgram)
        try:
            self._socket.sendall(self._framer.frame(packet) if self.tcp else packet)
        except OSError as error:
            raise self._no_answer(error) from error

    def receive(self, limit_s: float) -> OscMessage | None:
        """The next message, None when none comes in time.

        Raises:
            HostError: nobody is there.
        """
        end_s = time.monotonic() + limit_s
        while not self._received:
            self._socket.settimeout(max(end_s - time.monotonic(), 0.001))
            try:
                data = self._socket.recv(UDP_LIMIT_BYTES)
            except TimeoutError:
                return None
            except OSError as error:
                raise self._no_answer(error) from error
            if self.tcp and not data:
                raise self._no_answer(OSError("it hung up"))
            try:
                for packet in self._framer.feed(data) if self.tcp else (data,):
                    self._received.extend(read_packet(packet))
            except PacketError:
                continue
        return self._received.popleft()

    def ask(self, address: str, *args: Value, answers: tuple[str, ...]) -> OscMessage:
        """Send a message and wait for a reply with one of the given addresses; over UDP it is repeated until one comes.

        Raises:
            HostError: no answer.
            RequestError: the bridge refused; its sentence.
        """
        for message in self.hear(lambda: self.send(address, *args)):
            if message.address in answers:
                return message
            if message.address == at("error") and message.args[0] in (address, ""):
                raise RequestError(str(message.args[2]))
            if message.address == at("fail") and str(message.args[0]) in ("", *map(str, args[:1])):
                raise RequestError(str(message.args[2]))
        raise self._no_answer(None)

    def hear(self, say: Callable[[], None]) -> Iterator[OscMessage]:
        """Send something and yield what comes back, until a long silence; over UDP a short one means sending again."""
        say()
        heard_s = time.monotonic()
        while time.monotonic() - heard_s < self._patience_s:
            message = self.receive(REPEAT_S)
            if message is not None:
                heard_s = time.monotonic()
                yield message
            elif not self.tcp:
                say()

    def start(self, task: str, input: str | None, prompt: str, *, id: str | None = None, **options: Value) -> str:
        """Start a job; options have the names of the table's arguments.

        Returns:
            The job's id.

        Raises:
            RequestError: the bridge refused it.
            HostError: the bridge is gone.
        """
        row = ROWS[at(task)]
        values: dict[str, Value] = {"id": id or uuid.uuid4().hex[:12], "input": input, "prompt": prompt, **options}
        args = [values.get(arg.name, arg.default) for arg in row.args]
        self.ask(row.address, *args, answers=(at("ack"),))
        return str(args[0])

    def wait(self, id: str, on_progress: Callable[[float, str], None] = lambda fraction, stage: None) -> BridgeResult:
        """Wait for the end of a job.

        Raises:
            RequestError: it failed or was cancelled.
            HostError: the bridge is gone.
        """
        for message in self.hear(lambda: self.send(at("result"), id)):
            if not message.args or message.args[0] != id:
                continue
            match message.address.removeprefix(at("")):
                case "progress":
                    on_progress(float(message.args[1] or 0), str(message.args[2]))
                case "done":
                    return _result_of(message.args)
                case "cancelled":
                    raise RequestError("the job {id} was cancelled", id=id)
                case "fail":
                    raise RequestError(str(message.args[2]))
        raise self._no_answer(None)

    def run(self, task: str, input: str | None, prompt: str, **options: Value) -> BridgeResult:
        """``start`` and ``wait``; a file is named by its absolute path."""
        path = str(Path(input).absolute()) if input else None
        return self.wait(self.start(task, path, prompt, id=None, **options))

    def _prove(self, token: bytes, port: int | None) -> None:
        """Prove the token; on this machine only to the program that made the nonce itself, as its port in it shows."""
        nonce = str(self.ask(at("hello"), answers=(at("challenge"),)).args[0])
        if port is not None and port_in(nonce) != port:
            raise RequestError(
                "what answers at {where} is not the bridge that its challenge comes from, so it does not get an "
                "answer; see in the bridge's state.json where your bridge listens", where=self._where,
            )  # fmt: skip
        try:
            self.ask(at("auth"), nonce, answer_to(token, nonce), answers=(at("welcome"),))
        except RequestError as error:
            self.close()
            raise RequestError(
                "the bridge at {where} does not take this token ({why}); give the folder of its state file with "
                "--home, or its token with --token-file", where=self._where, why=str(error),
            ) from None  # fmt: skip
        self._proven = True

    def _no_answer(self, error: OSError | None) -> HostError:
        why = f" ({error.strerror or error})" if error is not None else ""
        return HostError(
            "no bridge answers at {where}{why}; start one with: fluxstem bridge", where=self._where, why=why
        )


def _result_of(args: tuple[Value, ...]) -> BridgeResult:
    count = int(str(args[1]))
    null_db, presence, start, length, rate_hz = args[2 + count : 7 + count]
    return BridgeResult(
        str(args[0]), tuple(map(str, args[2 : 2 + count])), float(null_db or 0.0), float(presence or 0.0),
        int(str(start)), int(str(length)), int(str(rate_hz)), *map(str, args[7 + count : 8 + count]),
    )  # fmt: skip
