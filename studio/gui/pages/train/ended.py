"""What is offered where a run ended badly (the option to try with, or to go on from its
checkpoint), and where one was put away (to bring it back).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from studio.core.errors import Problem
from studio.gui.banner import Banner
from studio.gui.i18n import said, tr
from studio.gui.pages.train.run_view import RunView


def offer_what_next(
    banner: Banner,
    view: RunView,
    problem: Problem | None,
    details: str,
    *,
    try_with: Callable[[Path, Mapping[str, Any]], None],
    resume: Callable[[Path], None],
) -> None:
    """Say why the run in `view` ended, and put the way on beside it as a button.

    try_with: starts it again with what the run itself suggested, such as a smaller batch.
    """
    folder = view.folder
    assert folder is not None
    suggestion = view.history.suggestion
    message = said(problem.message) if problem else tr("This run ended without a word: it crashed.")
    hint = said(problem.hint) if problem else ""
    if suggestion:
        name, value = next(iter(suggestion.items()))
        banner.show_message(
            message, kind="error", hint=hint, details=details,
            action=tr("Try with {option} {value}", option=name, value=value),
            callback=lambda: try_with(folder, suggestion),
        )  # fmt: skip
    elif view.can_resume():
        hint = hint or tr("Its last whole epoch is kept; it can go on from there.")
        banner.show_message(
            message, kind="error", hint=hint, details=details,
            action=tr("Resume"), callback=lambda: resume(folder),
        )  # fmt: skip
    else:
        banner.show_message(message, kind="error", hint=hint, details=details)


def offer_back(banner: Banner, folder: Path, place: Path, bring_back: Callable[[], Any]) -> None:
    """Say that the run `folder` was put away into `place`, with the way back beside it."""
    banner.show_message(
        tr("The run {name} was put away.", name=folder.name),
        hint=str(place),
        action=tr("Undo"),
        callback=bring_back,
    )
