"""Cut a part out of a WAV, for tasks that hand back the whole file of a clip that plays only a part of it."""

import os
import struct


def cut(path, first, last):
    """Write samples ``first`` up to ``last`` of a WAV beside it.

    Args:
        path: of the WAV.
        first, last: samples per channel; None for ``last`` is the end.

    Returns:
        The path of the new file; the old one where all of it is wanted.

    Raises:
        ValueError: it is no WAV, or too large for a plain one.
    """
    with open(path, "rb") as source:
        form, data_at, data_bytes = _chunks(source)
        (row_bytes,) = struct.unpack_from("<H", form, 12)
        rows = data_bytes // row_bytes
        first, last = max(first, 0), rows if last is None else min(last, rows)
        if (first, last) == (0, rows):
            return path
        size = max(last - first, 0) * row_bytes
        if size > 0xF000_0000:
            raise ValueError("this part is too large for a WAV")
        made = _fresh(path)
        with open(made, "xb") as target:
            head = b"fmt " + struct.pack("<I", len(form)) + form + bytes(len(form) % 2)
            total = 4 + len(head) + 8 + size + size % 2
            target.write(b"RIFF" + struct.pack("<I", total) + b"WAVE" + head + b"data" + struct.pack("<I", size))
            source.seek(data_at + first * row_bytes)
            while size > 0:
                block = source.read(min(size, 1 << 20))
                if not block:
                    raise ValueError("the file is cut off")
                target.write(block)
                size -= len(block)
            target.write(bytes((last - first) * row_bytes % 2))
    return made


def _chunks(source):
    """Bytes of the format, where the sound begins, and how many bytes it has."""
    head = source.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise ValueError("it is no WAV")
    form = b""
    while len(head := source.read(8)) == 8:
        name, size = head[:4], struct.unpack("<I", head[4:])[0]
        if name == b"fmt ":
            form = source.read(size + size % 2)[:size]
        elif name == b"data" and len(form) >= 16:
            return form, source.tell(), size
        else:
            source.seek(size + size % 2, os.SEEK_CUR)
    raise ValueError("there is no sound in it")


def _fresh(path):
    """A name beside a file that nothing has yet."""
    stem, ending = os.path.splitext(path)
    number = 1
    while os.path.exists(made := f"{stem} (part{number if number > 1 else ''}){ending}"):
        number += 1
    return made
