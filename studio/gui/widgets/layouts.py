"""Shapes that several pages have in common: a form above its footer, a list in a side panel."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHeaderView, QLayout, QTreeWidget, QVBoxLayout, QWidget

from studio.gui.widgets.basics import line, scrolled
from studio.gui.widgets.parts import column, row

FORM_WIDTH = 820


def form_above_footer(body: QLayout, *footer: QWidget | QLayout) -> QVBoxLayout:
    """A form that scrolls, no wider than reads well, and below it what always stays in sight."""
    form = QWidget()
    form.setProperty("role", "clear")
    form.setLayout(body)
    form.setMaximumWidth(FORM_WIDTH)
    content = QWidget()
    centred = row(form, None)
    centred.setStretch(0, 1000)
    content.setLayout(centred)
    below = QWidget()
    parts = column(*footer)
    parts.setContentsMargins(24, 12, 24, 16)
    below.setLayout(parts)
    layout = column(scrolled(content), line(), below, spacing=0)
    layout.setStretch(0, 1)
    return layout


def flat_tree(columns: int) -> QTreeWidget:
    """A plain table of rows: the first column takes the room and is cut in its middle."""
    tree = QTreeWidget()
    tree.setRootIsDecorated(False)
    tree.setUniformRowHeights(True)
    tree.setProperty("role", "flat")
    tree.setColumnCount(columns)
    tree.setTextElideMode(Qt.TextElideMode.ElideMiddle)
    header = tree.header()
    header.setStretchLastSection(False)
    header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return tree
