"""Pictures, videos and sounds that say what to look for.

``named`` reads how an example is written and refuses what cannot be one; ``process`` decodes it where a crash does no
harm (``decode``, with ``still``, ``film`` and ``hear``, is that process); ``given`` brings it into the bundle's terms.
"""
