"""Judges predictions: OKS AP and AR, PCK, per-joint error."""
