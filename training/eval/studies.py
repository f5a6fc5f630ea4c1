"""The table of studies: everything the bench measures beside separation on its sets."""

from __future__ import annotations

from functools import partial

from training.eval import arrange, conditions, full_mix, generation, inpainting, replacement, restyle, visual_grounding
from training.eval.study import Study

STUDIES: dict[str, Study] = {
    "conditions": Study("isolation asked for in words, by picture and by sound", conditions.measure, conditions.lines),
    "seen": Study(
        "two identical instruments, the picture of one player", visual_grounding.measure, visual_grounding.lines
    ),
    "regenerate": Study("new stems for a given rest", partial(generation.measure, "regenerate"), generation.lines),
    "generate": Study("stems from words alone", partial(generation.measure, "generate"), generation.lines),
    "whole-band": Study(
        "the mix or the rest at once, from words or for what is given", full_mix.measure, full_mix.lines
    ),
    "inpaint": Study("a gap in a stem filled", partial(inpainting.measure, "inpaint"), inpainting.lines),
    "extend": Study("a stem that goes on", partial(inpainting.measure, "extend"), inpainting.lines),
    "restyle": Study("a stem played anew, by strength", restyle.measure, restyle.lines),
    "replace": Study("a stem of a mix replaced in place", replacement.measure, replacement.lines),
    "arrange": Study("a band from a list of prompts", arrange.measure, arrange.lines),
}
