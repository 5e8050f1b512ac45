"""Runs a model artefact: engines, decoding, sources. No training."""
