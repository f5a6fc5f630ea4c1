"""The desktop window: shows a mix, asks for a stem, plays and saves what the engine made.

It will hold models (QtCore only), views (widgets only) and the one link to ``engine.Engine``. It may import the front
door of ``engine``, PySide6, pyqtgraph and sounddevice; never torch, onnxruntime or the inside of the engine.
"""
