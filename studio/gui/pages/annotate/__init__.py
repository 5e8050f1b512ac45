"""The Annotate page: canvas, tools, panels and the picture list."""

from studio.gui.pages.annotate.page import AnnotatePage

__all__ = ["AnnotatePage"]
