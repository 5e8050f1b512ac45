"""Evaluate: a model judged on a dataset; figures, curves, and the worst pictures first."""

from studio.gui.pages.evaluate.page import EvaluatePage

__all__ = ["EvaluatePage"]
