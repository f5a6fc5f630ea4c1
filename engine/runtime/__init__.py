"""What can run graphs: ``onnx`` for real, ``fake`` for tests; each is loaded on first use."""
