"""Whatever the bytes are, reading them ends quickly, in messages or in one kind of error."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oscfuzz import bundle, killers, mutated, valid_packets
from pythonosc.osc_message import OscMessage as PythonOscMessage
from pythonosc.osc_message_builder import OscMessageBuilder

from engine.osc.protocol.arguments import ArgumentError, fit
from engine.osc.protocol.requests import ROWS
from engine.osc.protocol.specs import at
from engine.osc.transport.framing import FRAME_LIMIT_BYTES, FrameError, Framer
from engine.osc.transport.packets import DEPTH_LIMIT, OscMessage, PacketError, read_packet, write_message

WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=40)
ARGUMENTS = st.one_of(
    st.tuples(st.just("i"), st.integers(-(2**31), 2**31 - 1)),
    st.tuples(st.just("h"), st.integers(-(2**63), 2**63 - 1)),
    st.tuples(st.just("f"), st.floats(width=32, allow_nan=False)),
    st.tuples(st.just("d"), st.floats(allow_nan=False)),
    st.tuples(st.just("s"), WORDS),
    st.tuples(st.just("b"), st.binary(min_size=1, max_size=60)),
    st.sampled_from([("T", True), ("F", False), ("N", None)]),
)


@given(st.lists(ARGUMENTS, max_size=12))
def test_messages_of_python_osc_are_read_as_they_were_meant(arguments):
    builder = OscMessageBuilder("/fluxstem/ping")
    for letter, value in arguments:
        builder.add_arg(value, letter)
    [message] = read_packet(bytes(builder.build().dgram))
    assert message == OscMessage("/fluxstem/ping", tuple(value for _, value in arguments))


@given(st.binary(max_size=400))
def test_any_bytes_are_messages_or_one_kind_of_error(packet):
    try:
        messages = read_packet(packet)
    except PacketError:
        return
    assert all(message.address.startswith("/") for message in messages)


@given(st.sampled_from(list(ROWS.values())), st.lists(ARGUMENTS, max_size=14))
def test_any_arguments_fit_their_row_or_get_one_kind_of_error(row, arguments):
    try:
        values = fit(row, tuple(value for _, value in arguments))
    except ArgumentError:
        return
    kinds = {"id": str, "text": str, "whole": int, "number": float, "place": (float, str), "blob": bytes}
    assert all(isinstance(values.by_name[arg.name], kinds[arg.kind]) for arg in row.args)


@pytest.mark.parametrize("name", killers())
def test_known_killers_are_refused(name):
    packet = killers()[name]
    if name in ("390 nested bundles", "many elements", "element of size -4"):
        assert len(packet) < 65_507
    with pytest.raises(PacketError):
        read_packet(packet)


def test_mutated_packets_end_in_messages_or_one_kind_of_error():
    read = refused = 0
    for packet in mutated(8000, seed=1):
        try:
            read += bool(read_packet(packet))
        except PacketError:
            refused += 1
    assert read > 200, "the mutations are so wild that nothing is left to be read"
    assert refused > 200, "the mutations are so tame that nothing is refused"


@pytest.mark.parametrize("packet", valid_packets())
def test_good_packets_are_read(packet):
    assert read_packet(packet)


def test_bundles_are_read_in_order_as_deep_as_is_allowed():
    ping = valid_packets()[0]
    nested = ping
    for _ in range(DEPTH_LIMIT):
        nested = bundle(nested)
    assert [m.address for m in read_packet(nested)] == ["/fluxstem/ping"]
    with pytest.raises(PacketError, match="deeper"):
        read_packet(bundle(nested))
    first, second, third = (write_message("/x", "i", (n,)) for n in (1, 2, 3))
    assert [m.args[0] for m in read_packet(bundle(first, bundle(second), third))] == [1, 2, 3]


@pytest.mark.parametrize(
    ("letter", "data", "value"), [("c", b"\0\0\0a", "a"), ("S", b"abc\0", "abc"), ("I", b"", True)]
)
def test_standard_types_that_python_osc_drops_do_not_shift_what_follows(letter, data, value):
    packet = b"/x\0\0," + letter.encode() + b"i\0" + data + struct.pack(">i", 7)
    assert read_packet(packet) == [OscMessage("/x", (value, 7))]


def test_what_we_write_is_what_python_osc_reads():
    packet = write_message("/fluxstem/done", "sifb", ("a", 2, 0.5, b"xyz"))
    assert list(PythonOscMessage(packet)) == ["a", 2, 0.5, b"xyz"]


@pytest.mark.parametrize("step", [1, 3, 7, 4096])
@pytest.mark.parametrize("framing", ["length", "slip"])
def test_a_stream_is_cut_into_the_packets_it_was_made_of(framing, step):
    packets = [*valid_packets(), b"/x\0\0,b\0\0" + struct.pack(">i", 4) + b"\xc0\xdb\xdc\xdd"]
    stream = b"".join(Framer(framing).frame(packet) for packet in packets)
    framer = Framer()
    cut = [packet for at in range(0, len(stream), step) for packet in framer.feed(stream[at : at + step])]
    assert cut == packets
    assert framer.framing == framing
    assert not framer.pending


def test_slip_without_a_leading_end_mark_is_known_too():
    framer = Framer()
    packet = valid_packets()[0]
    assert list(framer.feed(packet + b"\xc0")) == [packet]


@pytest.mark.parametrize(
    "stream",
    [
        b"\xff\xff\xff\xff" + bytes(8),  # 4 GiB
        b"\x00\xff\xff\xff" + bytes(8),  # 16 MiB
        struct.pack(">I", FRAME_LIMIT_BYTES + 1),
        b"GET / HTTP/1.1\r\n",
        b"\xc0\xdbx\xc0",
        b"\xc0" + b"a" * (2 * FRAME_LIMIT_BYTES + 1),
    ],
)
def test_streams_that_cannot_be_ours_are_refused_at_once(stream):
    with pytest.raises(FrameError):
        list(Framer().feed(stream))


@pytest.mark.parametrize(
    ("given_value", "number"),
    [(3, 3.0), (3.0, 3.0), (2.5, 2.5), (True, 1.0), (False, 0.0), ("3", 3.0), (" 2.5 ", 2.5), ("1e1", 10.0)],
)
def test_any_number_is_taken_for_a_number(given_value, number):
    values = fit(ROWS[at("inpaint")], ("a", "/x", "bass", 0.0, given_value))
    assert values.by_name["end"] == number


@pytest.mark.parametrize("given_value", ["", "abc", "1_0", "nan", "inf", math.nan, math.inf, b"3", "9" * 41])
def test_what_is_no_number_is_refused(given_value):
    with pytest.raises(ArgumentError, match="for end"):
        fit(ROWS[at("inpaint")], ("a", "/x", "bass", 0.0, given_value))


def test_nil_is_the_default_where_there_is_one_and_refused_elsewhere():
    assert fit(ROWS[at("inpaint")], ("a", "/x", "bass", 0.0, None)).by_name["end"] == 0
    with pytest.raises(ArgumentError, match="for prompt"):
        fit(ROWS[at("inpaint")], ("a", "/x", None))


@pytest.mark.parametrize(("given_value", "id"), [("a", "a"), (7, "7"), (7.0, "7"), (2.5, "2.5"), (2**40, str(2**40))])
def test_an_id_is_a_text_or_a_number(given_value, id):
    assert fit(ROWS[at("cancel")], (given_value,)).text("id") == id


@pytest.mark.parametrize("given_value", ["", "x" * 65, "line\nbreak", None, b"a", math.nan, True])
def test_what_is_no_id_is_refused(given_value):
    with pytest.raises(ArgumentError, match="for id"):
        fit(ROWS[at("cancel")], (given_value,))
