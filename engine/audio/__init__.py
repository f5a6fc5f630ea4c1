"""Audio files and sample streams: read, filter, cut into stem and rest, write whole or not at all.

``reader`` opens files, ``writer`` chooses a format and writes it; ``stft`` and ``soft_mask`` filter a stream;
``quantize`` keeps stem + rest = mix to the last bit; ``disk_array`` holds what is too long for memory.
"""
