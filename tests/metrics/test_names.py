"""What figures are called and which way is better."""

from __future__ import annotations

import math

from studio.metrics.coco_ap import NAMES
from studio.metrics.names import headline, in_order, is_loss, measure


def test_every_figure_of_coco_is_explained():
    assert all(measure(name).help and measure(name).more for name in NAMES)


def test_degrees_and_pixels_fall():
    assert measure("geodesic").text(4.256) == "4.26°"
    assert not measure("geodesic").more
    assert not measure("joint-error").more
    assert not measure("pose_loss").more
    assert measure("AP").text(0.5) == "0.500"
    assert measure("AP").text(math.nan) == "–"
    assert measure("whatever").more


def test_a_group_is_called_after_its_figure():
    hands = measure("HOTA-KP/hands")
    assert (hands.name, hands.help) == ("HOTA-KP/hands", measure("HOTA-KP").help)


def test_known_figures_come_first():
    assert in_order(["x", "AR", "HOTA-KP/hands", "HOTA-KP", "AP"]) == (
        "AP", "AR", "HOTA-KP/hands", "HOTA-KP", "x",
    )  # fmt: skip


def test_the_headline():
    found = headline({"AP50": 0.9, "geodesic": 4.0, "AP": math.nan})
    assert found is not None
    assert (found[0].name, found[1]) == ("geodesic", 4.0)
    assert headline({"loss": 1.0}) is None
    assert is_loss("loss")
    assert is_loss("box_loss")
    assert not is_loss("AP")
