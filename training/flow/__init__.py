"""FluxFormer: one flow over the latents of three slots; a task is only what is known.

``encode`` turns mixes into latents, ``latent_dataset`` reads them, ``task_sampler`` draws what is known; ``model`` is
the network (``visual`` its video branch), ``train`` the stage, with the loss in ``losses``.
"""
