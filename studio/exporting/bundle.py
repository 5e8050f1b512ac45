"""One script out of several files: the studio's own functions, and only those that are needed.

Parts stand in `resources/run_model`. What a part imports from another part or from the studio is
taken into the script with everything that it uses in turn, so that the script finds what the studio
finds; what it imports from other packages stays an import.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_STUDIO = "studio."
_SMALL_IMPORT = re.compile(r"^ +(?:import|from) [^\n]+\n\n?", re.MULTILINE)
_FOR_CHECKERS = re.compile(r"  # (?:pyright: ignore|noqa)[^\n]*")
_NAMED = re.compile(r"\bstudio(?:\.\w+)*\.(\w+)")


@dataclass(frozen=True)
class _Definition:
    """One statement at the top of a module: where it begins, its text, what it uses, and whether
    it is a block.
    """

    line: int
    text: str
    uses: frozenset[str]
    block: bool


@dataclass(frozen=True)
class _Module:
    """imported: the name here, the module that it comes from, its name there. foreign: the line
    that imports a name from another package.
    """

    path: Path
    definitions: dict[str, _Definition]
    imported: dict[str, tuple[Path, str]]
    foreign: dict[str, str]


def bundled(parts: Sequence[Path]) -> tuple[str, str]:
    """(the imports, the definitions) of the script that holds all of `parts` and what they use:
    module by module, each after those that it takes something from, in the order of its own lines.

    Raises LookupError where two of the studio's modules give one name different meanings.
    """
    taken: dict[tuple[Path, str], None] = {}
    for part in parts:
        for name in _module(part).definitions:
            _take(taken, part, name)
    order: list[Path] = []
    for path, _ in taken:
        _place(order, path, {p for p, _ in taken})
    imports = {_module(p).foreign[n] for p, n in taken if n in _module(p).foreign}
    meanings: dict[str, _Definition] = {}
    for path in order:
        own = {n: d for n, d in _module(path).definitions.items() if (path, n) in taken}
        for name, definition in sorted(own.items(), key=lambda item: item[1].line):
            known = meanings.setdefault(name, definition)
            if known.text != definition.text:
                raise LookupError(f"{name} means two things; one of them is in {path}")
    return _imports(imports), _laid(list(dict.fromkeys(meanings.values())))


def _take(taken: dict[tuple[Path, str], None], path: Path, name: str) -> None:
    """Note `name` of a module and what it uses."""
    if (path, name) in taken:
        return
    module = _module(path)
    if name in module.imported:
        _take(taken, *module.imported[name])
    elif name in module.foreign:
        taken[path, name] = None
    elif name in module.definitions:
        taken[path, name] = None
        for used in sorted(module.definitions[name].uses):
            _take(taken, path, used)


def _place(order: list[Path], path: Path, among: set[Path]) -> None:
    """Put a module behind those that it imports from."""
    if path in order:
        return
    for source, _ in _module(path).imported.values():
        if source in among and source != path:
            _place(order, source, among)
    order.append(path)


@cache
def _module(path: Path) -> _Module:
    text = path.read_text(encoding="utf-8")
    tree, lines = ast.parse(text), text.splitlines()
    module = _Module(path, {}, {}, {})
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            _note_import(module, node)
    for node in tree.body:
        definition = _definition(node, lines)
        for name in _names_of(node):
            module.definitions[name] = definition
    return module


def _note_import(module: _Module, node: ast.Import | ast.ImportFrom) -> None:
    source = "" if isinstance(node, ast.Import) else node.module or ""
    if source == "__future__":
        return
    for alias in node.names:
        name = alias.asname or alias.name
        if isinstance(node, ast.ImportFrom) and node.level:
            module.imported[name] = module.path.parent / f"{source}.py", alias.name
        elif source.startswith(_STUDIO):
            module.imported[name] = _path_of(source), alias.name
        else:
            renamed = f" as {alias.asname}" if alias.asname else ""
            line = f"import {alias.name}{renamed}"
            module.foreign[name.partition(".")[0]] = f"from {source} {line}" if source else line


def _path_of(module: str) -> Path:
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise LookupError(f"{module} has no file")
    # A packed program names what it compiled; the source stands beside it.
    return Path(found.origin).with_suffix(".py")


def _names_of(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        yield node.target.id


def _definition(node: ast.stmt, lines: Sequence[str]) -> _Definition:
    """Its text with the comment above it, without what only checkers and late imports need."""
    first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))]) - 1
    while first and lines[first - 1].startswith("#"):
        first -= 1
    text = "\n".join(lines[first : node.end_lineno]) + "\n"
    text = _SMALL_IMPORT.sub("", text)
    text = _NAMED.sub(r"\1", _FOR_CHECKERS.sub("", text))
    uses = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    uses |= {
        (a.asname or a.name).partition(".")[0]
        for n in ast.walk(node)
        if isinstance(n, ast.Import | ast.ImportFrom)
        for a in n.names
    }
    return _Definition(
        first, text, frozenset(uses), isinstance(node, ast.FunctionDef | ast.ClassDef)
    )


def _imports(lines: set[str]) -> str:
    """Sorted as one writes them: the language's own first, names of one package together."""
    names: dict[str, set[str]] = {}
    for line in lines:
        source, _, name = line.rpartition("import ")
        names.setdefault(source, set()).add(name)
    plain = sorted((f"import {n}" for n in names.pop("", ())), key=str.lower)
    chosen = sorted(f"{s}import {', '.join(sorted(n))}" for s, n in names.items())
    own = [
        n for n in (*plain, *chosen) if n.split()[1].partition(".")[0] in sys.stdlib_module_names
    ]
    others = [n for n in (*plain, *chosen) if n not in own]
    return "\n\n".join("\n".join(block) for block in (own, others) if block)


def _laid(definitions: Sequence[_Definition]) -> str:
    """Blocks with two empty lines around them, single lines together."""
    out: list[str] = []
    for number, definition in enumerate(definitions):
        before = number > 0 and definitions[number - 1].block
        if before or definition.block:
            # The imports before the first one are followed by an empty line already.
            out.append("\n\n" if number else "\n")
        out.append(definition.text)
    return "".join(out)
