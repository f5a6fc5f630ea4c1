"""Session files: stems at their places as a project that a DAW opens.

``plan`` says what goes in, ``collect`` makes it of result files and the JSON beside them, ``tempo`` finds the tempo;
``dawproject``, ``reaper`` and ``ardour`` write a format each, and ``export`` puts the finished thing in its place.
"""
