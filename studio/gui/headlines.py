"""The one figure that stands for a model or a report in a list."""

from __future__ import annotations

from collections.abc import Mapping

from studio.gui.i18n import tr
from studio.metrics.names import headline


def headline_text(metrics: Mapping[str, float]) -> str:
    """The figure's number, with its unit; a dash where there is none."""
    found = headline(metrics)
    return found[0].text(found[1]) if found is not None else "–"


def headline_words(metrics: Mapping[str, float]) -> str:
    """What that figure is, for a tooltip."""
    found = headline(metrics)
    if found is None:
        return ""
    known, value = found
    title = tr(known.title) if known.title else known.name
    words = f"{title} {known.text(value)}"
    return f"{words}\n{tr(known.help)}" if known.help else words
