"""The table of studies: everything the bench measures beside separation on its sets."""

from __future__ import annotations

from functools import partial

from training.bench import conditions, made, seen
from training.bench.ground import Study

STUDIES: dict[str, Study] = {
    "conditions": Study("isolation asked for in words, by picture and by sound", conditions.measure, conditions.lines),
    "seen": Study("two identical instruments, the picture of one player", seen.measure, seen.lines),
    "regenerate": Study("new stems for a given rest", partial(made.measure, "regenerate"), made.lines),
    "generate": Study("stems from words alone", partial(made.measure, "generate"), made.lines),
}
