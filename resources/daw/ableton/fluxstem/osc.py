"""OSC 1.0 messages of texts, whole numbers, floats and nothing, which is all that the bridge sends or is sent here."""

import struct


def encode(address, *args):
    """A message as bytes; None is nil, floats are 32 bits (say places as text, which keeps every digit)."""
    types, body = ",", b""
    for arg in args:
        if arg is None:
            types += "N"
        elif isinstance(arg, int):
            types, body = types + "i", body + struct.pack(">i", arg)
        elif isinstance(arg, float):
            types, body = types + "f", body + struct.pack(">f", arg)
        else:
            types, body = types + "s", body + _text(str(arg))
    return _text(address) + _text(types) + body


def decode(packet):
    """Address and arguments of a message.

    Raises:
        ValueError: it is not one, or holds other types.
    """
    try:
        address, at = _read_text(packet, 0)
        types, at = _read_text(packet, at)
        if not address.startswith("/") or not types.startswith(","):
            raise ValueError("no OSC message")
        args = []
        for kind in types[1:]:
            if kind == "s":
                value, at = _read_text(packet, at)
            elif kind in "if":
                (value,) = struct.unpack_from(">" + kind, packet, at)
                at += 4
            elif kind in "TFN":
                value = {"T": True, "F": False, "N": None}[kind]
            else:
                raise ValueError("an argument of type " + kind)
            args.append(value)
        return address, args
    except (struct.error, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error


def _text(text):
    data = text.encode("utf-8") + b"\0"
    return data + b"\0" * (-len(data) % 4)


def _read_text(packet, at):
    end = packet.find(b"\0", at)
    if end < 0:
        raise ValueError("a text without an end")
    length = end - at + 1
    return packet[at:end].decode("utf-8"), at + length + -length % 4
