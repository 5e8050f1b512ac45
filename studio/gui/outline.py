"""What pages will offer, known before they are made: the command palette lists it from the start.

A page takes its time to be made, so `resources/actions.json` says what each one declares. It is
written by `python -m studio.gui.outline`; a test holds it to the pages.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from studio import RESOURCES
from studio.gui.actions import StudioAction

OUTLINE = RESOURCES / "actions.json"


@dataclass(frozen=True)
class OutlinedAction(StudioAction):
    """Stands for an action of a page that is not made yet."""


def outlined_actions(open_page: Callable[[str], object]) -> list[StudioAction]:
    """An action for each that a page will declare; done, it only opens the page. The page's own
    takes its place once it is made.
    """
    known: dict[str, list[list[str]]] = json.loads(OUTLINE.read_text(encoding="utf-8"))
    return [
        OutlinedAction(action_id, title, lambda p=page_id: open_page(p), keys, page_id=page_id)
        for page_id, rows in known.items()
        for action_id, title, keys in rows
    ]


def outline_of(actions: Iterable[StudioAction]) -> dict[str, list[list[str]]]:
    """Page by page: id, title and keys of what the palette lists."""
    found: dict[str, list[list[str]]] = {}
    for action in actions:
        if action.page_id and action.in_palette and not isinstance(action, OutlinedAction):
            found.setdefault(action.page_id, []).append([action.id, action.title, action.shortcut])
    return {page_id: sorted(rows) for page_id, rows in sorted(found.items())}


def main() -> None:
    """Make every page and write down what it declares."""
    from PySide6.QtWidgets import QApplication

    from studio.gui.app import make_window
    from studio.gui.context import StudioContext
    from studio.gui.page_table import PAGES

    app = QApplication([])
    window = make_window(StudioContext())
    for entry in PAGES:
        window.page(entry.page_id)
    rows = outline_of(window.studio.actions.all())
    lines = [
        f"  {json.dumps(page)}: [\n    "
        + ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in found)
        + "\n  ]"
        for page, found in rows.items()
    ]
    OUTLINE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    app.quit()


if __name__ == "__main__":
    main()
