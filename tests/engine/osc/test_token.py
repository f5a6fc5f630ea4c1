"""Other users of this machine are strangers: a token for everything, which our own clients find by themselves."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from clihelp import say
from oschelp import TOKEN, packed

from engine import RequestError
from engine.osc import Bridge, BridgeClient, BridgeSettings
from engine.osc.home import Home, read_token
from engine.osc.protocol.requests import ROWS
from engine.osc.transport.gate import port_in
from engine.osc.transport.packets import read_packet
from engine.osc.transport.sessions import SILENCE_LIMIT_S

OPEN = {f"/fluxstem/{name}" for name in ("ping", "hello", "auth", "bye", "version")}


@pytest.fixture
def careful(settings) -> BridgeSettings:
    """As a bridge is unless told otherwise."""
    return replace(settings, no_token=False)


@pytest.fixture
def bridge(toy_engine, careful) -> Iterator[Bridge]:
    with Bridge(toy_engine, careful) as bridge:
        yield bridge


def test_without_the_token_a_program_of_this_machine_gets_nothing(caller, mix):
    for address in ROWS.keys() - OPEN:
        message = caller.ask(address, "a", str(mix), "bass")
        assert (message[0], message[2]) == ("/fluxstem/error", "token"), message
        assert "--no-token" in message[3]
    assert {address for address, row in ROWS.items() if row.open or row.open_here} == OPEN
    assert caller.ask("/fluxstem/version")[:2] == ("/fluxstem/version.reply", "fluxstem")


@pytest.mark.parametrize("tcp", [False, True])
def test_our_own_client_finds_the_token_in_the_bridges_folder(bridge, careful, mix, tcp):
    port = bridge.state.tcp_port if tcp else bridge.state.udp_port
    with BridgeClient(port=port, tcp=tcp, home=careful.home) as client:
        assert client.run("isolate", str(mix), "bass").null_db == -300.0
    with BridgeClient(port=port, tcp=tcp, token=b"") as client, pytest.raises(RequestError, match="wants a token"):
        client.ask("/fluxstem/status", answers=("/fluxstem/status.reply",))


def test_send_finds_it_too(bridge, careful, mix, capsys):
    said = say(capsys, None, ["send", "isolate", mix, "bass", "--wait", "--home", careful.home])
    assert said.code == 0, said.err


def test_plain_osc_programs_send_the_token_itself(bridge, caller, careful, mix):
    token = (careful.home / "token").read_text().strip()
    assert token[0].isalpha()
    assert token.replace("-", "").isalnum()
    assert caller.ask("/fluxstem/auth", "", token[:-1])[2] == "token"
    assert caller.ask("/fluxstem/auth", "", token) == ("/fluxstem/welcome", SILENCE_LIMIT_S)
    caller.say("/fluxstem/isolate", "a", str(mix), "bass")
    assert caller.until("/fluxstem/done", "/fluxstem/fail")[0] == "/fluxstem/done"


def test_who_gets_a_clients_port_after_it_is_a_stranger(bridge, careful):
    client = BridgeClient(port=bridge.state.udp_port, home=careful.home)
    assert client.ask("/fluxstem/status", answers=("/fluxstem/status.reply",))
    port = client._socket.getsockname()[1]
    client.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.bind(("127.0.0.1", port))
        thief.settimeout(20)
        thief.sendto(packed("/fluxstem/status"), ("127.0.0.1", bridge.state.udp_port))
        heard = read_packet(thief.recv(65536))[0]
        while heard.address == "/fluxstem/bye.reply":
            heard = read_packet(thief.recv(65536))[0]
    assert (heard.address, heard.args[1]) == ("/fluxstem/error", "token")


def test_the_client_does_not_answer_a_challenge_that_another_program_passes_on(bridge, careful):
    """Somebody else's program sits on the usual port, and asks the real bridge for the nonce it wants answered."""
    heard: list[bytes] = []

    def relay(trap: socket.socket) -> None:
        question, victim = trap.recvfrom(65536)
        trap.sendto(question, ("127.0.0.1", bridge.state.udp_port))
        trap.sendto(trap.recv(65536), victim)
        trap.settimeout(0.5)
        with contextlib.suppress(TimeoutError):
            heard.append(trap.recv(65536))

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as trap:
        trap.bind(("127.0.0.1", 0))
        trap.settimeout(20)
        thread = threading.Thread(target=relay, args=(trap,))
        thread.start()
        with pytest.raises(RequestError, match="is not the bridge that its challenge comes from"):
            BridgeClient(port=trap.getsockname()[1], home=careful.home)
        thread.join()
    assert not heard


