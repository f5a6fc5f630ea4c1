"""MixWavCodec: audio to continuous latents and back.

``model`` chooses a family (``spectral``, ``oobleck`` or ``mel``), ``train`` is the stage, with ``losses`` and the
discriminators of ``adversarial``; ``noise`` measures how robust decoding is.
"""
