"""Export to MNN."""
