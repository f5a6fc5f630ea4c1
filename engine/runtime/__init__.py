"""Runtimes for graphs: ``onnx``, and ``fake`` for tests; each is loaded on first use."""
