"""Declared options: read, checked, told."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.errors import UsageError
from studio.core.options import Choice, Options, Rule, option


@dataclass(frozen=True)
class Sample(Options):
    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("half", "Half and int8 exclude each other.", lambda o: not (o.half and o.int8)),
    )
    data: Path = option(title="Data")
    epochs: int = option(10, title="Epochs", minimum=1, maximum=100)
    size: int = option(64, title="Size", multiple_of=32)
    rate: float | None = option(None, title="Rate", minimum=0)
    name: str = option("", title="Name")
    half: bool = option(False, title="Half")
    int8: bool = option(False, title="Int8")
    formats: tuple[str, ...] = option(("coco",), title="Formats")
    inputs: tuple[Path, ...] = option((), title="Inputs")
    mode: str = option("a", title="Mode", choices=("a", "b"))
    late: str = option("x", title="Late", choices=lambda: [Choice("x"), Choice("y", "Why")])


def test_text_and_plain_values_are_read_alike() -> None:
    text = {
        "data": "d", "epochs": "5", "rate": "0.5", "half": "yes", "formats": "coco, yolo",
        "inputs": "a,b",
    }  # fmt: skip
    plain = {
        "data": "d", "epochs": 5, "rate": 0.5, "half": True, "formats": ["coco", "yolo"],
        "inputs": ["a", "b"],
    }  # fmt: skip
    read = Sample.from_mapping(text)
    assert read == Sample.from_mapping(plain)
    assert read.formats == ("coco", "yolo")
    assert read.inputs == (Path("a"), Path("b"))
    assert Sample.from_mapping(read.to_mapping()) == read
    assert Sample.from_mapping({"data": "d", "rate": ""}).rate is None
    assert Sample.from_mapping({"data": "d", "rate": 1}).rate == 1.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "--data is needed"),
        ({"epochs": 0}, "--epochs must be at least 1"),
        ({"epochs": 101}, "--epochs must be at most 100"),
        ({"epochs": "ten"}, "--epochs got 'ten', which is not a whole number"),
        ({"epochs": 1.5}, "--epochs got 1.5"),
        ({"epochs": True}, "--epochs got True"),
        ({"epochs": ""}, "--epochs needs a value"),
        ({"size": 63}, "--size must be a multiple of 32"),
        ({"rate": "nan"}, "--rate must be a finite number"),
        ({"half": "maybe"}, "--half got 'maybe', which is not true or false"),
        ({"half": True, "int8": True}, "exclude each other"),
        ({"mode": "c"}, "--mode is one of a, b"),
        ({"late": "z"}, "--late is one of x, y"),
        ({"epoch": 3}, "Unknown option: epoch"),
    ],
)
def test_what_is_wrong_is_said(values, said: str) -> None:
    base = {} if not values else {"data": "d"}
    with pytest.raises(UsageError) as caught:
        Sample.from_mapping(base | values).validated()
    assert said in str(caught.value)


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    for spec in Sample.fields():
        if spec.plain_type is str:
            spec.parse(text)
            continue
        with contextlib.suppress(UsageError):
            value = spec.parse(text)
            assert value is None or isinstance(value, bool | int | float | tuple | Path)