def test_a_challenge_names_the_port_of_its_bridge(bridge, caller):
    assert port_in(caller.ask("/fluxstem/hello")[1]) == bridge.state.udp_port
    assert port_in("nonsense") is None


def test_a_token_file_is_one_more_token_without_lan_too(toy_engine, careful):
    with Bridge(toy_engine, replace(careful, token=TOKEN)) as bridge:
        for token, home in ((TOKEN, None), (None, careful.home)):
            with BridgeClient(port=bridge.state.udp_port, token=token, home=home) as client:
                assert client.ask("/fluxstem/status", answers=("/fluxstem/status.reply",))
        with pytest.raises(RequestError, match="does not take this token"):
            BridgeClient(port=bridge.state.udp_port, token=b"another token entirely")


@pytest.mark.skipif(os.name == "nt", reason="rights are those of POSIX")
def test_the_bridges_folder_is_for_its_user_alone(toy_engine, careful, mix):
    careful.home.mkdir(mode=0o755)
    with Bridge(toy_engine, careful) as bridge:
        with BridgeClient(port=bridge.state.udp_port, home=careful.home) as client:
            client.run("isolate", str(mix), "bass")
        rights = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (careful.home, *careful.home.iterdir())}
        assert rights["home"] == rights["spool"] == 0o700
        assert {rights[name] for name in ("token", "state.json", "lock")} == {0o600}
        assert stat.S_IMODE(careful.out.stat().st_mode) == 0o700
    before = (careful.home / "token").read_bytes()
    with Bridge(toy_engine, careful):
        assert (careful.home / "token").read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights are those of POSIX")
def test_a_token_that_others_can_read_is_none_and_is_made_anew(tmp_path):
    home = Home(tmp_path / "home")
    home.close()
    (tmp_path / "home" / "token").chmod(0o640)
    assert read_token(tmp_path / "home") is None
    again = Home(tmp_path / "home")
    again.close()
    assert again.token != home.token
    assert read_token(tmp_path / "home") == again.token


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can make another user's folder")
def test_another_users_folder_is_not_used(tmp_path):
    (tmp_path / "home").mkdir()
    os.chown(tmp_path / "home", 12345, 12345)
    with pytest.raises(RequestError, match="belongs to another user"):
        Home(tmp_path / "home")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--no-token", "--lan", "--token-file", "F"], "leave one of them out"),
        (["--no-token", "--token-file", "F"], "leave one of them out"),
        (["--token-file", "SHORT"], "at least 16 bytes"),
        (["--token-file", "WIDE"], "chmod 600"),
        (["--token-file", "."], "cannot be read"),
        (["--plain-token"], "add --lan"),
    ],
)
def test_no_option_about_tokens_is_ignored_silently(capsys, tmp_path, words, why):
    for name, token, rights in (("F", TOKEN, 0o600), ("SHORT", b"short", 0o600), ("WIDE", TOKEN, 0o644)):
        (tmp_path / name).write_bytes(token)
        (tmp_path / name).chmod(rights)
    words = [str(tmp_path / word) if word in ("F", "SHORT", "WIDE", ".") else word for word in words]
    said = say(capsys, None, ["bridge", "--home", tmp_path / "home", "--out", tmp_path / "out", *words])
    assert said.code == 2
    assert why in said.err
