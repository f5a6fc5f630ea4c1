"""Train the models: rendered sound in, checkpoints out. Needs torch; knows nothing of Qt, ONNX Runtime or the window."""
