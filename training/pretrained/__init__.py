"""Encoders from elsewhere: CLAP's text and audio towers, CLIP's image tower, and adapters into a bundle's prompt space.

Weights come from files that the user names. Nothing here reaches for the network but ``sources.download``, which only
``--download`` calls.
"""
