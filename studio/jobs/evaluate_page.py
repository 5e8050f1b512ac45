"""A judgement as a page that any browser shows: figures, curves, joints, the worst pictures."""

from __future__ import annotations

import html
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.errors import StudioError
from studio.core.skeleton import Skeleton
from studio.io.files import atomic_folder, atomic_write_text
from studio.io.images import read_image, write_image
from studio.jobs import charts
from studio.jobs.charts import Line, line_chart
from studio.jobs.report_values import CLIPS, HEADS, POSE
from studio.metrics.evaluation import JudgedPicture
from studio.metrics.names import measure

Picture = npt.NDArray[np.uint8]

SHOWN = 24
_LONG_SIDE = 900
# A smaller picture is enlarged to this, so that lines and joints do not cover it.
_SHORT = 360
# BGR: what is labelled, what was found, and the way between them.
_TRUTH, _FOUND, _WAY = (151, 220, 61), (53, 107, 255), (245, 245, 245)

STYLE = """
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{max-width:1100px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #8884}
th:first-child,td:first-child{text-align:left}
td.words{text-align:left;font-size:.85rem;opacity:.7}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:1rem}
.grid figure{margin:0}.grid img{width:100%;border-radius:6px}.grid figcaption{font-size:.85rem}
.truth{color:#2e9e5b}.found{color:#d9541e}.muted{opacity:.7}
"""


@dataclass(frozen=True, eq=False)
class Drawn:
    """One of the worst pictures: `draw` puts truth and prediction into it."""

    picture: Path
    caption: str
    draw: Callable[[Picture], Picture]


def write_page(
    report: Path, values: Mapping[str, Any], pictures: Sequence[Drawn], check: Callable[[], None]
) -> Path:
    """Write `<report>.html` and the folder of drawn pictures beside it; the page's path.

    pictures: worst first; the first 24 are drawn. `check` is called before each and may raise.
    """
    page = report.with_suffix(".html")
    folder = report.with_name(f"{report.stem}_files")
    shown: list[tuple[str, Drawn]] = []
    unread: list[str] = []
    with atomic_folder(folder, overwrite=True) as part:
        for position, one in enumerate(pictures[:SHOWN], 1):
            check()
            try:
                drawn = one.draw(read_image(one.picture))
            except StudioError:
                # Stored predictions are judged without their pictures, too: the figures stand.
                unread.append(one.picture.name)
                continue
            name = f"{position:02d}.jpg"
            write_image(part / name, drawn, quality=85)
            shown.append((f"{folder.name}/{name}", one))
    atomic_write_text(page, _page(values, shown, unread))
    return page


def people_drawn(pictures: Sequence[JudgedPicture], skeleton: Skeleton, kind: str) -> list[Drawn]:
    """Pictures of people or parts for `write_page`."""
    likeness = "OKS" if kind == POSE else "likeness"

    def one(picture: JudgedPicture) -> Drawn:
        return Drawn(
            picture.sample.image,
            f"{likeness} {figure_text(picture.oks)} · {picture.missed} missed, "
            f"{picture.false} false",
            lambda frame: draw_judged(frame, picture, skeleton),
        )

    return [one(p) for p in pictures[:SHOWN]]


def draw_judged(frame: Picture, picture: JudgedPicture, skeleton: Skeleton) -> Picture:
    """The picture (longer side at most 900) with labels green, predictions orange, and a line
    from each labelled joint to the one found for it.
    """
    pairs = [
        (
            pair.truth.keypoints if pair.truth is not None else None,
            pair.predicted.keypoints.astype(np.float64) if pair.predicted is not None else None,
        )
        for pair in picture.pairs
    ]
    return draw_pairs(frame, pairs, skeleton)


