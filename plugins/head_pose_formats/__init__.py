"""Published sets of heads with known rotations, and folders of motion captures."""
