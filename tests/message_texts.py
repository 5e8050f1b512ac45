"""Every text that the program says of what went wrong, read from its source.

A text is what is given to an error, a `Problem`, a `Rule` or a helper that hands it on to one. What
is filled in becomes a numbered place: `f"{path} has {n} rows."` is "{0} has {1} rows.".
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from studio import PLUGINS, RESOURCES
from studio.gui.sayings import is_wording

ROOT = RESOURCES.parent
SOURCES = (ROOT / "studio", PLUGINS)
PLACE = "\0"
DEEP = 6
# What `problem_of` could not do is a verb, which no language puts in alone: each makes a text.
DOING = "doing"

# Which arguments of a call are texts: places and names.
Spots = tuple[frozenset[int], frozenset[str]]
ERROR: Spots = (frozenset({0}), frozenset({"message", "hint"}))
KNOWN: dict[str, Spots] = {
    "StudioError": ERROR,
    # Why something cannot be read, inside an error that says what.
    "ValueError": (frozenset({0}), frozenset()),
    "TypeError": (frozenset({0}), frozenset()),
    "Problem": (frozenset({0, 3}), frozenset({"message", "hint"})),
    "Rule": (frozenset({1}), frozenset({"message"})),
    # Why a plugin cannot be used.
    "PluginInfo": (frozenset(), frozenset({"reason"})),
    "Contribution": (frozenset(), frozenset({"reason"})),
    "replace": (frozenset(), frozenset({"message", "hint"})),
}
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Module:
    """A file with what its names mean."""

    path: Path
    tree: ast.Module
    functions: dict[str, list[Function]] = field(default_factory=dict)
    classes: dict[str, ast.ClassDef] = field(default_factory=dict)
    values: dict[str, list[ast.expr]] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    inside: dict[ast.AST, Function | None] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Module:
        module = cls(path, ast.parse(path.read_text(encoding="utf-8")))
        module.values = _assigned(module.tree.body)
        module._walk(module.tree, None)
        return module

    def _walk(self, node: ast.AST, function: Function | None) -> None:
        for child in ast.iter_child_nodes(node):
            self.inside[child] = function
            if isinstance(child, ast.ImportFrom) and child.module:
                for name in child.names:
                    self.imported[name.asname or name.name] = child.module
            if isinstance(child, ast.ClassDef):
                self.classes[child.name] = child
            if isinstance(child, Function):
                self.functions.setdefault(child.name, []).append(child)
            self._walk(child, child if isinstance(child, Function) else function)


def _assigned(body: list[ast.stmt]) -> dict[str, list[ast.expr]]:
    """Every value that each name is given in these statements."""
    found: dict[str, list[ast.expr]] = {}

    def give(target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            found.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for each, part in zip(target.elts, value.elts, strict=False):
                give(each, part)

    for node in (n for statement in body for n in ast.walk(statement)):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                give(target, node.value)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value:
            give(node.target, node.value)
        elif isinstance(node, ast.For | ast.comprehension) and isinstance(
            node.iter, ast.Tuple | ast.List
        ):
            for each in node.iter.elts:
                give(node.target, each)
    return found


class Reader:
    """Reads all modules and follows texts to where they are written."""

    def __init__(self, paths: Mapping[str, Path]) -> None:
        """paths: the files by the names that they are imported by."""
        self.modules = {name: Module.read(path) for name, path in paths.items()}
        self.spots: dict[tuple[str, str], Spots] = {}
        self.errors = self._error_classes()
        self.verbs = {
            str(call.args[2].value)
            for module in self.modules.values()
            for call in ast.walk(module.tree)
            if isinstance(call, ast.Call) and _name(call.func) == "problem_of"
            if len(call.args) > 2 and isinstance(call.args[2], ast.Constant)
        }
        self.found: dict[str, set[Path]] = {}
        while True:
            before = len(self.spots), sum(len(s[0]) for s in self.spots.values())
            self.found = {}
            for name, module in self.modules.items():
                self._read(name, module)
            if before == (len(self.spots), sum(len(s[0]) for s in self.spots.values())):
                return

    def _error_classes(self) -> set[str]:
        found = {"StudioError"}
        classes = [c for m in self.modules.values() for c in m.classes.values()]
        while True:
            more = {c.name for c in classes if any(_name(b) in found for b in c.bases)} - found
            if not more:
                return found
            found |= more

    def _spots_of(self, call: ast.Call, where: str) -> Spots | None:
        name = _name(call.func)
        if name in self.errors:
            return ERROR
        module = self.modules[where]
        function = module.inside.get(call)
        if (
            name == "__init__"
            and function is not None
            and any(function in c.body for n, c in module.classes.items() if n in self.errors)
        ):
            return ERROR
        home = where if name in module.functions else module.imported.get(name, "")
        return self.spots.get((home, name)) or KNOWN.get(name)

    def _read(self, where: str, module: Module) -> None:
        for call in ast.walk(module.tree):
            if isinstance(call, ast.Dict):
                self._read_event(call, where, module)
            if not isinstance(call, ast.Call):
                continue
            spots = self._spots_of(call, where)
            if spots is None:
                continue
            given = [a for n, a in enumerate(call.args) if n in spots[0]]
            given += [k.value for k in call.keywords if k.arg in spots[1]]
            for expression in given:
                for text in self._texts(expression, where, call, 0):
                    self._add(text, module.path)

    def _read_event(self, table: ast.Dict, where: str, module: Module) -> None:
        """An error on its way to another process is a table with its message and its hint."""
        names = {k.value: v for k, v in zip(table.keys, table.values, strict=True)
                 if isinstance(k, ast.Constant)}  # fmt: skip
        if {"message", "hint"} <= names.keys():
            for name in ("message", "hint"):
                for text in self._texts(names[name], where, table, 0):
                    self._add(text, module.path)

    def _add(self, text: str, path: Path) -> None:
        key = _key(text)
        words = re.sub(r"\{\d+\}", "", key)
        # A lone word is a name, which stays as it is.
        if sum(c.isalpha() for c in words) > 2 and (" " in key.strip() or key[-1] in ".!?"):
            self.found.setdefault(key, set()).add(path)

    def _texts(self, node: ast.expr, where: str, at: ast.AST, depth: int) -> list[str]:
        """The texts that an expression can be; PLACE stands for what is not known before."""
        if isinstance(node, ast.Constant):
            return [node.value] if isinstance(node.value, str) else [PLACE]
        if depth > DEEP:
            return [PLACE]
        if isinstance(node, ast.JoinedStr):
            return self._filled(node, where, at, depth)
        if isinstance(node, ast.IfExp):
            parts = (node.body, node.orelse)
            return [t for p in parts for t in self._texts(p, where, at, depth + 1)]
        if isinstance(node, ast.BoolOp):
            return [t for p in node.values for t in self._texts(p, where, at, depth + 1)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left = self._texts(node.left, where, at, depth + 1)
            right = self._texts(node.right, where, at, depth + 1)
            return [a + b for a in left for b in right]
        if isinstance(node, ast.Name):
            return self._named(node, where, at, depth)
        if isinstance(node, ast.Subscript):
            return self._of_table(node.value, where, at, depth)
        if isinstance(node, ast.Call):
            return self._called(node, where, at, depth)
        return [PLACE]

    def _filled(self, node: ast.JoinedStr, where: str, at: ast.AST, depth: int) -> list[str]:
        texts = [""]
        parts = node.values
        for n, part in enumerate(parts):
            more = [PLACE]
            if isinstance(part, ast.Constant):
                more = [str(part.value)]
            elif isinstance(part, ast.FormattedValue):
                around = (*parts[max(0, n - 1) : n], *parts[n + 1 : n + 2])
                found = self._texts(part.value, where, at, depth + 1)
                if any(_is_open(each) for each in around) or _is_closed(part.value, found):
                    more = found
                else:
                    self._parts(found, where)
            texts = [a + b for a in texts for b in dict.fromkeys(more)]
        return texts

    def _parts(self, texts: list[str], where: str) -> None:
        """Values inside a text: the wording in them is a text of its own."""
        for text in texts:
            if is_wording(text.replace(PLACE, "1")):
                self._add(text, self.modules[where].path)

    def _named(self, node: ast.Name, where: str, at: ast.AST, depth: int) -> list[str]:
        module = self.modules[where]
        if node.id == DOING:
            return sorted(self.verbs)
        function = module.inside.get(at)
        while function is not None:
            values = _locals(function).get(node.id)
            if values:
                return [
                    t for v in values for t in self._texts(v, where, function.body[0], depth + 1)
                ]
            names = [a.arg for a in (*function.args.posonlyargs, *function.args.args)]
            if node.id in names or node.id in {a.arg for a in function.args.kwonlyargs}:
                self._hands_on(where, function, names, node.id)
                return [PLACE]
            function = module.inside.get(function)
        values = module.values.get(node.id, [])
        home = where
        if not values and module.imported.get(node.id) in self.modules:
            home = module.imported[node.id]
            values = self.modules[home].values.get(node.id, [])
        return [t for v in values for t in self._texts(v, home, v, depth + 1)] or [PLACE]

    def _hands_on(self, where: str, function: Function, names: list[str], name: str) -> None:
        """Calls of `function` give a text at `name`, from now on."""
        places, words = self.spots.get((where, function.name), (frozenset(), frozenset()))
        if name in names:
            skipped = int(names[:1] in (["self"], ["cls"]))
            places |= {names.index(name) - skipped}
        self.spots[where, function.name] = places, words | {name}

    def _of_table(self, node: ast.expr, where: str, at: ast.AST, depth: int) -> list[str]:
        """Any value of a table: `_WHY[kind]`."""
        name = node.id if isinstance(node, ast.Name) else ""
        found: list[str] = []
        for value in self.modules[where].values.get(name, []):
            if isinstance(value, ast.Dict):
                for each in value.values:
                    found += self._texts(each, where, at, depth + 1)
        return found or [PLACE]

    def _called(self, call: ast.Call, where: str, at: ast.AST, depth: int) -> list[str]:
        name = _name(call.func)
        if name in ("N_", "tr"):
            return []  # these are seen by the other test
        if isinstance(call.func, ast.Attribute):
            if name in ("strip", "rstrip", "format"):
                texts = self._texts(call.func.value, where, at, depth + 1)
                return [re.sub(r"\{\w+\}", PLACE, t) if name == "format" else t for t in texts]
            if name == "get":
                other = [t for a in call.args[1:] for t in self._texts(a, where, at, depth + 1)]
                return self._of_table(call.func.value, where, at, depth) + other
            if name == "join" and call.args:
                for part in ast.walk(call.args[0]):
                    if isinstance(part, ast.Constant | ast.JoinedStr):
                        self._parts(self._texts(part, where, at, depth + 1), where)
                return [PLACE]
            if _name(call.func.value) not in ("self", "cls"):
                return [PLACE]
        if name == "many" and len(call.args) == 2 and isinstance(call.args[1], ast.Constant):
            word = str(call.args[1].value)
            return [f"1 {word}", f"{PLACE} {word}s"]
        home = where if name in self.modules[where].functions else ""
        home = home or self.modules[where].imported.get(name, "")
        if home not in self.modules:
            return [PLACE]
        found: list[str] = []
        for function in self.modules[home].functions.get(name, []):
            for node in ast.walk(function):
                if isinstance(node, ast.Return) and node.value is not None:
                    found += self._texts(node.value, home, node, depth + 1)
        return found or [PLACE]


def _is_open(part: ast.expr) -> bool:
    """Whether no word parts it from the value beside it: then nobody can tell where one ends."""
    return isinstance(part, ast.FormattedValue) or (
        isinstance(part, ast.Constant) and part.value == " "
    )


def _is_closed(node: ast.expr, texts: list[str]) -> bool:
    """Whether a value is one of a few words of the program: each makes a text."""
    if isinstance(node, ast.BoolOp):
        return any(text.isalpha() for text in texts)
    few = 2 <= len(texts) <= 3 or _name(node) == DOING
    return few and PLACE not in "".join(texts) and any(c.isalpha() for c in "".join(texts))


def _key(text: str) -> str:
    parts = text.split(PLACE)
    return "".join(p + (f"{{{n}}}" if n < len(parts) - 1 else "") for n, p in enumerate(parts))


@cache
def _locals(function: Function) -> Mapping[str, list[ast.expr]]:
    return _assigned(function.body)


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.Subscript):
        return _name(node.value)
    return str(getattr(node, "id", getattr(node, "attr", "")))


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _paths() -> Iterator[Path]:
    for root in SOURCES:
        yield from sorted(root.rglob("*.py"))


@cache
def message_texts() -> Mapping[str, frozenset[Path]]:
    """Every text with the files that say it."""
    found = Reader({_dotted(path): path for path in _paths()}).found
    return {text: frozenset(paths) for text, paths in found.items()}
