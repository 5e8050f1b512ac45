"""Options declared once, as a dataclass; the command line, the form and the presets follow.

    @dataclass(frozen=True)
    class TrainOptions(Options):
        epochs: int = option(100, title=N_("Epochs"), minimum=1, maximum=100_000)

A field's `type` annotation decides how text is read: bool, int, float, str, Path, tuple[int, ...]
(written `a,b`) and each of them `| None` (written as nothing).
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Self, cast

from studio.core.errors import Problem, UsageError


def N_(source: str) -> str:  # noqa: N802 - gettext's own name for it
    """Mark `source` for translation where it is declared; it is translated where it is shown."""
    return source


@dataclass(frozen=True)
class Choice:
    """One of a field's allowed values; `title` is shown, `value` is stored."""

    value: Any
    title: str = ""


@dataclass(frozen=True)
class OptionField:
    """What the form, the command line and the check need to know of one field.

    kind: "" (plain, by type), "file", "folder", "dataset", "model" or "skeleton": which picker
    the form offers. aliases: other spellings on the command line, with their dashes.
    choices: values, or a function that computes them when the form opens.
    offers: like `choices`, but other values may be written too (names of models).
    flags: the negative is `--no-NAME` for a bool whose default is true.
    """

    name: str
    type: Any
    default: Any
    title: str
    help: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    multiple_of: int | None = None
    choices: tuple[Choice, ...] | Callable[[], Sequence[Choice]] = ()
    aliases: tuple[str, ...] = ()
    advanced: bool = False
    required: bool = False
    kind: str = ""
    group: str = ""
    offers: Callable[[], Sequence[Choice]] | None = None

    @property
    def flag(self) -> str:
        """The studio's own spelling on the command line; a name that is a word of Python's own,
        such as `from_`, loses its underscore.
        """
        return "--" + self.name.rstrip("_").replace("_", "-")

    @property
    def optional(self) -> bool:
        """Whether None is a value of this field."""
        return type(None) in typing.get_args(self.type)

    @property
    def plain_type(self) -> Any:
        """The type without `| None`."""
        if isinstance(self.type, types.UnionType):
            return next(a for a in typing.get_args(self.type) if a is not type(None))
        return self.type

    def choice_list(self) -> tuple[Choice, ...]:
        """The choices, computed now where they are a function."""
        return tuple(self.choices()) if callable(self.choices) else self.choices

    def parse(self, text: str) -> Any:
        """`text` as a value of this field. Raises UsageError that names the field."""
        text = text.strip()
        if text == "" and (self.optional or self.plain_type is not str):
            if self.optional:
                return None
            raise UsageError(f"{self.flag} needs a value.", where=self.name)
        kind = self.plain_type
        try:
            if kind is bool:
                return _parse_bool(text)
            if kind is int:
                return int(text)
            if kind is float:
                return float(text)
            if kind is Path:
                return Path(text).expanduser()
            if typing.get_origin(kind) is tuple:
                item = typing.get_args(kind)[0]
                return tuple(item(part.strip()) for part in text.split(",") if part.strip())
        except (ValueError, RuntimeError):
            # RuntimeError: the home folder of somebody who is not known here (~name).
            raise UsageError(
                f"{self.flag} got {text!r}, which is not {_type_name(kind)}.", where=self.name
            ) from None
        return text

    def check(self, value: Any) -> Problem | None:
        """What is wrong with `value`, or None."""
        if value is None:
            if self.optional and not self.required:
                return None
            return Problem(f"{self.flag} is needed.", where=self.name)
        if self.required and value == "":
            return Problem(f"{self.flag} is needed.", where=self.name)
        kind = self.plain_type
        if kind in (int, float) and isinstance(value, int | float):
            return self._check_number(float(value))
        choices = self.choice_list()
        if choices and value not in [c.value for c in choices]:
            listed = ", ".join(str(c.value) for c in choices)
            return Problem(f"{self.flag} is one of {listed}, not {value!r}.", where=self.name)
        return None

    def _check_number(self, value: float) -> Problem | None:
        if not math.isfinite(value):
            return Problem(f"{self.flag} must be a finite number.", where=self.name)
        if self.minimum is not None and value < self.minimum:
            return Problem(f"{self.flag} must be at least {self.minimum:g}.", where=self.name)
        if self.maximum is not None and value > self.maximum:
            return Problem(f"{self.flag} must be at most {self.maximum:g}.", where=self.name)
        if self.multiple_of and value % self.multiple_of:
            return Problem(
                f"{self.flag} must be a multiple of {self.multiple_of}.", where=self.name
            )
        choices = self.choice_list()
        if choices and value not in [c.value for c in choices]:
            listed = ", ".join(str(c.value) for c in choices)
            return Problem(f"{self.flag} is one of {listed}, not {value:g}.", where=self.name)
        return None


