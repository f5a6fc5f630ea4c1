"""Train the models: rendered sound in, checkpoints out. Needs torch."""
