"""What tells one file from another: the SHA-256 of its bytes, or of size and some bytes where it is very large."""

from __future__ import annotations

import hashlib
from pathlib import Path

from engine.bundle.bundle import file_sha256

SAMPLED_FROM_BYTES = 1 << 30  # a smaller file is read whole, in a second or two
BLOCKS, BLOCK_BYTES = 128, 1 << 16
ENDS_BYTES = 1 << 20  # of the beginning, which holds the header, and of the end


def content_sha256(path: Path) -> str | None:
    """SHA-256 of a file; None of one that is too large to be read whole.

    Raises:
        OSError: it cannot be read.
    """
    return file_sha256(path) if path.stat().st_size < SAMPLED_FROM_BYTES else None


def sampled_sha256(path: Path) -> str | None:
    """SHA-256 over the size, both ends and evenly spread blocks of a very large file; None of any other.

    It tells other recordings, other lengths and other headers apart. Of a change in the middle that falls between two
    blocks it knows nothing: 8 MiB of the middle are looked at.

    Raises:
        OSError: it cannot be read.
    """
    size = path.stat().st_size
    if size < SAMPLED_FROM_BYTES:
        return None
    digest = hashlib.sha256(size.to_bytes(8, "big"))
    with path.open("rb", buffering=0) as file:
        for at, count in ((0, ENDS_BYTES), *((size * n // BLOCKS, BLOCK_BYTES) for n in range(1, BLOCKS))):
            file.seek(at)
            digest.update(file.read(count))
        file.seek(size - ENDS_BYTES)
        digest.update(file.read(ENDS_BYTES))
    return digest.hexdigest()
