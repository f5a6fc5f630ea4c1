"""The model folder: its manifest, its files, where bundles are kept and how they are installed."""
