"""The protocol is one table: handlers, docs, OSCQuery and replies all follow it."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from engine import OPTIONS, TASKS, Option, check_values
from engine.osc import Bridge
from engine.osc.journal import JournalEntry
from engine.osc.protocol.arguments import ArgumentError, fit
from engine.osc.protocol.docs import markdown
from engine.osc.protocol.replies import CODES, REPLIES
from engine.osc.protocol.requests import ROWS, TASK_ROWS
from engine.osc.protocol.specs import OSC_TYPE, PREFIX, RENDER, at
from engine.osc.protocol.task_arguments import INPUT_ARGUMENTS, arguments_of
from engine.osc.request_builder import build_request
from engine.osc.router import MessageRouter
from engine.osc.transport.oscquery import CONNECTIONS_LIMIT, answer, serve_oscquery, tree
from engine.osc.transport.packets import OscMessage

ROOT = Path(__file__).parents[3]
NEEDED = {
    "ask": ("ping", "version", "status", "help", "bundles"),
    "make": ("isolate", "remove", "regenerate", "generate", "inpaint", "extend", "restyle", "replace", "arrange"),
    "follow": ("cancel", "jobs", "result", "connect", "notify", "dump", "sync"),
    "plug": ("plugins/list", "plugins/show", "plugins/chains", "plugins/scan", "plugins/render"),
    "carry": ("clip/begin", "clip/data", "clip/end", "clip/get"),
}
COMMON = "candidates mix_prompt rest_prompt image video audio weight"
BEFORE = {  # the arguments of the first version that had a table, in their places
    "isolate": f"id input prompt start end seed steps guidance render format bundle regions {COMMON}",
    "remove": f"id input prompt start end seed steps guidance render format bundle regions {COMMON}",
    "regenerate": f"id input prompt start end seed steps guidance format bundle regions {COMMON} slot temperature",
    "generate": f"id prompt seconds seed steps guidance format bundle {COMMON} slot temperature",
    "inpaint": f"id input prompt start end rest seed steps guidance format bundle regions {COMMON} slot temperature",
    "extend": f"id input prompt seconds rest seed steps guidance format bundle {COMMON} slot temperature",
    "restyle": f"id input prompt start end rest seed steps guidance format bundle regions strength {COMMON} "
    "temperature",
    "replace": f"id input prompt replacement start end seed steps guidance format bundle regions strength {COMMON} "
    "temperature",
    "arrange": f"id prompt seconds rest seed steps guidance format bundle keep_order {COMMON} temperature",
}
SAMPLE = {"id": "a", "text": "x", "whole": 1, "number": 1.0, "blob": b"x"}


def test_the_table_has_every_address_that_was_promised():
    assert {f"{PREFIX}/{name}" for names in NEEDED.values() for name in names} <= set(ROWS)


def test_every_task_of_the_engine_has_its_row():
    assert {row.task for row in ROWS.values() if row.task} == {*TASKS, RENDER}


@pytest.mark.parametrize("task", TASKS)
def test_what_came_later_stands_last_so_old_clients_are_still_understood(task):
    names = [arg.name for arg in ROWS[at(task)].args]
    before = BEFORE[task].split()
    assert names[: len(before)] == before
    assert len(set(names)) == len(names)


def test_an_option_that_is_new_stands_last_without_another_word(monkeypatch):
    loudness = Option(name="loudness", kind="number", optional=True, low=0.0, high=2.0, unit="dB", doc="how loud")
    monkeypatch.setitem(OPTIONS, "loudness", loudness)
    argument = arguments_of(TASKS["isolate"])[-1]
    spec = argument.spec(TASKS["isolate"])
    assert (spec.name, spec.kind, spec.low, spec.high, spec.default, spec.unit) == (
        "loudness",
        "number",
        -1,
        2,
        -1,
        "dB",
    )
    assert spec.doc == "how loud; -1 is the bundle's choice"
    assert (argument.value_of(-1.0), argument.value_of(1.5)) == (None, 1.5)


@pytest.mark.parametrize(
    ("name", "said", "field", "value"),
    [
        ("steps", 0, "steps", None),
        ("steps", 7, "steps", 7),
        ("guidance", -1.0, "guidance", None),
        ("guidance", 0.0, "guidance", 0.0),
        ("temperature", -1.0, "temperature", None),
        ("start_from", "auto", "start", None),
        ("start_from", "noise", "start", "noise"),
        ("device", "cpu", "device", "cpu"),
        ("sensitivity", 0.25, "sensitivity", 0.25),
        ("guide", "prompt mix_prompt", "guide", ("prompt", "mix-prompt")),
        ("guide", "", "guide", ()),
        ("expert", "drums", "expert", "drums"),
        ("weight", 0.75, "example_weight", 0.75),
        ("regions", "1-2 3-4.5", "regions_s", ((1.0, 2.0), (3.0, 4.5))),
    ],
)
def test_an_argument_becomes_the_field_it_stands_for(name, said, field, value):
    args = [{"id": "a", "input": "/x", "prompt": "bass", name: said}.get(arg.name) for arg in ROWS[at("isolate")].args]
    asked = {key: found for key, found in fit(ROWS[at("isolate")], tuple(args)).by_name.items() if key != "id"}
    entry = JournalEntry(id="a", number=1, task="isolate", asked=asked)
    request = build_request(entry, dict.fromkeys(INPUT_ARGUMENTS) | {"input": "/spool/x.wav"}, Path("/out"), "small")
    assert getattr(request, field) == value
    check_values(request)


@pytest.mark.parametrize("address", ROWS)
def test_every_row_is_lower_case_and_answers_with_rows_of_the_other_table(address):
    row = ROWS[address]
    assert address == address.lower()
    assert set(row.replies) <= set(REPLIES)
    assert row.doc
    defaults = [arg.default is not None for arg in row.args]
    assert defaults == sorted(defaults), "an argument that must be given stands after one that may be left out"


@pytest.mark.parametrize("address", REPLIES)
def test_replies_use_only_types_that_every_client_knows(address):
    assert {OSC_TYPE[arg.kind] for arg in REPLIES[address].args} <= set("sifb")


@pytest.mark.parametrize(
    "address",  # a process that hears notes takes seconds to load; test_notes_messages.py has one in any case
    [pytest.param(name, marks=pytest.mark.slow) if name == f"{PREFIX}/notes/file" else name for name in ROWS],
)
def test_every_row_is_answered(address, caller, mix):
    """Whatever the row, good arguments get one of its replies, ``fail`` or ``error``; one without replies is silent."""
    row = ROWS[address]
    args = [
        str(mix) if arg.name == "input" else arg.choices[0] if arg.choices else
        max(SAMPLE[arg.kind], arg.low or 0) if arg.kind in ("whole", "number") else SAMPLE[arg.kind]
        for arg in row.args if arg.default is None
    ]  # fmt: skip
    if row.address == f"{PREFIX}/connect":
        args = ["", caller.port]
    message = caller.ask(address, *args)
    assert message[0] in (*row.replies, f"{PREFIX}/fail", f"{PREFIX}/error")
    if message[0] in (f"{PREFIX}/fail", f"{PREFIX}/error"):
        assert message[2] in CODES
    assert len(message) - 1 >= len([arg for arg in REPLIES[message[0]].args if not arg.many])


@pytest.mark.parametrize("address", [row.address for row in ROWS.values() if row.args and row.args[0].default is None])
def test_too_few_arguments_name_those_that_are_expected(address):
    with pytest.raises(ArgumentError, match=f"{address} takes {ROWS[address].args[0].name}"):
        fit(ROWS[address], OscMessage(address, ()).args)


def test_the_docs_are_up_to_date():
    shown = (ROOT / "resources" / "docs" / "OSC.md").read_text(encoding="utf-8")
    assert shown == markdown(), "run: python -m engine.osc.protocol.docs > resources/docs/OSC.md"


def test_oscquery_says_what_the_table_says():
    leaves: dict[str, dict] = {}

    def walk(node: dict) -> None:
        if "TYPE" in node or "CRITICAL" in node:
            leaves[node["FULL_PATH"]] = node
        for inner in node.get("CONTENTS", {}).values():
            walk(inner)

    walk(tree())
    assert set(leaves) == set(ROWS)
    for address, leaf in leaves.items():
        assert leaf.get("TYPE", "") == "".join(OSC_TYPE[arg.kind] for arg in ROWS[address].args)
        assert leaf["DESCRIPTION"] == ROWS[address].doc
        assert leaf["CRITICAL"] == ROWS[address].critical


@pytest.fixture
def query_port(toy_engine, settings):
    with Bridge(toy_engine, replace(settings, oscquery_port=0)) as bridge:
        yield bridge.state.http_port


def get(port: int, path: str, **headers: str) -> tuple[int, object]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            body = response.read()
            return response.status, json.loads(body) if body else None
    except urllib.error.HTTPError as error:
        return error.code, None


def test_oscquery_answers_over_http(query_port):
    status, info = get(query_port, "/?HOST_INFO")
    assert status == 200
    assert info["OSC_TRANSPORT"] == "UDP"
    assert get(query_port, "/fluxstem/isolate?TYPE") == (200, {"TYPE": "sssffiifssssisssssfsssffssiisssssi"})
    assert get(query_port, "/fluxstem/nonsense")[0] == 404
    assert get(query_port, "/fluxstem/isolate?NONSENSE")[0] == 400
    assert get(query_port, "/fluxstem?TYPE")[0] == 204


def test_oscquery_refuses_web_pages(query_port):
    assert get(query_port, "/", Origin="http://evil.example")[0] == 403
    assert get(query_port, "/", Host="evil.example")[0] == 403
    assert answer("GET / HTTP/1.1\r\nHost: 192.168.1.5:80", 1, lan=True)[0] == 200
    assert answer("POST / HTTP/1.1\r\nHost: localhost", 1, lan=False)[0] == 405


def served(work, admits=lambda host: True):
    """Run a coroutine that is given the port of a server by itself."""

    async def whole() -> object:
        server = await serve_oscquery(0, lan=True, osc_port=1, admits=admits)
        try:
            return await asyncio.wait_for(work(server.sockets[0].getsockname()[1]), 60)
        finally:
            server.close()

    return asyncio.run(whole())


ASKING = b"GET /?HOST_INFO HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.mark.parametrize("admitted", [True, False])
def test_oscquery_answers_only_hosts_that_may_speak(admitted):
    async def ask(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASKING)
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    said = served(ask, lambda host: admitted and host == "127.0.0.1")
    assert (b"OSC_PORT" in said) == admitted


def test_a_bridge_asks_its_list_of_networks_for_oscquery_too(toy_engine, settings, monkeypatch):
    monkeypatch.setattr(MessageRouter, "_admits", lambda router, host: False)
    with Bridge(toy_engine, replace(settings, oscquery_port=0)) as bridge:
        port = bridge.state.http_port
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            get(port, "/?HOST_INFO")


def test_silent_connections_do_not_shut_oscquery_for_others():
    async def ask(port: int) -> tuple[int, bytes]:
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3 * CONNECTIONS_LIMIT)]
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(ASKING)
        said = await reader.read()
        ended = 0
        for quiet, _ in silent[:CONNECTIONS_LIMIT]:  # the oldest were ended for the newer ones
            try:
                ended += await quiet.read() == b""
            except ConnectionResetError:
                ended += 1
        for _, line in silent:
            line.close()
        writer.close()
        return ended, said

    ended, said = served(ask)
    assert b"OSC_PORT" in said
    assert ended == CONNECTIONS_LIMIT


def test_oscquery_and_zeroconf_are_off_unless_asked_for(bridge):
    assert bridge.state.http_port is None


def test_zeroconf_announces_where_the_bridge_listens(toy_engine, settings):
    from zeroconf import IPVersion, Zeroconf

    with Bridge(toy_engine, replace(settings, zeroconf=True)) as bridge:
        name = f"Fluxstem {__import__('socket').gethostname().split('.')[0]} {bridge.state.udp_port}"
        finder = Zeroconf(interfaces=["127.0.0.1"], ip_version=IPVersion.V4Only)
        try:
            info = finder.get_service_info("_osc._udp.local.", f"{name}._osc._udp.local.", timeout=30_000)
        finally:
            finder.close()
    assert info is not None
    assert info.port == bridge.state.udp_port


@pytest.mark.parametrize("row", [row for row in TASK_ROWS if any(arg.name == "regions" for arg in row.args)])
def test_regions_stand_instead_of_start_and_end(row):
    by_name = {arg.name: arg for arg in row.args}
    assert (by_name["start"].default, by_name["end"].default) == (0.0, 0.0)