def draw_pairs(
    frame: Picture,
    pairs: Sequence[tuple[npt.NDArray[np.float64] | None, npt.NDArray[np.float64] | None]],
    skeleton: Skeleton,
) -> Picture:
    """The same of (K, 3) labels x, y, v and predictions x, y, score, either of them None."""
    import cv2

    scale = min(1.0, _LONG_SIDE / max(frame.shape[:2]))
    scale = max(scale, min(_SHORT / max(frame.shape[:2]), 4.0))
    if scale != 1:
        way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        frame = np.asarray(cv2.resize(frame, None, fx=scale, fy=scale, interpolation=way), np.uint8)
    out = frame.copy()
    width = max(1, round(max(out.shape[:2]) / 450))
    for truth, found in pairs:
        truth = None if truth is None else _scaled(truth, scale)
        found = None if found is None else _scaled(found, scale)
        if truth is not None and found is not None:
            for joint in np.flatnonzero(truth[:, 2] > 0):
                cv2.line(out, _point(truth[joint]), _point(found[joint]), _WAY, width, cv2.LINE_AA)
        if found is not None:
            _figure(out, found, found[:, 2] >= 0.5, skeleton, _FOUND, width)
        if truth is not None:
            _figure(out, truth, truth[:, 2] > 0, skeleton, _TRUTH, width)
    return out


def _scaled(points: npt.NDArray[np.float64], scale: float) -> npt.NDArray[np.float64]:
    return np.nan_to_num(points) * (scale, scale, 1)


def _figure(
    frame: Picture,
    points: npt.NDArray[np.float64],
    shown: npt.NDArray[np.bool_],
    skeleton: Skeleton,
    color: tuple[int, int, int],
    width: int,
) -> None:
    import cv2

    for a, b in skeleton.edges:
        if shown[a] and shown[b]:
            cv2.line(frame, _point(points[a]), _point(points[b]), color, width, cv2.LINE_AA)
    for joint in np.flatnonzero(shown):
        cv2.circle(frame, _point(points[joint]), width + 2, (24, 24, 24), -1, cv2.LINE_AA)
        cv2.circle(frame, _point(points[joint]), width + 1, color, -1, cv2.LINE_AA)


def _point(point: npt.NDArray[np.float64]) -> tuple[int, int]:
    x, y = np.rint(np.clip(point[:2], -32768, 32767))
    return int(x), int(y)


def _page(values: Mapping[str, Any], shown: list[tuple[str, Drawn]], unread: list[str]) -> str:
    sections = {POSE: _pose_sections, CLIPS: _clip_sections, HEADS: _head_sections}
    pictures = "".join(
        f"<figure><img src='{escaped(source)}' alt=''><figcaption>{escaped(one.picture.name)} · "
        f"{escaped(one.caption)}</figcaption></figure>"
        for source, one in shown
    )
    missing = ""
    if unread:
        more = ", …" if len(unread) > 3 else ""
        missing = (
            f"<p class=muted>{len(unread)} of the worst pictures could not be read and are not "
            f"shown: {escaped(', '.join(unread[:3]))}{more}</p>"
        )
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Evaluation</title>"
        f"<style>{STYLE}{charts.STYLE}</style>{_head(values)}"
        f"<h2>Figures</h2>{_metrics(values['metrics'])}{sections[values['kind']](values)}"
        "<h2>Worst pictures</h2><p><span class=truth>labelled</span>, "
        f"<span class=found>found</span></p>{missing}<div class=grid>{pictures}</div></html>"
    )


def _head(values: Mapping[str, Any]) -> str:
    model, data = values["model"], values["dataset"]
    precision = values["settings"].get("precision")
    computed = f"computed in {escaped(precision)}, " if precision else ""
    nouns = {
        POSE: ("pictures", "people"),
        CLIPS: ("frames", "labelled instances"),
        HEADS: ("pictures", "heads"),
    }
    pictures, people = nouns[values["kind"]]
    videos = f"{len(data['videos'])} videos, " if "videos" in data else ""
    return (
        f"<h1>{escaped(Path(model['path']).name)} on {escaped(Path(data['path']).name)}</h1>"
        f"<p class=muted>{escaped(model['path'])}<br>{videos}{data['pictures']} {pictures}, "
        f"{data['people']} {people}, split {escaped(data['split'])}, {computed}"
        f"{escaped(values['created'])}</p>"
    )


