"""``done`` fits into a packet, however many answers there are."""

from engine.osc.protocol.arguments import spread
from engine.osc.protocol.replies import REPLIES
from engine.osc.protocol.specs import at
from engine.osc.router import fewer_names
from engine.osc.transport.packets import read_packet, write_message

NAMES = tuple(f"mix - electric guitar ({number}).wav" for number in range(64))
FIGURES = (-300.0, 0.5, "0", "480000", 48_000, "guitar")


def sent(args):
    types, values = spread(REPLIES[at("done")], args)
    return write_message(at("done"), types, values)


def test_as_many_names_as_fit_are_told_with_their_number():
    whole = ("job", len(NAMES), NAMES, *FIGURES)
    assert len(sent(whole)) > 1400
    fewer = fewer_names(at("done"), whole, 1400)
    packet = sent(fewer)
    assert 1300 < len(packet) <= 1400
    [message] = read_packet(packet)
    count = message.args[1]
    assert 0 < count < len(NAMES)
    assert tuple(message.args[2 : 2 + count]) == NAMES[:count]
    assert message.args[6 + count] == 48_000


def test_names_that_fit_are_all_told():
    whole = ("job", 2, NAMES[:2], *FIGURES)
    assert fewer_names(at("done"), whole, 1400) == whole
