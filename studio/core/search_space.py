"""What a search may vary: ranges and choices of a family's options, checked against what the
options themselves declare.

    lr0=1e-5..1e-2:log, batch=4|8|16, degrees=0..30:5

Items stand apart by commas; one is `name=low..high`, with `:log` or `:step` behind it, or
`name=a|b|c`. Names are the options' own or their aliases, with or without dashes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from studio.core.errors import UsageError
from studio.core.options import OptionField, Options

# A comma inside a value (a list of numbers) is followed by no `name=`.
_BETWEEN = re.compile(r",(?=\s*-{0,2}[A-Za-z][\w-]*\s*=)")
_RANGE = "a range (low..high, :log or :step behind it) or choices (a|b|c)"


@dataclass(frozen=True)
class Dimension:
    """One option and the values that it may take: `choices`, or numbers from `low` to `high`.

    step: 0 for any number between. whole: whole numbers alone. log: as many trials between 1e-5
    and 1e-4 as between 1e-4 and 1e-3.
    """

    name: str
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    log: bool = False
    whole: bool = False
    choices: tuple[Any, ...] = ()

    def text(self) -> str:
        """As `parse_space` reads it."""
        if self.choices:
            return f"{self.name}={'|'.join(value_text(c) for c in self.choices)}"
        behind = ":log" if self.log else f":{self.step:g}" if self.step else ""
        return f"{self.name}={_number_text(self.low)}..{_number_text(self.high)}{behind}"


def _number_text(value: float) -> str:
    return repr(value).removesuffix(".0")


def value_text(value: Any) -> str:
    """A value of an option as one writes it: `true`, `10,20`, `0.001`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(str(v) for v in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)


def space_text(space: Sequence[Dimension]) -> str:
    """All dimensions as one text."""
    return ",".join(d.text() for d in space)


def parse_space(text: str, declared: type[Options]) -> tuple[Dimension, ...]:
    """Every dimension that `text` names, of the options that `declared` declares.

    Raises UsageError that names the option and what it allows.
    """
    known = _spellings(declared)
    found: dict[str, Dimension] = {}
    for item in _BETWEEN.split(text):
        name, equals, values = item.strip().partition("=")
        if not equals or not values.strip():
            raise UsageError(
                f"{item.strip()!r} is no item of a search space.",
                where="space",
                hint=f"An item is name= and {_RANGE}.",
            )
        field = known.get(_plain_name(name))
        if field is None:
            raise UsageError(
                f"There is no option called {name.strip()!r} to search over.",
                where="space",
                hint=f"Known are {', '.join(f.name for f in declared.fields())}.",
            )
        if field.name in found:
            raise UsageError(f"{field.flag} stands twice in the search space.", where="space")
        found[field.name] = _dimension(field, values.strip())
    return tuple(found.values())


def clashes(space: Sequence[Dimension], fixed: Mapping[str, Any]) -> list[str]:
    """Options that are both searched over and given a value."""
    return [d.name for d in space if d.name in fixed]


def _plain_name(name: str) -> str:
    return name.strip().lstrip("-").replace("-", "_")


def _spellings(declared: type[Options]) -> dict[str, OptionField]:
    spelt: dict[str, OptionField] = {}
    for field in declared.fields():
        for spelling in (*field.aliases, field.name):
            spelt[_plain_name(spelling)] = field
    return spelt


def _dimension(field: OptionField, text: str) -> Dimension:
    # A relative path (../weights.pt) is no range.
    if field.plain_type in (int, float) and "|" not in text and ".." in text:
        return _range(field, text)
    values = tuple(field.parse(part) for part in text.split("|"))
    if len(set(values)) < max(2, len(values)):
        raise UsageError(
            f"{field.flag} needs two choices or more, each another one, not {text!r}.",
            where="space",
            hint=f"Give {_RANGE}.",
        )
    for value in values:
        _allow(field, value)
    return Dimension(field.name, choices=values)


def _range(field: OptionField, text: str) -> Dimension:
    ends, _, behind = text.partition(":")
    low, high = (_number(field, end) for end in ends.split("..", 1))
    for end in (low, high):
        _allow(field, end)
    if not low < high:
        raise UsageError(f"{field.flag}: {low:g} is not less than {high:g}.", where="space")
    log = behind.strip().lower() == "log"
    step = float(field.multiple_of or 0)
    if log and low <= 0:
        raise UsageError(
            f"{field.flag}: a logarithmic range begins above 0, not at {low:g}.", where="space"
        )
    if log and step:
        raise UsageError(
            f"{field.flag} takes multiples of {field.multiple_of} alone; they have no "
            "logarithmic range.",
            where="space",
            hint="Give choices instead, such as 64|128|256.",
        )
    if behind and not log:
        step = _step(field, behind, high - low)
    return Dimension(field.name, low, high, step, log, field.plain_type is int)


def _step(field: OptionField, text: str, width: float) -> float:
    step = _number(field, text)
    if not 0 < step <= width or (field.multiple_of and step % field.multiple_of):
        raise UsageError(
            f"{field.flag}: {text!r} is no step of this range.",
            where="space",
            hint="Write :log, or a step that is above 0, not longer than the range"
            + (f" and a multiple of {field.multiple_of}." if field.multiple_of else "."),
        )
    return step


def _number(field: OptionField, text: str) -> float:
    value: int | float | None = field.parse(text) if text.strip() else None
    if value is None or not math.isfinite(value):
        raise UsageError(f"{field.flag}: {text!r} is no number.", where="space")
    return float(value)


def _allow(field: OptionField, value: Any) -> None:
    """Raise UsageError where the option would not take this value."""
    problem = field.check(value)
    if problem is not None:
        raise UsageError(problem.message, where="space", hint=problem.hint)
