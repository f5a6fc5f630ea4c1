"""The scene encoder: video frames to features in time and to one point of the prompt space.

``clips`` draws examples, ``model`` is the network, ``train`` the stage, ``evaluate`` measures it.
"""