def _parse_bool(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True}
    words |= {"false": False, "no": False, "off": False, "0": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


def _type_name(kind: Any) -> str:
    names = {bool: "true or false", int: "a whole number", float: "a number"}
    return names.get(kind, "a list such as 1,2,3")


def option(
    default: Any = dataclasses.MISSING,
    *,
    title: str,
    help: str = "",  # noqa: A002 - the word every command line uses
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    multiple_of: int | None = None,
    choices: Iterable[Any] | Callable[[], Sequence[Choice]] = (),
    aliases: Iterable[str] = (),
    advanced: bool = False,
    kind: str = "",
    group: str = "",
    offers: Callable[[], Sequence[Choice]] | None = None,
) -> Any:
    """A dataclass field with what `OptionField` keeps. Without a default it is required."""
    if callable(choices):
        listed: Any = choices
    else:
        listed = tuple(c if isinstance(c, Choice) else Choice(c, str(c)) for c in choices)
    required = default is dataclasses.MISSING
    metadata = {
        "title": title,
        "help": help,
        "unit": unit,
        "minimum": minimum,
        "maximum": maximum,
        "multiple_of": multiple_of,
        "choices": listed,
        "aliases": tuple(aliases),
        "advanced": advanced,
        "required": required,
        "kind": kind,
        "group": group,
        "offers": offers,
    }
    return field(default=None if required else default, metadata={"option": metadata})


@dataclass(frozen=True)
class Rule:
    """A rule between fields: `holds(options)` is true when all is well; else `message` is said
    at the field `where`.
    """

    where: str
    message: str
    holds: Callable[[Any], bool]


@dataclass(frozen=True)
class Options:
    """Base of every declared option set. Values are frozen; `replace` makes another.

    groups: the order that a form gives its fields' groups; others follow as they come.
    """

    rules: ClassVar[tuple[Rule, ...]] = ()
    groups: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def fields(cls) -> tuple[OptionField, ...]:
        """The declared fields in order."""
        hints = typing.get_type_hints(cls)
        return tuple(
            OptionField(name=f.name, type=hints[f.name], default=f.default, **f.metadata["option"])
            for f in dataclasses.fields(cls)
            if "option" in f.metadata
        )

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any]) -> Self:
        """Values as JSON, TOML or text gives them. Raises UsageError for an unknown name."""
        known = {f.name: f for f in cls.fields()}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise UsageError(
                f"Unknown option: {', '.join(unknown)}.",
                hint=f"Known are {', '.join(sorted(known))}.",
            )
        return cls(**{name: _coerce(known[name], value) for name, value in values.items()})

    def to_mapping(self) -> dict[str, Any]:
        """Plain values for JSON and TOML; None is left out."""
        values = {f.name: getattr(self, f.name) for f in self.fields()}
        return {name: _plain(value) for name, value in values.items() if value is not None}

    def problems(self) -> tuple[Problem, ...]:
        """Everything that is wrong with the values, field by field, then between fields."""
        found = [p for f in self.fields() if (p := f.check(getattr(self, f.name))) is not None]
        if not found:
            found = [Problem(r.message, where=r.where) for r in self.rules if not r.holds(self)]
        return tuple(found)

    def validated(self) -> Self:
        """Itself, or UsageError with the first problem."""
        for problem in self.problems():
            raise UsageError(problem.message, where=problem.where, hint=problem.hint)
        return self


def _coerce(spec: OptionField, value: Any) -> Any:
    kind = spec.plain_type
    if value is None or kind in (str, Any):
        return value if value is None or kind is Any else str(value)
    if isinstance(value, str):
        return spec.parse(value)
    if typing.get_origin(kind) is tuple and isinstance(value, list | tuple):
        item = typing.get_args(kind)[0]
        return tuple(item(part) for part in cast("list[Any]", value))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is Path and isinstance(value, Path):
        return value
    wanted = typing.get_origin(kind) or kind
    if not isinstance(value, wanted) or (kind is int and isinstance(value, bool)):
        raise UsageError(
            f"{spec.flag} got {value!r}, which is not {_type_name(kind)}.", where=spec.name
        )
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(v) for v in cast("tuple[Any, ...]", value)]
    return value
