"""The little language that picks pictures out of the list, made into SQL.

Words are separated by spaces and all must hold; a minus before a word turns it round.

    label:person     has a shape of that label (* stands for anything)
    gid:3            has that group id
    missing:nose     a person lacks that joint; missing>2 joints in all; missing:any
    occluded>3       hidden joints; also people, shapes, proposals, width, height
    score<0.5        the lowest score of a proposal
    reviewed:no      reviewed:yes, state:empty|annotated|reviewed|problem, split:train|val|none
    #12  #12-20      the picture's place in the whole list
    anything else    a regular expression on the picture's path
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from studio.core.errors import UsageError

_WORD = re.compile(r'-?(?:[A-Za-z_]+[:<>=!]+)?(?:"[^"]*"|/[^/]*/(?=\s|$)|\S)+')
_TERM = re.compile(r"^(?P<key>[A-Za-z]+)(?P<op><=|>=|!=|<>|[:=<>])(?P<value>.*)$", re.DOTALL)
_PLACE = re.compile(r"^#(?P<first>\d+)(?:-(?P<last>\d*))?$")

_NUMBERS = ("people", "shapes", "occluded", "missing", "score", "proposals", "width", "height")
STATES = ("empty", "annotated", "reviewed", "problem")
KEYS = ("label", "gid", "reviewed", "state", "split", *_NUMBERS)

# Column of each key that is compared as a number; a comparison with nothing (no score) fails.
_COLUMNS = {key: key for key in _NUMBERS} | {"missing": "missing_total"}


@dataclass(frozen=True)
class Filter:
    """A condition on the table `pictures`, with its parameters, and what goes by the list itself.

    places: (first, last, wanted) of picture numbers from 1, `last` None to the end. patterns:
    (expression, wanted), searched in the path without regard to case.
    """

    sql: str = "1"
    parameters: tuple[str | float, ...] = ()
    places: tuple[tuple[int, int | None, bool], ...] = ()
    patterns: tuple[tuple[re.Pattern[str], bool], ...] = ()


def parse_filter(text: str) -> Filter:
    """Raises UsageError that says which word cannot be understood and what would be."""
    parts: list[Filter] = []
    for match in _WORD.finditer(text):
        word = match[0]
        negative = word.startswith("-") and len(word) > 1
        found = _term(word[1:] if negative else word)
        parts.append(_turned(found) if negative else found)
    conditions = [f"({p.sql})" for p in parts if p.sql != "1"]
    return Filter(
        " AND ".join(conditions) or "1",
        tuple(value for p in parts for value in p.parameters),
        tuple(place for p in parts for place in p.places),
        tuple(pattern for p in parts for pattern in p.patterns),
    )


def _turned(found: Filter) -> Filter:
    sql = found.sql if found.sql == "1" else f"NOT COALESCE(({found.sql}), 0)"
    return Filter(
        sql,
        found.parameters,
        tuple((first, last, not wanted) for first, last, wanted in found.places),
        tuple((pattern, not wanted) for pattern, wanted in found.patterns),
    )


def _term(word: str) -> Filter:
    place = _PLACE.match(word)
    if place is not None:
        return _by_place(place)
    match = _TERM.match(word)
    if match is None:
        return _path(word)
    if match["key"].lower() not in KEYS:
        raise UsageError(
            f"There is no filter word {match['key']!r}.",
            hint=f'Known are {", ".join(KEYS)}; put "{word}" in quotes to look for it in paths.',
        )
    key, operator, value = match["key"].lower(), match["op"], _unquoted(match["value"])
    if value == "":
        raise UsageError(
            f"The filter {word!r} is not finished.", hint=f"For example {_example(key)}."
        )
    makers: dict[str, Callable[[str, str, str], Filter]] = {
        "label": _label,
        "gid": _gid,
        "reviewed": _reviewed,
        "state": _state,
        "split": _split,
        "missing": _missing,
    }
    return makers.get(key, _number)(key, operator, value)


def _example(key: str) -> str:
    words = {"label": "label:person", "gid": "gid:3", "reviewed": "reviewed:no"}
    words |= {"state": "state:empty", "split": "split:val", "missing": "missing:nose"}
    return words.get(key, f"{key}>3")


def _unquoted(value: str) -> str:
    return value[1:-1] if len(value) >= 2 and value[0] == value[-1] == '"' else value


def _by_place(match: re.Match[str]) -> Filter:
    first, last = int(match["first"]), match["last"]
    end = first if last is None else int(last) if last else None
    return Filter(places=((first, end, True),))


def _path(word: str) -> Filter:
    pattern = _unquoted(word)
    if len(pattern) > 2 and pattern[0] == pattern[-1] == "/":
        pattern = pattern[1:-1]
    try:
        compiled = re.compile(pattern, re.IGNORECASE)
    except re.error as error:
        raise UsageError(
            f"{pattern!r} is no regular expression: {error}.",
            hint="Put a backslash before signs such as ( [ * + ? that are meant as they stand.",
        ) from error
    return Filter(patterns=((compiled, True),))


def _having(kind: str, condition: str) -> str:
    """Pictures whose set of that kind holds an item for which the condition is true."""
    return (
        f"IFNULL({kind}_set, 0) IN (SELECT set_id FROM set_items "  # noqa: S608 - words of ours
        f"WHERE kind = '{kind}' AND {condition})"
    )


def _label(_key: str, operator: str, value: str) -> Filter:
    found = _having("label", "item GLOB ?" if "*" in value else "item = ?")
    return Filter(f"NOT {found}" if operator in ("!=", "<>") else found, (value,))


def _gid(_key: str, operator: str, value: str) -> Filter:
    sign, number = _compared("gid", operator, value)
    if sign == "<>":
        return Filter(f"NOT {_having('gid', 'item = ?')}", (number,))
    return Filter(_having("gid", f"item {sign} ?"), (number,))


def _missing(key: str, operator: str, value: str) -> Filter:
    if operator in (":", "=") and not _is_number(value):
        if value == "any":
            return Filter("missing_total > 0")
        return Filter(_having("missing", "item = ?"), (value,))
    return _number(key, operator, value)


def _reviewed(_key: str, _operator: str, value: str) -> Filter:
    answers = {"yes": 1, "no": 0, "true": 1, "false": 0, "1": 1, "0": 0}
    if value.lower() not in answers:
        raise UsageError(f"reviewed:{value} is neither yes nor no.", hint="Write reviewed:no.")
    return Filter("reviewed = ?", (answers[value.lower()],))


def _state(_key: str, _operator: str, value: str) -> Filter:
    if value.lower() not in STATES:
        raise UsageError(f"There is no state {value!r}.", hint=f"Known are {', '.join(STATES)}.")
    return Filter("state = ?", (value.lower(),))


def _split(_key: str, _operator: str, value: str) -> Filter:
    return Filter("split = ?", ("" if value.lower() == "none" else value.lower(),))


def _number(key: str, operator: str, value: str) -> Filter:
    sign, number = _compared(key, operator, value)
    return Filter(f"{_COLUMNS[key]} {sign} ?", (number,))


def _compared(key: str, operator: str, value: str) -> tuple[str, float]:
    if not _is_number(value):
        raise UsageError(f"{key}{operator}{value}: {value!r} is no number.", hint=f"Write {key}>3.")
    return {":": "=", "!=": "<>"}.get(operator, operator), float(value)


def _is_number(value: str) -> bool:
    return re.fullmatch(r"-?\d+(\.\d+)?|-?\.\d+", value) is not None
