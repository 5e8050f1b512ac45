"""PySide6 6.12.0 drops a reference to None on every void call and so aborts CPython 3.11."""

from __future__ import annotations

import sys

import PySide6
import pytest
from PySide6.QtWidgets import QApplication, QLabel


def test_void_calls_lose_no_reference_to_none(qapp: QApplication) -> None:
    label = QLabel()
    before = sys.getrefcount(None)
    for number in range(1000):
        label.setText(str(number))
    lost = before - sys.getrefcount(None)
    if sys.version_info >= (3, 12):
        assert lost == 0  # None is immortal there: nothing can be lost
    else:
        assert lost < 100, f"{lost} references to None lost in 1,000 calls"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from 3.12 on")
def test_the_binding_is_one_that_works_here() -> None:
    assert tuple(int(p) for p in PySide6.__version__.split(".")[:2]) < (6, 12)
