"""Export: a model goes to a device in four steps."""

from studio.gui.pages.export.page import ExportPage

__all__ = ["ExportPage"]
