"""Graphs in ONNX Runtime on the processor, without torch: a process that only runs graphs starts in a moment."""

from __future__ import annotations

from pathlib import Path

import onnxruntime


def session(path: Path) -> onnxruntime.InferenceSession:
    """A graph in ONNX Runtime on the processor."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
