"""FluxFormer: one flow over the latents of three slots; a task is only what is known."""
