"""Limits of a chain and of its process, read on both sides of the process border."""

from __future__ import annotations

START_LIMIT_S = 120.0  # until the process is there; a busy machine may need long to import NumPy
LOAD_LIMIT_S = 30.0  # of one effect
STALL_LIMIT_S = 60.0  # without another block
SETTLE_LIMIT_S = 60.0  # for what comes after the last block
MEMORY_LIMIT_BYTES = 6 << 30  # address space of the process; plug-ins reserve far more than they use
CPU_LIMIT_S = 4 * 3600
WORDS_LIMIT_BYTES = 64 << 20  # of what a plug-in prints
ANSWER_LIMIT_BYTES = 64 << 20
CHAIN_LIMIT_BYTES = 4 << 20
EFFECTS_LIMIT = 32
LATENCY_LIMIT_S = 10.0
TAIL_LIMIT_S = 60.0
BLOCK_SAMPLES = 8192  # the same for every file, so that results are too

# What DPF reports as parameters and is none of the user's business.
PSEUDO_PARAMETERS = ("buffer_size_frames", "sample_rate_frames", "latency_frames", "current_program")
