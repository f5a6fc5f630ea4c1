"""The command line: ``parser`` builds what can be typed, ``commands`` does it.

``bridge``, ``bundles`` and ``demo`` are commands of their own.
"""
