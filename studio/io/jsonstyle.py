"""Writing JSON the way a file was written before: its indent, its line ends, its spelling of
numbers. So a save changes the lines that were edited and no others.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)', re.DOTALL)
_BOM = "\ufeff"
_INT64 = 1 << 63

Spellings = dict[tuple[type, float], deque[str]]


@dataclass(frozen=True)
class JsonStyle:
    """How a JSON text is laid out.

    `indent` None: all on one line. `spellings` keeps, for every number that has another spelling
    than Python's, all its spellings in the text's order.
    """

    indent: str | None = "  "
    newline: str = "\n"
    item_separator: str = ","
    key_separator: str = ": "
    ascii_only: bool = False
    end: str = ""
    bom: bool = False
    spellings: Spellings = field(default_factory=dict[tuple[type, float], deque[str]])

    @classmethod
    def of(cls, data: bytes) -> JsonStyle:
        """The style of an existing text; of UTF-8 JSON, else the usual style."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return cls()
        bom = text.startswith(_BOM)
        body = text.removeprefix(_BOM)
        stripped = body.rstrip()
        indented = re.match(r'\s*[{\[](\r?\n)([ \t]*)["{\[\d-]', body)
        key = re.match(r'\s*\{\s*"(?:[^"\\]|\\.)*"(\s*:\s*)', body)
        key_separator = key[1] if key is not None and "\n" not in key[1] else ": "
        between = re.search(r'(?:\d|"|null|true|false|[}\]])(, ?)(?=["\d{\[-])', body[:4096])
        separator = "," if indented is not None or between is None else between[1]
        return cls(
            indent=indented[2] if indented is not None else None,
            newline=indented[1] if indented is not None else "\n",
            item_separator=separator,
            key_separator=key_separator,
            ascii_only="\\u" in body and body.isascii(),
            end=body[len(stripped) :],
            bom=bom,
            spellings=_spellings(body),
        )

    def dumps(self, value: Any) -> bytes:
        """`value` in this style, as UTF-8. Mappings, sequences, text, numbers, None."""
        spellings = {key: deque(texts) for key, texts in self.spellings.items()}
        text = "".join(self._parts(value, spellings, self.newline))
        return ((_BOM if self.bom else "") + text + self.end).encode("utf-8")

    def _parts(self, value: Any, spellings: Spellings, line: str) -> Iterator[str]:
        if isinstance(value, Mapping):
            yield from self._mapping(cast("Mapping[str, Any]", value), spellings, line)
        elif isinstance(value, str):
            yield json.dumps(value, ensure_ascii=self.ascii_only)
        elif isinstance(value, Sequence):
            yield from self._sequence(cast("Sequence[Any]", value), spellings, line)
        elif isinstance(value, bool) or value is None:
            yield {True: "true", False: "false", None: "null"}[value]
        else:
            yield _number(value, spellings)

    def _mapping(self, value: Mapping[str, Any], spellings: Spellings, line: str) -> Iterator[str]:
        if not value:
            yield "{}"
            return
        inner = "" if self.indent is None else line + self.indent
        opening = "{" + inner
        for key, item in value.items():
            yield opening
            yield json.dumps(str(key), ensure_ascii=self.ascii_only)
            yield self.key_separator
            yield from self._parts(item, spellings, inner)
            opening = self.item_separator + inner
        yield "}" if self.indent is None else line + "}"

    def _sequence(self, value: Sequence[Any], spellings: Spellings, line: str) -> Iterator[str]:
        if not value:
            yield "[]"
            return
        inner = "" if self.indent is None else line + self.indent
        opening = "[" + inner
        for item in value:
            yield opening
            yield from self._parts(item, spellings, inner)
            opening = self.item_separator + inner
        yield "]" if self.indent is None else line + "]"


def _number(value: float, spellings: Spellings) -> str:
    waiting = spellings.get((type(value), value))
    return waiting.popleft() if waiting else repr(value)


def _spellings(text: str) -> Spellings:
    found: Spellings = {}
    unusual: set[tuple[type, float]] = set()
    for match in _TOKEN.finditer(text):
        spelling = match[1]
        if spelling is None:
            continue
        whole = not any(c in spelling for c in ".eE")
        value: float = int(spelling) if whole else float(spelling)
        if whole and not -_INT64 <= value < 2 * _INT64:
            value = float(spelling)
        key = (type(value), value)
        found.setdefault(key, deque()).append(spelling)
        if repr(value) != spelling:
            unusual.add(key)
    return {key: found[key] for key in unusual}
