"""The table of studies: everything the bench measures beside separation on its sets."""

from __future__ import annotations

from functools import partial

from training.eval import arrange, conditions, restyle
from training.eval import full_mix as whole
from training.eval import generation as made
from training.eval import inpainting as fill
from training.eval import replacement as edit
from training.eval import visual_grounding as seen
from training.eval.study import Study

STUDIES: dict[str, Study] = {
    "conditions": Study("isolation asked for in words, by picture and by sound", conditions.measure, conditions.lines),
    "seen": Study("two identical instruments, the picture of one player", seen.measure, seen.lines),
    "regenerate": Study("new stems for a given rest", partial(made.measure, "regenerate"), made.lines),
    "generate": Study("stems from words alone", partial(made.measure, "generate"), made.lines),
    "whole-band": Study("the mix or the rest at once, from words or for what is given", whole.measure, whole.lines),
    "inpaint": Study("a gap in a stem filled", partial(fill.measure, "inpaint"), fill.lines),
    "extend": Study("a stem that goes on", partial(fill.measure, "extend"), fill.lines),
    "restyle": Study("a stem played anew, by strength", restyle.measure, restyle.lines),
    "replace": Study("a stem of a mix replaced in place", edit.measure, edit.lines),
    "arrange": Study("a band from a list of prompts", arrange.measure, arrange.lines),
}
