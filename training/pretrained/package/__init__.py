"""CLAP and CLIP through their own packages, laion-clap and open-clip-torch.

Each package is run in a Python of its own, for laion-clap wants NumPy 1 and both want a torchvision. There the package
builds the model that a name stands for, loads a checkpoint, answers a few questions, and its towers are captured as
programs of torch (``from_laion_clap.py``, ``from_open_clip.py``, ``capture.py``). Here the programs are read, asked the
same questions, and used like any other tower (``call.py``, ``towers.py``).

The first three files run in the package's environment: they import torch, NumPy and the package, and nothing of ours
but each other and ``training/pretrained/convert.py``.
"""
