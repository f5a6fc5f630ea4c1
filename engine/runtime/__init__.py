"""The runtime of graphs, ``onnx``, behind the seam of ``backend``; it is loaded on first use."""
