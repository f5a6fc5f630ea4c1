"""CUDA's runtime library as ``engine.runtime.transfers`` asks it, over this machine's own memory."""

import ctypes

MEMORY, LOST = 2, 719  # cudaErrorMemoryAllocation, cudaErrorLaunchFailure
WORDS = {MEMORY: b"out of memory", LOST: b"unspecified launch failure"}


class FakeCudart:
    """Copies within the host's memory and counts what it is asked.

    Args:
        most_bytes: that can be pinned.
        fails: CUDA's error number that copies answer with; 0 for none.
    """

    def __init__(self, most_bytes=1 << 40, fails=0):
        self.most_bytes, self.fails = most_bytes, fails
        self.pinned = {}  # address -> buffer
        self.cards, self.copies, self.allocated = set(), [], 0

    def cudaSetDevice(self, index):  # noqa: N802
        self.cards.add(index.value)
        return 0

    def cudaHostAlloc(self, address, size, flags):  # noqa: N802
        if sum(map(len, self.pinned.values())) + size.value > self.most_bytes:
            return MEMORY
        buffer = ctypes.create_string_buffer(size.value)
        at = ctypes.addressof(buffer)
        self.pinned[at] = buffer
        address._obj.value = at
        self.allocated += 1
        return 0

    def cudaFreeHost(self, address):  # noqa: N802
        del self.pinned[address.value]
        return 0

    def cudaMemcpy(self, to, source, size, kind):  # noqa: N802
        if self.fails:
            return self.fails
        ctypes.memmove(to.value, source.value, size.value)
        self.copies.append((kind.value, size.value, to.value in self.pinned or source.value in self.pinned))
        return 0

    def cudaGetErrorString(self, number):  # noqa: N802
        return WORDS[number.value]
