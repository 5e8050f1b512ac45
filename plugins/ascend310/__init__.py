"""Export for Ascend processors: ONNX, what the chip does to the pictures, and atc's command."""
