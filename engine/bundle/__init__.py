"""Bundles, the model folders: their manifest, where they are, how they are installed.

``manifest`` reads and checks ``manifest.json`` (``separation`` its mask decoder and experts, ``separator`` the
manifest of a separator alone); ``bundle`` opens a folder and checks its files; ``library`` finds one by name,
``install`` adds one.
"""
