"""What a prompt says: ``grammar`` knows the wordings, ``intent`` understands each text once, ``encoder`` embeds it.

``negation``, ``names`` and ``normalize`` help the grammar; ``embedding`` is the arithmetic of the prompt space.
"""
