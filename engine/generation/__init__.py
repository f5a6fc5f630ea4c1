"""Tasks that make sound: regenerate, generate, inpaint, extend and restyle (``generate``), ``replace``, ``arrange``."""
