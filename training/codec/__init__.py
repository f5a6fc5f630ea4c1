"""MixWavCodec: audio to continuous latents and back."""
