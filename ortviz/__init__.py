"""Debug a PyTorch model that trains through ONNX Runtime."""
