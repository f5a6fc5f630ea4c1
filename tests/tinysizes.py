"""How the tiny CLAP of the tests hears."""

RATE_HZ, HOP, FFT, SECONDS, MELS = 12_000, 120, 256, 2, 16
