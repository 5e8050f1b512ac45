"""The six pages of the window, in the order of the work."""
