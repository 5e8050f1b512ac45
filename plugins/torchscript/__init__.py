"""Export to TorchScript."""
