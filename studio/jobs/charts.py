"""Line charts as SVG inside a page: no script, no picture file, readable in light and dark."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT = 520, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 12, 8, 40
# Told apart by lightness too, and readable on white and on black.
_COLORS = ("#2f7de1", "#d9541e", "#2e9e5b", "#a259d9", "#b8860b", "#d6336c", "#1c9aa0", "#7a7f87")
_DASHES = ("", "6 3", "2 3", "9 3 2 3")

STYLE = """
figure.chart{display:inline-block;margin:0 1rem 1rem 0;max-width:520px;width:100%}
figure.chart svg{width:100%;height:auto;font:12px system-ui,sans-serif}
figure.chart figcaption{font-weight:600}.legend{font-size:.85rem}
.legend span{margin-right:1rem;white-space:nowrap}
"""


@dataclass(frozen=True)
class Line:
    """One line; a value of None leaves a gap."""

    name: str
    x: Sequence[float]
    y: Sequence[float | None]


def line_chart(
    title: str,
    x_title: str,
    lines: Sequence[Line],
    y_range: tuple[float, float] | None = None,
    *,
    marks: bool = False,
) -> str:
    """HTML of a titled chart with its legend. y_range: fixed, or from 0 to the largest value.
    marks: a dot at each value. An empty string where there is nothing to draw.
    """
    xs = [v for line in lines for v in line.x]
    ys = [float(v) for line in lines for v in line.y if v is not None and math.isfinite(v)]
    if not xs or not ys:
        return ""
    left, right = min(xs), max(xs)
    low, high = y_range or (min(0.0, *ys), max(ys) * 1.05 or 1.0)
    scale = _Scale(left, right if right > left else left + 1, low, high if high > low else low + 1)
    body = _grid(scale, x_title) + "".join(
        _path(line, scale, number, marks) for number, line in enumerate(lines)
    )
    legend = "".join(
        f"<span><svg width=26 height=8 style='width:26px'><line x1=0 x2=26 y1=4 y2=4 stroke-width=2"
        f" stroke='{_color(n)}' stroke-dasharray='{_dash(n)}'/></svg> {html.escape(line.name)}</span>"
        for n, line in enumerate(lines)
    )
    return (
        f"<figure class=chart><figcaption>{html.escape(title)}</figcaption>"
        f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' role=img aria-label='{html.escape(title, True)}'>"
        f"{body}</svg><div class=legend>{legend}</div></figure>"
    )


@dataclass(frozen=True)
class _Scale:
    left: float
    right: float
    low: float
    high: float

    def x(self, value: float) -> float:
        part = (value - self.left) / (self.right - self.left)
        return _LEFT + part * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        part = (value - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - part * (_HEIGHT - _TOP - _BOTTOM)


def _grid(scale: _Scale, x_title: str) -> str:
    bottom = scale.y(scale.low)
    words = (
        f"<g fill='currentColor' opacity=.75><text x={_WIDTH / 2} y={_HEIGHT - 4} "
        f"text-anchor=middle>{html.escape(x_title)}</text>"
    )
    for value in _ticks(scale.low, scale.high):
        y = scale.y(value)
        words += (
            f"<line x1={_LEFT} x2={_WIDTH - _RIGHT} y1={y:.1f} y2={y:.1f} stroke='currentColor' "
            f"opacity=.2 /><text x={_LEFT - 6} y={y + 4:.1f} text-anchor=end>{value:g}</text>"
        )
    return (
        words
        + "".join(
            f"<text x={scale.x(value):.1f} y={bottom + 16:.1f} text-anchor=middle>{value:g}</text>"
            for value in _ticks(scale.left, scale.right)
        )
        + "</g>"
    )


def _path(line: Line, scale: _Scale, number: int, marks: bool) -> str:
    words: list[str] = []
    dots: list[str] = []
    drawing = False
    for x, y in zip(line.x, line.y, strict=True):
        if not _is(y):
            drawing = False
            continue
        spot = f"{scale.x(x):.1f} {scale.y(min(max(float(y or 0), scale.low), scale.high)):.1f}"
        words.append(("L" if drawing else "M") + spot)
        left, top = spot.split()
        dots.append(f"<circle cx={left} cy={top} r=3 fill='{_color(number)}'/>" if marks else "")
        drawing = True
    return (
        f"<path d='{' '.join(words)}' fill=none stroke='{_color(number)}' stroke-width=2 "
        f"stroke-dasharray='{_dash(number)}'/>" + "".join(dots)
    )


def _color(number: int) -> str:
    return _COLORS[number % len(_COLORS)]


def _dash(number: int) -> str:
    return _DASHES[number // len(_COLORS) % len(_DASHES)]


def _ticks(low: float, high: float) -> list[float]:
    """Round values within, about five."""
    rough = (high - low) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(s * power for s in (1, 2, 5, 10) if s * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first
    return [round((first + i) * step, 10) for i in range(count + 1)]


def _is(value: float | None) -> bool:
    return value is not None and math.isfinite(value)
