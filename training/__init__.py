"""Train the models: rendered sound in, checkpoints out. Needs torch; knows nothing of Qt or ONNX Runtime."""
