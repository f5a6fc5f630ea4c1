"""Fluxstem for Ableton Live: the selected clip's stems on new tracks, where the clip is.

A Remote Script; the how-to lies beside this folder. Live brings a Python of its own in which nothing can be installed,
so everything here is the standard library, and ``osc`` is a few lines instead of a package.
"""


def create_instance(c_instance):
    """Live calls this when the script is chosen in its settings."""
    from .script import Fluxstem  # Live's own modules are there only inside Live

    return Fluxstem(c_instance)
