"""Line charts of a page: every value in its place, gaps left open, names escaped."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from studio.jobs.charts import Line, line_chart


def path_of(page: str) -> str:
    found = re.search(r"<path d='([^']*)'", page)
    assert found
    return found[1]


def test_values_stand_where_they_belong():
    page = line_chart("Share", "x", [Line("all", [0, 1, 2], [0.0, 0.5, 1.0])], (0.0, 1.0))
    spots = [tuple(map(float, p.split())) for p in re.split("[ML]", path_of(page)) if p.strip()]
    assert [x for x, _ in spots] == sorted(x for x, _ in spots)
    (_, low), (_, middle), (_, high) = spots
    assert low > middle > high, "more is higher up"
    assert middle == pytest.approx((low + high) / 2, abs=0.1)


def test_what_is_not_known_is_a_gap():
    page = line_chart("a", "x", [Line("l", [0, 1, 2, 3], [1.0, None, 2.0, float("nan")])])
    assert path_of(page).count("M") == 2
    assert "L" not in path_of(page)
    marked = line_chart("a", "x", [Line("l", [0, 1], [1.0, 2.0])], marks=True)
    assert marked.count("<circle") == 2


def test_nothing_to_draw():
    assert line_chart("a", "x", []) == ""
    assert line_chart("a", "x", [Line("l", [0], [None])]) == ""


def test_one_value_alone_is_drawn():
    page = line_chart("a", "x", [Line("l", [5], [0.0])])
    assert "M" in path_of(page)


def test_names_are_escaped():
    page = line_chart("<b>", "x & y", [Line("a<script>", [0, 1], [0, 1])])
    assert "<script>" not in page
    assert "<b>" not in page
    assert "x &amp; y" in page


def test_ticks_are_round():
    page = line_chart("a", "x", [Line("l", [-105, 105], [0, 9.3])])
    ticks = re.findall(r"text-anchor=(?:middle|end)>(-?[\d.]+)<", page)
    assert {"-100", "-50", "0", "50", "100", "2", "4", "6", "8"} <= set(ticks)


def test_every_tag_is_closed():
    page = line_chart("a", "x", [Line("l", [0, 1], [0, 1])], marks=True)
    svg = re.search(r"<svg viewBox.*?</svg>", page, re.DOTALL)
    assert svg
    quoted = re.sub(r"=([\w.#-]+)(?=[ />])", r"='\1'", svg[0])
    assert ET.fromstring(quoted).tag == "svg"
