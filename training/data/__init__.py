"""Material for training: instruments and recordings, stems in a cache, mixes drawn from them.

``sources`` finds what can make a sound, ``stem_cache`` keeps rendered stems, ``mixer`` draws mixes and ``augment``
varies them; ``datasets`` reads known data sets as ``piece``. ``training.synthesis`` fills the cache.
"""
