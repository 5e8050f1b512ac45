"""Plain values from JSON, YAML and TOML, told apart with their types."""

from __future__ import annotations

import math
from typing import Any, TypeGuard


def is_table(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether `value` is an object with names."""
    return isinstance(value, dict)


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Whether `value` is a list."""
    return isinstance(value, list)


def is_number(value: object) -> TypeGuard[float]:
    """Whether `value` is a finite number; true and false are none."""
    return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]


def is_whole(value: object) -> TypeGuard[int]:
    """Whether `value` is a whole number; true and false are none."""
    return type(value) is int


def numbers(value: object) -> list[float] | None:
    """`value` as a list of finite numbers, or None where it is anything else."""
    if not is_list(value) or not all(is_number(v) for v in value):
        return None
    return [float(v) for v in value]
