"""Export to ONNX, in float or in whole numbers."""
