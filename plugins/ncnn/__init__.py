"""Export to ncnn."""
