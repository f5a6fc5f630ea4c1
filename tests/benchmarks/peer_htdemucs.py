"""Separate one file with HTDemucs's architecture: four stems from random weights, as the peer in the benchmark.

Runs alone in an environment with demucs and torch; knows nothing of Fluxstem. Speed and memory do not depend on what
the weights are, so random ones of the released model's shape stand in: 41,984,456 parameters (``bottom_channels=512``,
7.8 s segments; half-precision weights of that count fill the released 84 MB file).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import soundfile
import torch
from demucs.apply import apply_model
from demucs.htdemucs import HTDemucs

STEMS = ("drums", "bass", "other", "vocals")


def build_model() -> HTDemucs:
    """HTDemucs in the released shape with random weights."""
    torch.manual_seed(0)
    return HTDemucs(list(STEMS), bottom_channels=512, dconv_mode=3, segment=7.8).eval()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--threads", type=int, required=True)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model = build_model()
    clock: dict[str, float] = {}
    begin = time.perf_counter()
    audio_NC, rate_hz = soundfile.read(args.clip, dtype="float32", always_2d=True)
    audio_BCN = torch.from_numpy(audio_NC.T.copy())[None]
    clock["read"] = time.perf_counter() - begin
    start = time.perf_counter()
    with torch.inference_mode():  # no random shifts: the cheapest setting the package offers; overlap is its default
        stems_CN = apply_model(model, audio_BCN, shifts=0, overlap=0.25, device="cpu")[0]
    clock["separate"] = time.perf_counter() - start
    start = time.perf_counter()
    args.out.mkdir(parents=True, exist_ok=True)
    for name, stem_CN in zip(STEMS, stems_CN, strict=True):
        soundfile.write(args.out / f"{name}.wav", stem_CN.T.numpy(), rate_hz, subtype="PCM_24")
    clock["write"] = time.perf_counter() - start
    parameters = sum(p.numel() for p in model.parameters())
    print(json.dumps({"seconds": time.perf_counter() - begin, "timings": clock, "parameters": parameters}))


if __name__ == "__main__":
    main()
