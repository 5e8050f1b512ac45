"""Datasets of other people's making, read as they are published."""
