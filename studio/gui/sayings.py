"""Messages of the program, made in English with their values in, said in another language.

Errors and findings are worded where they arise, in layers that know no language: "The model finds
17 joints, the labels have 5.". The catalogue knows their form, "The model finds {0} joints, the
labels have {1}.". A text is recognised by its form and said again with the same values.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

# Placeholders are numbered; any other brace in a text is a brace.
PLACEHOLDER = re.compile(r"\{(\d+)\}")
# Messages are put together of sentences; a line that ends ends a sentence too.
# A list of findings stands in brackets: "[a.json: This file is empty.] [b.json: ...]".
_BETWEEN = re.compile(r"(?<=[.!?]) +|(?<=\]) (?=\[)|\n+")
_WIDE = tuple("。！？：）」、")
STOP = "。"
MOST_SENTENCES = 12
LONGEST = 4000
DEEPEST = 4
KEPT = 2000

# How many characters of a text are known, and what says it.
Known = tuple[int, Callable[[], str]]


@dataclass(frozen=True)
class Form:
    """A text with places for values: `literals` (one more than `numbers`) stand around them.

    is_part: it is no sentence (`{0} pictures`) and stands inside others only.
    """

    literals: tuple[str, ...]
    numbers: tuple[str, ...]
    translation: str
    is_part: bool = False

    @property
    def weight(self) -> int:
        """How many characters of a text it explains."""
        return sum(map(len, self.literals))

    def values_in(self, text: str) -> dict[str, str] | None:
        """What stands at its places in `text`, each as short as can be; None where it has another
        form. Takes time in proportion to the text, whatever stands in it.
        """
        first, *inner, last = self.literals
        end = len(text) - len(last)
        if end < len(first) or not text.startswith(first) or not text.endswith(last):
            return None
        values: dict[str, str] = {}
        start = len(first)
        for number, literal in zip(self.numbers, inner, strict=False):
            place = text.find(literal, start, end)
            if place < 0:
                return None
            values[number] = text[start:place]
            start = place + len(literal)
        values[self.numbers[-1]] = text[start:end]
        if self.is_part and not first and " " in values[self.numbers[0]]:
            return None
        return values


class Sayings:
    """One language's way to say the program's messages; built once, asked often.

    table: English text or form -> translation.
    """

    def __init__(self, table: Mapping[str, str]) -> None:
        self._forms: dict[str, list[Form]] = {}
        more = {k.lstrip(): v.lstrip() for k, v in table.items() if k.startswith(" ")}
        self._table = {**more, **table}
        for source, translation in self._table.items():
            form = form_of(source, translation)
            if form is not None:
                self._forms.setdefault(_first_word(form.literals[0]), []).append(form)
        for forms in self._forms.values():
            forms.sort(key=lambda form: -form.weight)
        # One text is looked at in many ways, and each of its parts only once.
        self._known = lru_cache(KEPT)(self._find)

    def say(self, text: str) -> str:
        """`text` in this language; what is not known of it stays as it is."""
        return self._say(text, 0)

    def _say(self, text: str, depth: int) -> str:
        return self._best(text, depth)[1]()

    def _best(self, text: str, depth: int) -> Known:
        """How much of a text is known, and what says it."""
        plain = self._table.get(text)
        if plain is not None:
            return len(text), lambda: plain
        if not text or len(text) > LONGEST or depth > DEEPEST:
            return 0, lambda: text
        ends = [*(m.span() for m in _BETWEEN.finditer(text)), (len(text), len(text))]
        if len(ends) > MOST_SENTENCES:
            ends = ends[-1:]
        starts = [0, *(end for _, end in ends)]
        # best[i]: how much of the first i sentences is known, where the last piece of them begins,
        # and what says it.
        best: list[tuple[int, int, Callable[[], str]]] = [(0, 0, str)]
        for last in range(len(ends)):
            options: list[tuple[int, int, Callable[[], str]]] = []
            for first in range(last + 1):
                known, say = self._known(text[starts[first] : ends[last][0]], depth)
                options.append((best[first][0] + known, first, say))
            best.append(max(options, key=lambda option: option[0]))
        return best[-1][0], lambda: self._put_together(text, ends, best)

    @staticmethod
    def _put_together(
        text: str,
        ends: Sequence[tuple[int, int]],
        best: Sequence[tuple[int, int, Callable[[], str]]],
    ) -> str:
        """The pieces that explain most of `text`, from the last one back."""
        pieces: list[tuple[str, str]] = []
        place = len(ends)
        while place:
            _, first, say = best[place]
            between = text[slice(*ends[first - 1])] if first else ""
            pieces.append((between, say()))
            place = first
        said = ""
        for between, piece in reversed(pieces):
            # Wide signs bring their own space.
            tight = said.endswith(_WIDE) and not between.strip(" ")
            said += ("" if tight else between) + piece
        return said

    def _find(self, piece: str, depth: int) -> Known:
        """How many characters of a piece the catalogue knows, and what says it."""
        plain = self._table.get(piece)
        if plain is not None and (is_wording(piece) or piece.endswith((".", "!", "?"))):
            return len(piece), lambda: plain
        # Some are put together and ended afterwards, or lose their end inside another.
        other = piece[:-1] if piece.endswith(".") else piece + "."
        if other in self._table and is_wording(other):
            return len(piece), lambda: _ended_like(piece, self._table[other])
        found = [
            (0, lambda: piece),
            *self._formed(piece, depth),
            *self._formed(other, depth, ended_like=piece),
        ]
        if depth < DEEPEST:
            found += self._inside(piece, depth + 1)
        return max(found, key=lambda known: known[0])

    def _formed(self, piece: str, depth: int, *, ended_like: str = "") -> Iterator[Known]:
        """Every form that it may have: the more of its values is known, the likelier."""
        for form in self._candidates(piece):
            values = None if form.is_part and not depth else form.values_in(piece)
            if values is not None:
                weight = form.weight + sum(
                    self._best(value, depth + 1)[0]
                    for value in values.values()
                    if is_wording(value)
                )
                yield weight, partial(self._filled, form, values, depth, ended_like)

    def _inside(self, piece: str, depth: int) -> Iterator[Known]:
        """What holds a message: `[...]` in a list, or what it is of: `a.json: This is empty.`"""
        if piece.startswith("[") and piece.endswith("]"):
            known, say = self._best(piece[1:-1], depth)
            yield known, lambda: f"[{say()}]"
        place, colon, rest = piece.partition(": ")
        if colon:
            known, tell = self._known(rest, depth)
            yield known, lambda: place + colon + tell()

    def _candidates(self, piece: str) -> Sequence[Form]:
        return [
            *self._forms.get(_first_word(piece), ()),
            *self._forms.get("", ()),
        ]

    def _filled(self, form: Form, values: Mapping[str, str], depth: int, ended_like: str) -> str:
        def value(match: re.Match[str]) -> str:
            text = values.get(match[1], match[0])
            return self._value(text, depth + 1)

        said = PLACEHOLDER.sub(value, form.translation)
        return _ended_like(ended_like, said) if ended_like else said

    def _value(self, text: str, depth: int) -> str:
        """A value is a name most often, and stays; a sentence or a part of one may be known."""
        if depth > DEEPEST or not is_wording(text):
            return text
        return self._say(text, depth)


def form_of(source: str, translation: str) -> Form | None:
    """The form that `source` is, or None where it has no places for values, or no words."""
    literals = PLACEHOLDER.split(source)
    numbers = tuple(literals[1::2])
    words = tuple(literals[::2])
    if not numbers or not any(c.isalpha() for c in "".join(words)):
        return None
    sentence = source.rstrip().endswith((".", "!", "?")) or ": " in source
    part = not sentence and (not words[0] or not words[0][0].isupper())
    return Form(words, numbers, translation, part)


def _first_word(text: str) -> str:
    """What a form is found by; empty where its first word may run on into a value."""
    word, space, _ = text.partition(" ")
    return word if space else ""


def is_wording(text: str) -> bool:
    """Whether a value may be a text of the program's own, and not a name that a person gave."""
    spaces = text.count(" ")
    return spaces >= 2 or (spaces == 1 and not text[0].isupper())


def _ended_like(piece: str, said: str) -> str:
    """`said` with the end that `piece` has."""
    return said + STOP if piece.endswith(".") else said.removesuffix(STOP)
