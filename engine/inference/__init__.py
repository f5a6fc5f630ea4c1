"""A loaded model and the steps of one run: encode, sample, decode, mask, rank.

``model`` opens the graphs of a bundle, ``run`` is the context of one request, ``windows`` lays a graph over a clip of
any length. The tasks themselves are in ``engine.separation`` and ``engine.generation``.
"""
