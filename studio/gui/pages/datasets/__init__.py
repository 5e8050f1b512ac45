"""Datasets: annotated pictures turned into a frozen, split, converted copy, and a look at each."""

from studio.gui.pages.datasets.page import DatasetsPage

__all__ = ["DatasetsPage"]
