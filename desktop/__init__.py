"""The desktop window: open a mix, ask for a stem, listen, edit, export.

``audio`` has no Qt, ``models`` no widgets, ``views`` no decisions; ``link`` holds the one ``engine.Engine``.
"""
