"""Train: a form made from the family's declared options, and runs as live plots."""

from studio.gui.pages.train.page import TrainPage

__all__ = ["TrainPage"]
