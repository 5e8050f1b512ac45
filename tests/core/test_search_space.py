"""A search space as text: read, checked against the options' own limits, written back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio.core.errors import UsageError
from studio.core.options import Options, option
from studio.core.search_space import Dimension, clashes, parse_space, space_text


@dataclass(frozen=True)
class Declared(Options):
    lr0: float | None = option(None, title="Rate", minimum=1e-8, maximum=10, aliases=("--lr",))
    batch: int = option(16, title="Batch", minimum=1, maximum=64)
    imgsz: int = option(64, title="Size", minimum=32, maximum=640, multiple_of=32)
    form: str = option("a", title="Form", choices=("a", "b", "c"))
    amp: bool = option(True, title="Amp")
    steps: tuple[int, ...] = option((), title="Steps")
    warmup_epochs: float = option(3.0, title="Warm-up", minimum=0, maximum=100)
    weights: str = option("", title="Weights", kind="model")
    data: Path | None = option(None, title="Data", kind="dataset")


def test_ranges_and_choices_are_read():
    space = parse_space(
        "lr0=1e-5..1e-2:log, batch=4|8,steps=1,2|3, --warmup-epochs=0..10:2.5,amp=yes|no,"
        "imgsz=64..128,form=a|c",
        Declared,
    )
    assert space == (
        Dimension("lr0", 1e-5, 1e-2, log=True),
        Dimension("batch", choices=(4, 8)),
        Dimension("steps", choices=((1, 2), (3,))),
        Dimension("warmup_epochs", 0, 10, step=2.5),
        Dimension("amp", choices=(True, False)),
        Dimension("imgsz", 64, 128, step=32, whole=True),
        Dimension("form", choices=("a", "c")),
    )
    assert parse_space(space_text(space), Declared) == space


def test_an_alias_and_dashes_name_the_option():
    assert parse_space("lr=1e-3|1e-4", Declared)[0].name == "lr0"
    assert parse_space("warmup-epochs=1..2", Declared)[0].name == "warmup_epochs"


def test_paths_may_be_choices():
    (found,) = parse_space("weights=../a/x.pt|../b/y.pt", Declared)
    assert found.choices == ("../a/x.pt", "../b/y.pt")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("speed=1..2", "no option called 'speed'"),
        ("lr0", "no item of a search space"),
        ("lr0=", "no item of a search space"),
        ("batch=1..2,batch=4|8", "stands twice"),
        ("batch=0..8", "--batch must be at least 1"),
        ("batch=1..128", "--batch must be at most 64"),
        ("batch=8..8", "8 is not less than 8"),
        ("batch=8..4", "8 is not less than 4"),
        ("batch=4", "two choices or more"),
        ("batch=4|4", "two choices or more"),
        ("batch=4|400", "--batch must be at most 64"),
        ("batch=a..b", "not a whole number"),
        ("batch=1.5..8", "not a whole number"),
        ("imgsz=50..128", "multiple of 32"),
        ("imgsz=64..128:log", "no logarithmic range"),
        ("imgsz=64..128:33", "no step of this range"),
        ("lr0=1e-5..1e-2:", None),
        ("lr0=1e-5..1e-2:lin", "not a number"),
        ("lr0=1e-5..1e-2:1", "no step of this range"),
        ("lr0=..1", "is no number"),
        ("warmup_epochs=0..10:log", "begins above 0"),
        ("form=a..c", "two choices or more"),
        ("form=a|z", "--form is one of a, b, c"),
        ("lr0=nan..1", "is no number"),
        ("lr0=1e-3|inf", "must be a finite number"),
    ],
)  # fmt: skip
def test_what_the_option_does_not_allow_is_refused(text, says):
    if says is None:
        assert not parse_space(text, Declared)[0].log
        return
    with pytest.raises(UsageError, match=says.replace("..", r"\.\.")):
        parse_space(text, Declared)


def test_an_option_cannot_be_searched_and_given():
    space = parse_space("batch=4|8,lr0=1e-3..1e-2", Declared)
    assert clashes(space, {"batch": 4, "imgsz": 64}) == ["batch"]


@given(
    low=st.floats(1e-8, 1, allow_subnormal=False),
    width=st.floats(1e-6, 9),
    log=st.booleans(),
)
def test_a_range_survives_being_written(low, width, log):
    space = (Dimension("lr0", low, low + width, log=log),)
    if low < low + width:
        assert parse_space(space_text(space), Declared) == space
