"""Execution providers and their options, by device."""

from __future__ import annotations

from pathlib import Path

from engine.bundle.library import user_cache_folder
from engine.runtime.backend import PROVIDERS
from engine.runtime.settings import SessionSettings

ProviderChoice = tuple[str, dict[str, str]]


def provider_chain(settings: SessionSettings, graph: Path) -> list[ProviderChoice]:
    """Providers that a graph is opened with, the wanted one first, each with its options.

    Args:
        settings: device, precision and limits.
        graph: the file that is opened.
    """
    cpu: ProviderChoice = (PROVIDERS["cpu"], {})
    if settings.kind == "cpu":
        return [cpu]
    if settings.kind == "tensorrt":
        return [(PROVIDERS["tensorrt"], _tensorrt(settings)), (PROVIDERS["cuda"], _cuda(settings)), cpu]
    return [(PROVIDERS["cuda"], _cuda(settings)), cpu]


def _cuda(settings: SessionSettings) -> dict[str, str]:
    options = {
        "device_id": str(settings.index),
        "cudnn_conv_algo_search": "HEURISTIC",
        "use_tf32": "1" if settings.precision == "tf32" else "0",
        "arena_extend_strategy": "kSameAsRequested",
    }
    if settings.capture:
        options["enable_cuda_graph"] = "1"
    if settings.memory_limit_bytes is not None:
        options["gpu_mem_limit"] = str(settings.memory_limit_bytes)
    return options


def _tensorrt(settings: SessionSettings) -> dict[str, str]:
    cache = user_cache_folder() / "tensorrt"
    cache.mkdir(parents=True, exist_ok=True)
    return {
        "device_id": str(settings.index),
        "trt_engine_cache_enable": "True",
        "trt_engine_cache_path": str(cache),
        "trt_timing_cache_enable": "True",
        "trt_timing_cache_path": str(cache),
    }
