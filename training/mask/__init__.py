"""The mask decoder: mix spectrogram and prompt in, soft masks of stem and rest out."""
