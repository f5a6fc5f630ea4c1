"""What a result says of devices that were not used, as templates: a window says them in another language.

A note travels as a sentence, in the JSON beside a result and over OSC. Its values are texts; a ``reason`` may be made
from a template itself.
"""

from __future__ import annotations

NOT_USED = "{device} was not used: {reason}"
PARTLY_ON_CPU = (
    "{count} of {every} large operations of {graph} run on the CPU ({operators}), because {device} did not take them"
)
TOO_FULL = "{device} has too little free memory ({reason}); the CPU is used until the engine is started anew"
IN_FLOAT32 = "{reason}; everything was computed in float32"
ENGINES_BEGIN = "TensorRT's engines are being built in the background; CUDA answers until then"
ENGINES_GO_ON = (
    "TensorRT's engines are being built in the background, {done} of {count} are ready; CUDA answers until then"
)
BROKE_DOWN = "the device broke down once in this job, which then began anew in another process"

OTHER_PROVIDER = "ONNX Runtime gave {provider} instead; its libraries do not load"
TAKES_NOTHING = "it takes no node of {graph}"
ENDED_PROCESS = "it ended the engine's process when {graph} was tried on it; it is tried again after a day"
FIRST_RUN_FAILED = "its first run failed: {reason}"
OTHER_NUMBERS = "its {output} of {graph} differs from the CPU's by {error} %, and {allowed} % is allowed"
OTHER_PRECISIONS = "{device} does not compute with {precision}, but with {known}"
NO_DRIVER = "the NVIDIA driver's {library} cannot be loaded"

DEVICE_NOTES = (
    NOT_USED, PARTLY_ON_CPU, TOO_FULL, IN_FLOAT32, ENGINES_BEGIN, ENGINES_GO_ON, BROKE_DOWN, OTHER_PROVIDER,
    TAKES_NOTHING, ENDED_PROCESS, FIRST_RUN_FAILED, OTHER_NUMBERS, OTHER_PRECISIONS, NO_DRIVER,
)  # fmt: skip
