"""Export for TensorRT: ONNX and the command that builds the engine on the GPU that runs it."""
