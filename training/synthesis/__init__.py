"""Make training material: ``compose`` writes pieces, ``perform`` and ``render`` play them, ``video`` draws the players.

``render_stems`` is the stage that fills a stem cache; ``preview`` makes one piece to listen to, ``demo`` the mix that
ships.
"""
