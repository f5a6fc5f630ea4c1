"""What a thousand songs cost on 1 to 1,000 GPUs, and what holds them up: arithmetic on assumptions, not measured.

    python tests/benchmarks/scale_cost.py
    python tests/benchmarks/scale_cost.py --gpu-s 1.2 --gpu-price 1.5 --storage-mib-s 500

A song passes four places: the GPUs, the cores beside them (decode, filter, write), the storage, which all machines
share, and the process that puts results in their place. The slowest of them decides; GPUs are paid for while they wait.
``tests/benchmarks/scale.py`` prints what a machine without a GPU can measure of it.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field, fields

GPUS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)
HOUR_S = 3600


def assumed(default: float, doc: str) -> float:
    """A field with its help."""
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the table is computed from."""

    gpu_s: float = assumed(2.0, "GPU seconds for one song and all its prompts")
    cpu_s: float = assumed(9.0, "core seconds for one song besides the networks")
    cores_per_gpu: float = assumed(8, "cores beside each GPU")
    gpu_price: float = assumed(2.0, "price of a GPU and its cores for an hour, busy or not")
    song_mib: float = assumed(24.0, "MiB of a song as it is read")
    results_mib: float = assumed(40.0, "MiB of its results")
    storage_mib_s: float = assumed(2000.0, "MiB/s that the storage takes and gives, together")
    network_mib_s: float = assumed(1000.0, "MiB/s of each GPU's machine")
    placed_a_second: float = assumed(50.0, "songs whose results one process puts in their place in a second")
    batches: float = assumed(1, "batches that share the songs, each with its own --out and its own such process")

    def songs_a_second(self, gpus: int) -> dict[str, float]:
        """Songs that each place lets through."""
        moved_mib = self.song_mib + self.results_mib
        return {
            "GPU": gpus / self.gpu_s,
            "decode, filter, write": gpus * self.cores_per_gpu / self.cpu_s,
            "network": gpus * self.network_mib_s / moved_mib,
            "storage": self.storage_mib_s / moved_mib,
            "placing": self.placed_a_second * self.batches,
        }


def table(assumptions: Assumptions) -> list[str]:
    """Lines in Markdown."""
    lines = ["| GPUs | songs an hour | cost of 1,000 songs | held up by |", "|---|---|---|---|"]
    for gpus in GPUS:
        through = assumptions.songs_a_second(gpus)
        slowest = min(through, key=lambda place: through[place])
        an_hour = through[slowest] * HOUR_S
        cost = gpus * assumptions.gpu_price / an_hour * 1000
        lines.append(f"| {gpus:,} | {an_hour:,.0f} | {cost:,.2f} | {slowest} |")
    return lines


def main() -> None:
    """Print the assumptions and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for one in fields(Assumptions):
        flag = f"--{one.name.replace('_', '-')}"
        parser.add_argument(flag, type=float, default=one.default, help=f"{one.metadata['doc']}; default %(default)s")
    values = vars(parser.parse_args())
    for name, value in values.items():
        if not value > 0:
            parser.error(f"{name} must be more than 0")
    print("Assumed, not measured:\n")
    for one in fields(Assumptions):
        print(f"* `--{one.name.replace('_', '-')} {values[one.name]:g}`: {one.metadata['doc']}")
    print()
    print("\n".join(table(Assumptions(**values))))


if __name__ == "__main__":
    main()
