"""Drawn video in step with the music: players who move when they sound, a camera, things that mean nothing.

``clip.draw_clip`` is the way in. Knows nothing of audio or models: notes in, frames out.
"""
