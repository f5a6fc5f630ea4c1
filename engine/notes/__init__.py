"""Notes of a stem: what was played, when and how loudly, and tempo, bars and key.

``note`` has the values, ``transcribe`` finds pitched notes with a small network, ``drums`` the strokes of a drum kit,
``beats`` tempo, bars and key; ``stem_analysis`` is all of it for one file, and ``midi`` writes and reads it as a MIDI
file.
"""
