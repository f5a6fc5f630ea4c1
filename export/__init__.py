"""Turn a training run into a bundle: graphs, parity check, manifest. Needs torch, onnx and ONNX Runtime; no Qt."""

from engine.telemetry import turn_off_telemetry

turn_off_telemetry()
