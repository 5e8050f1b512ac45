"""The commands that list: plugins, skeletons, runs, families, targets."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from studio.cli.parser import command_parser
from studio.core.errors import MissingTool
from studio.io.toolchains import MISSING, READY, find_worker, worker_names
from studio.registry import contributions, plugins


def run_list(name: str, words: Sequence[str], description: str) -> int:
    """Print one of the lists; the exit status."""
    parser = command_parser(name, description)
    known = parser.parse_args(words)
    project: Path = known.project_dir or Path.cwd()
    if name == "plugins":
        _print(_plugin_rows(), as_json=known.json)
    elif name == "skeletons":
        _print(_skeleton_rows(project), as_json=known.json)
    else:
        _print(_run_rows(project), as_json=known.json)
    return 0


def list_contributions(kind: str, *, as_json: bool) -> int:
    """Print the families or the targets, with what each needs; the exit status."""
    rows = [
        {
            "id": c.id,
            "title": c.title,
            "usable": c.enabled and _tools(c.worker)["state"] == READY,
            "needs": c.reason or _tools(c.worker)["needs"] or c.summary,
        }
        for c in contributions(kind)
    ]
    _print(rows, as_json=as_json)
    return 0


def list_tools(words: Sequence[str], description: str) -> int:
    """Print the tools that targets run in: what each weighs, whose terms, whether it is here."""
    parser = command_parser("tools", description)
    parser.add_argument("--list", action="store_true", help="list the tools")
    known = parser.parse_args(words)
    rows = [
        {
            "name": w.name,
            "title": w.title,
            "state": w.state(),
            "megabytes": w.megabytes,
            "license": w.license,
            "for": ", ".join(c.id for c in contributions("target") if c.worker == w.name),
            "folder": str(w.folder),
            # What one fetches for a machine without a network; too long for a table.
            **({"requires": list(w.requires)} if known.json else {}),
        }
        for w in map(find_worker, worker_names())
    ]
    _print(rows, as_json=known.json)
    return 0


def _tools(name: str) -> dict[str, str]:
    """The state of the tools called so, and what to do where they are not ready."""
    if not name:
        return {"state": READY, "needs": ""}
    try:
        worker = find_worker(name)
    except MissingTool as error:
        return {"state": MISSING, "needs": str(error)}
    state = worker.state()
    told = f"{worker.title}: pose-studio tools {name} ({worker.megabytes} MB, {worker.license})"
    return {"state": state, "needs": "" if state == READY else told}


def _plugin_rows() -> list[dict[str, Any]]:
    return [
        {
            "name": p.name,
            "title": p.title,
            "version": p.version,
            "origin": p.origin,
            "gives": ", ".join(f"{c.kind} {c.id}" for c in p.contributes),
            "usable": p.enabled,
            "reason": p.reason,
        }
        for p in plugins()
    ]


def _skeleton_rows(project: Path) -> list[dict[str, Any]]:
    from studio.io.skeletons import list_skeletons

    return [
        {
            "name": s.name,
            "title": s.title,
            "category": s.category,
            "keypoints": len(s),
            "limbs": len(s.edges),
        }
        for s in list_skeletons(project)
    ]


def _run_rows(project: Path) -> list[dict[str, Any]]:
    from studio.io.project import list_runs

    return [run.to_mapping() for run in list_runs(project)]


def _print(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        for row in rows:
            sys.stdout.buffer.write(
                orjson.dumps(row, default=str, option=orjson.OPT_APPEND_NEWLINE)
            )
        sys.stdout.buffer.flush()
        return
    if not rows:
        sys.stdout.write("none\n")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in rows[0]:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    Console(soft_wrap=False).print(table)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else escape(str(value))
