"""The Live page: a source watched through a model, what was found drawn over the picture."""

from studio.gui.pages.live.page import LivePage

__all__ = ["LivePage"]
