"""One room per model family, export target, dataset format or tracker.

Imported as `studio.plugins.<name>`; plugins of the user's own join by this package's path.
"""
