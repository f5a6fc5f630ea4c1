"""Drawn video in time with the music: players who move when they sound, a camera, distractions.

``clip.draw_clip`` is the way in.
"""
