"""Parsers made from declared options: one declaration serves the command line and the form."""

from __future__ import annotations

import argparse
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from studio.core.options import OptionField, Options

BOOL_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "1", "0"})


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Room for long option names."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=34, width=100)


def window_parser(commands: Mapping[str, str]) -> argparse.ArgumentParser:
    """The parser of `pose-studio` without a command: it opens the window."""
    width = max(len(name) for name in commands)
    listed = "\n".join(f"  {name:<{width}}  {text}" for name, text in commands.items())
    parser = argparse.ArgumentParser(
        prog="pose-studio",
        description="Annotate, train, judge, export and watch pose models.",
        epilog=f"commands (each has --help):\n{listed}",
        formatter_class=HelpFormatter,
    )
    parser.add_argument(
        "project", nargs="?", type=Path, help="a project, or any folder of pictures"
    )
    parser.add_argument(
        "--screenshot", type=Path, metavar="DIR", help="render every page to PNG there, and end"
    )
    parser.add_argument(
        "--sample", action="store_true", help="open the sample project, made the first time"
    )
    parser.add_argument("--version", action="store_true", help="print the version, and end")
    return parser


def command_parser(name: str, description: str) -> argparse.ArgumentParser:
    """A command's parser with what every command takes."""
    parser = argparse.ArgumentParser(
        prog=f"pose-studio {name}",
        description=description,
        formatter_class=HelpFormatter,
        allow_abbrev=False,
    )
    common = parser.add_argument_group("every command")
    common.add_argument("--json", action="store_true", help="events on stdout as JSON Lines")
    common.add_argument("--traceback", action="store_true", help="show where an error came from")
    common.add_argument(
        "--project-dir", type=Path, metavar="DIR", help="the project (default: this folder)"
    )
    return parser


def add_options(
    parser: argparse.ArgumentParser,
    options: type[Options],
    *,
    positional: Sequence[str] = (),
    title: str = "options",
) -> None:
    """Add a flag for every declared field; `positional` ones come without a flag."""
    basic = parser.add_argument_group(title)
    advanced = parser.add_argument_group(f"{title}, advanced")
    for spec in options.fields():
        if spec.name in positional:
            parser.add_argument(spec.name, help=_help(spec))
            continue
        _add(advanced if spec.advanced else basic, spec)


def given_values(options: type[Options], namespace: argparse.Namespace) -> dict[str, Any]:
    """The values that were really given, as text or lists of text, by field name."""
    values: dict[str, Any] = {}
    for spec in options.fields():
        value = getattr(namespace, spec.name, None)
        if value is None:
            continue
        if isinstance(value, list):
            value = _joined(spec, value)
        values[spec.name] = value
    return values


def _joined(spec: OptionField, parts: list[str]) -> Any:
    item = typing.get_args(spec.plain_type)[0]
    if item is Path:
        return [Path(part) for part in parts]
    return spec.parse(",".join(parts))


def _add(group: Any, spec: OptionField) -> None:
    kind = spec.plain_type
    flags = list(_spellings((spec.flag, *spec.aliases)))
    if kind is bool:
        group.add_argument(
            *flags, dest=spec.name, action="store_const", const=True, help=_help(spec)
        )
        negative = [f"--no-{flag.removeprefix('--')}" for flag in flags if flag.startswith("--")]
        group.add_argument(
            *negative,
            dest=spec.name,
            action="store_const",
            const=False,
            help=argparse.SUPPRESS if not spec.default else "the contrary",
        )
    elif typing.get_origin(kind) is tuple:
        group.add_argument(
            *flags, dest=spec.name, nargs="+", metavar=_metavar(spec), help=_help(spec)
        )
    else:
        group.add_argument(*flags, dest=spec.name, metavar=_metavar(spec), help=_help(spec))


def _spellings(flags: Iterable[str]) -> Iterable[str]:
    """Each flag once, with dashes and with underscores: guides use both. Spellings of two words
    (`--save-json alphapose`) are `_joined_words`' to turn into one.
    """
    seen: dict[str, None] = {}
    for flag in flags:
        if " " in flag:
            continue
        seen[flag] = None
        if flag.startswith("--"):
            seen["--" + flag[2:].replace("_", "-")] = None
            seen["--" + flag[2:].replace("-", "_")] = None
    return seen


def _metavar(spec: OptionField) -> str:
    kind = spec.plain_type
    if kind is Path or spec.kind in ("file", "folder", "dataset", "model"):
        return "PATH"
    return {int: "N", float: "X"}.get(kind, "TEXT")


def _help(spec: OptionField) -> str:
    text = (spec.help or spec.title).rstrip(".")
    notes: list[str] = []
    if not callable(spec.choices) and spec.choices:
        notes.append("one of " + ", ".join(str(c.value) for c in spec.choices))
    if spec.unit:
        notes.append(spec.unit)
    if spec.required:
        notes.append("needed")
    elif spec.default not in (None, "", (), False):
        notes.append(f"default {_shown(spec.default)}")
    if notes:
        text += f" ({'; '.join(notes)})"
    return text.replace("%", "%%")


def _shown(value: Any) -> str:
    return ",".join(str(v) for v in value) if isinstance(value, tuple) else str(value)


def joined_bools(words: Sequence[str], options: Iterable[type[Options]]) -> list[str]:
    """`--amp true`, as some guides write it, becomes `--amp` (and `--amp false` `--no-amp`); an
    alias of two words becomes its field's own flag.
    """
    options = tuple(options)
    words = _joined_words(words, options)
    flags = {
        flag
        for declared in options
        for spec in declared.fields()
        if spec.plain_type is bool
        for flag in _spellings((spec.flag, *spec.aliases))
    }
    result: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if name in flags and not equals and rest and rest[0].lower() in BOOL_WORDS:
            value = rest.pop(0)
        if name in flags and value:
            positive = value.lower() in {"true", "yes", "on", "1"}
            name = name if positive else f"--no-{name.removeprefix('--')}"
            word = name
        result.append(word)
    return result


def _joined_words(words: Sequence[str], options: Iterable[type[Options]]) -> list[str]:
    """`--save-json alphapose` and `--save-json=alphapose` as the one flag that they mean."""
    pairs = {
        (flag, second): spec.flag
        for declared in options
        for spec in declared.fields()
        for first, _, second in (alias.partition(" ") for alias in spec.aliases)
        if second
        for flag in _spellings((first,))
    }
    result: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, equals, value = word.partition("=")
        if equals and (name, value) in pairs:
            word = pairs[name, value]
        elif rest and (word, rest[0]) in pairs:
            word = pairs[word, rest.pop(0)]
        result.append(word)
    return result
