"""The prompt tower: words to an embedding that names an instrument, a family or a group of them.

``model`` has both towers, ``train`` is the stage and ``route`` measures it; ``adapt`` brings sounds and stories to the
tower (``adapters``), ``extend`` teaches it new words.
"""