def _metrics(metrics: Mapping[str, Any]) -> str:
    rows = ""
    for name, value in metrics.items():
        known = measure(name)
        number = math.nan if value is None or value == -1 else float(value)
        rows += (
            f"<tr><td>{escaped(known.title or name)}<td>{escaped(known.text(number))}"
            f"<td class=words>{escaped(known.help)}"
        )
    return f"<table>{rows}</table>"


def _joints(values: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{escaped(j['name'])}<td>{j['count']}<td>{figure_text(j['error_px'], 1)}"
        f"<td>{figure_text(j['error_rel'])}<td>{figure_text(j['pck'])}"
        for j in values["joints"]
    )
    return (
        "<h2>Joints</h2><table><tr><th>joint<th>labelled<th>error, px"
        f"<th>error / size<th>PCK@0.1{rows}</table>"
    )


def _pck(values: Mapping[str, Any]) -> str:
    pck = values["pck"]
    lines = [Line("all joints", pck["thresholds"], pck["all"])]
    return line_chart(
        "PCK: share of joints within a distance", "distance / size", lines, (0.0, 1.0)
    )


def _pose_sections(values: Mapping[str, Any]) -> str:
    curves = values["precision_recall"]
    lines = [
        Line(f"OKS {name}", curves["recall"], [None if v < 0 else v for v in curve])
        for name, curve in curves.items()
        if name != "recall"
    ]
    chart = line_chart("Precision and recall", "recall", lines, (0.0, 1.0))
    return f"<h2>Curves</h2>{chart}{_pck(values)}{_joints(values)}"


def _clip_sections(values: Mapping[str, Any]) -> str:
    hota = values["hota"]
    alphas = hota["alphas"]
    whole = [Line(n, alphas, hota["all"][n]) for n in ("HOTA", "DetA", "AssA", "LocA")]
    classes = [Line(name, alphas, one["HOTA"]) for name, one in hota["classes"].items()]
    rows = "".join(
        f"<tr><td>{escaped(name)}"
        + "".join(
            f"<td>{figure_text(float(np.mean(one[n])))}" for n in ("HOTA", "DetA", "AssA", "LocA")
        )
        for name, one in [*hota["classes"].items(), *hota["groups"].items()]
    )
    return (
        "<h2>Over the threshold α</h2>"
        + line_chart("Mean over the classes", "α", whole, (0.0, 1.0))
        + line_chart("HOTA of each class", "α", classes, (0.0, 1.0))
        + _pck(values)
        + f"<h2>Classes</h2><table><tr><th>class<th>HOTA<th>DetA<th>AssA<th>LocA{rows}</table>"
        + _joints(values)
    )


def _head_sections(values: Mapping[str, Any]) -> str:
    angles = values["angles"]
    lines, rows = [], ""
    for name, one in angles.items():
        middles = [(a + b) / 2 for a, b in itertools.pairwise(one["edges"])]
        lines.append(Line(name, middles, one["error"]))
        rows += f"<tr><td>{name}" + "".join(
            f"<td>{figure_text(e, 1)}<br><small class=muted>{c}</small>"
            for e, c in zip(one["error"], one["count"], strict=True)
        )
    edges = next(iter(angles.values()))["edges"]
    heads = "".join(f"<th>{a:g}…{b:g}°" for a, b in itertools.pairwise(edges))
    within = values["within"]
    share = [Line("heads", within["degrees"], within["share"])]
    return (
        "<h2>Curves</h2>"
        + line_chart("Error against the true angle", "true angle, degrees", lines, marks=True)
        + line_chart("Share of heads within an error", "geodesic error, degrees", share, (0.0, 1.0))
        + "<h2>Error by true angle</h2><div style='overflow-x:auto'><table>"
        + f"<tr><th>degrees{heads}{rows}</table></div>"
    )


def figure_text(value: float | None, digits: int = 3) -> str:
    """A number for a table; a dash where there is none."""
    if value is None or value != value or value == -1:
        return "–"
    return f"{value:.{digits}f}"


def escaped(value: object) -> str:
    """Safe inside HTML and its quoted attributes."""
    return html.escape(str(value), quote=True)
