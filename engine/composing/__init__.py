"""New parts for music that is there.

``music`` hears its bars, key and chords, ``parts`` writes a part that goes with them, ``fit`` says how well one does.
"""
