"""The mask decoder: mix spectrogram and prompt in, soft masks of stem and rest out.

``cache`` renders its stems, ``mixing`` draws mixes and questions, ``network`` is the U-Net, ``band_split`` the other
kind of network, ``ensemble`` several as one; ``train`` is the stage, with the loss in ``loss``. ``queries`` leads any
prompt to a query vector, ``calibrate`` sets presence, ``judge`` measures.
"""
