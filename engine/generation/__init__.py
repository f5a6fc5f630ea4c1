"""Tasks that make sound: ``generate`` (also regenerate, inpaint, extend and restyle), ``replace`` and ``arrange``.

``context`` collects what is given, ``inpaint`` samples what is missing.
"""
