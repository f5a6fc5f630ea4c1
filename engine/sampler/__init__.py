"""Real recorded instruments that play notes: what ``--voice sampled`` is made with.

``instruments`` reads the bundle and finds an instrument by words, ``lines`` makes a transcription playable,
``register`` brings it to where an instrument is at home, ``play`` turns notes into sound, ``place`` puts the sound
where the old one stood: its tone and its room.
"""
