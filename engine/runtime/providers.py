"""Execution providers: the table of devices, what each is made of, and its options.

A new provider is a new row here, a name in ``engine.request.DEVICES`` and in ``engine.runtime.backend.PROVIDERS``. One
that comes as a plug-in (a package with a library that ONNX Runtime loads) names its package in ``module``. No provider
is believed: ``engine.runtime.fallback`` compares each graph with the CPU before it answers a job.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from engine.runtime.backend import PROVIDERS
from engine.runtime.settings import SessionSettings
from engine.runtime.tensorrt import tensorrt_options

ProviderChoice = tuple[str, dict[str, str]]
OptionsOf = Callable[[SessionSettings, Path], dict[str, str]]


def _none(settings: SessionSettings, graph: Path) -> dict[str, str]:
    return {}


def _cuda(settings: SessionSettings, graph: Path) -> dict[str, str]:
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


def _directml(settings: SessionSettings, graph: Path) -> dict[str, str]:
    return {"device_id": str(settings.index)}


def _coreml(settings: SessionSettings, graph: Path) -> dict[str, str]:
    # Fixed shapes only: Core ML compiles a model for each shape, and the batches have few.
    return {"ModelFormat": "MLProgram", "MLComputeUnits": "ALL", "RequireStaticInputShapes": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderRow:
    """One execution provider.

    Attributes:
        install: what to install for it.
        options: of the provider, by settings and graph.
        module: package whose library is loaded where ONNX Runtime was built without the provider; "" for none.
        nvidia: True means it needs NVIDIA's driver, and its devices are counted as CUDA counts them.
        hardware: types of hardware (``CPU``, ``GPU``, ``NPU``) on which ``auto`` takes it; none means that it is used
            only when it is asked for by name.
        beneath: providers for the nodes that it leaves, before the CPU.
        fixed: True means that every new shape costs it a compilation, so that batches have fixed sizes.
    """

    install: str
    options: OptionsOf = _none
    module: str = ""
    nvidia: bool = False
    hardware: tuple[str, ...] = ()
    beneath: tuple[str, ...] = ()
    fixed: bool = True


# In the order in which ``auto`` tries them. TensorRT is taken only once its engines are built; see ``tensorrt.py``.
ROWS: dict[str, ProviderRow] = {
    "tensorrt": ProviderRow(
        install="fluxstem[tensorrt]", options=tensorrt_options, nvidia=True, hardware=("GPU",), beneath=("cuda",)
    ),
    "cuda": ProviderRow(install="fluxstem[gpu]", options=_cuda, nvidia=True, hardware=("GPU",)),
    "rtx": ProviderRow(
        install="fluxstem[rtx]", module="onnxruntime_ep_nv_tensorrt_rtx", nvidia=True, hardware=("GPU",)
    ),
    "openvino": ProviderRow(
        install="fluxstem[openvino]", module="onnxruntime_ep_openvino", hardware=("GPU", "NPU")
    ),
    "webgpu": ProviderRow(install="fluxstem[webgpu]", module="onnxruntime_ep_webgpu", hardware=("GPU",)),
    "coreml": ProviderRow(install="onnxruntime on macOS", options=_coreml),
    "directml": ProviderRow(install="onnxruntime-directml instead of onnxruntime, on Windows", options=_directml),
    "cpu": ProviderRow(install="fluxstem[cpu]", hardware=("CPU",), fixed=False),
}  # fmt: skip


def provider_chain(settings: SessionSettings, graph: Path) -> list[ProviderChoice]:
    """Built-in providers that a graph is opened with, the wanted one first, each with its options.

    Args:
        graph: the file that is opened.
    """
    kinds = dict.fromkeys([settings.kind, *ROWS[settings.kind].beneath, "cpu"])
    return [(PROVIDERS[kind], ROWS[kind].options(settings, graph)) for kind in kinds]


def without_profiles(chain: list[ProviderChoice]) -> list[ProviderChoice]:
    """The same providers, where TensorRT takes shapes from runs: an engine is built anew for each that is new to it."""
    return [
        (provider, {name: value for name, value in options.items() if not name.startswith("trt_profile_")})
        for provider, options in chain
    ]
