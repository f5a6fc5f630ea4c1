"""The OSC messages as tables: ``requests`` in, ``replies`` out, ``arguments`` checks, ``docs`` prints both."""
