"""An evaluation as a page that any browser shows: figures, joints, the worst pictures."""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.errors import StudioError
from studio.core.skeleton import Skeleton
from studio.io.files import atomic_folder, atomic_write_text
from studio.io.images import read_image, write_image
from studio.metrics.evaluation import Evaluation, JudgedPicture

Picture = npt.NDArray[np.uint8]

SHOWN = 24
_LONG_SIDE = 900
# BGR: what is labelled, what was found, and the way between them.
_TRUTH, _FOUND, _WAY = (151, 220, 61), (53, 107, 255), (245, 245, 245)

STYLE = """
:root{color-scheme:light dark;font:15px/1.5 system-ui,sans-serif}
body{max-width:1100px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .8rem;text-align:right;border-bottom:1px solid #8884}
th:first-child,td:first-child{text-align:left}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(320px,1fr));gap:1rem}
figure{margin:0}img{width:100%;border-radius:6px}figcaption{font-size:.85rem}
.truth{color:#2e9e5b}.found{color:#d9541e}.muted{opacity:.7}
"""


def write_page(
    report: Path,
    judged: Evaluation,
    values: Mapping[str, Any],
    skeleton: Skeleton,
    check: Callable[[], None],
) -> Path:
    """Write `<report>.html` and the folder of drawn pictures beside it; the page's path.

    `check` is called before each picture and may raise to end.
    """
    page = report.with_suffix(".html")
    folder = report.with_name(f"{report.stem}_files")
    shown: list[tuple[str, JudgedPicture]] = []
    unread: list[str] = []
    with atomic_folder(folder, overwrite=True) as part:
        for number, picture in enumerate(judged.pictures[:SHOWN], 1):
            check()
            try:
                drawn = draw_judged(read_image(picture.sample.image), picture, skeleton)
            except StudioError:
                # Stored predictions are judged without their pictures, too: the figures stand.
                unread.append(picture.sample.image.name)
                continue
            name = f"{number:02d}.jpg"
            write_image(part / name, drawn, quality=85)
            shown.append((f"{folder.name}/{name}", picture))
    atomic_write_text(page, _page(values, shown, unread))
    return page


def draw_judged(frame: Picture, picture: JudgedPicture, skeleton: Skeleton) -> Picture:
    """The picture (longer side at most 900) with labels green, predictions orange, and a line
    from each labelled joint to the one found for it.
    """
    import cv2

    scale = min(1.0, _LONG_SIDE / max(frame.shape[:2]))
    if scale < 1:
        frame = np.asarray(
            cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
        )
    out = frame.copy()
    width = max(1, round(max(out.shape[:2]) / 450))
    for pair in picture.pairs:
        truth = pair.truth.keypoints * (scale, scale, 1) if pair.truth is not None else None
        found = None
        if pair.predicted is not None:
            found = pair.predicted.keypoints.astype(np.float64) * (scale, scale, 1)
        if truth is not None and found is not None:
            for joint in np.flatnonzero(truth[:, 2] > 0):
                cv2.line(out, _point(truth[joint]), _point(found[joint]), _WAY, width, cv2.LINE_AA)
        if found is not None:
            _figure(out, found, found[:, 2] >= 0.5, skeleton, _FOUND, width)
        if truth is not None:
            _figure(out, truth, truth[:, 2] > 0, skeleton, _TRUTH, width)
    return out


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


def _page(
    values: Mapping[str, Any], shown: list[tuple[str, JudgedPicture]], unread: list[str]
) -> str:
    model, data = values["model"], values["dataset"]
    precision = values["settings"].get("precision")
    computed = f"computed in {escaped(precision)}, " if precision else ""
    head = (
        f"<h1>{escaped(Path(model['path']).name)} on {escaped(Path(data['path']).name)}</h1>"
        f"<p class=muted>{escaped(model['path'])}<br>{data['pictures']} pictures, "
        f"{data['people']} people, split {escaped(data['split'])}, {computed}"
        f"{escaped(values['created'])}</p>"
    )
    figures = "".join(
        f"<tr><td>{name}<td>{_figure_text(value)}" for name, value in values["metrics"].items()
    )
    joints = "".join(
        f"<tr><td>{escaped(j['name'])}<td>{j['count']}<td>{_figure_text(j['error_px'], 1)}"
        f"<td>{_figure_text(j['error_rel'])}<td>{_figure_text(j['pck'])}"
        for j in values["joints"]
    )
    pictures = "".join(
        f"<figure><img src='{escaped(source)}' alt=''><figcaption>{escaped(p.sample.image.name)} · "
        f"OKS {_figure_text(p.oks)} · {p.missed} missed, {p.false} false</figcaption></figure>"
        for source, p in shown
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
        f"<style>{STYLE}</style>{head}"
        f"<h2>COCO keypoint figures</h2><table>{figures}</table>"
        "<h2>Joints</h2><table><tr><th>joint<th>labelled<th>error, px"
        f"<th>error / √area<th>PCK@0.1{joints}</table>"
        "<h2>Worst pictures</h2><p><span class=truth>labelled</span>, "
        f"<span class=found>found</span></p>{missing}<div class=grid>{pictures}</div></html>"
    )


def _figure_text(value: float | None, digits: int = 3) -> str:
    if value is None or value != value or value == -1:
        return "–"
    return f"{value:.{digits}f}"


def escaped(value: object) -> str:
    return html.escape(str(value), quote=True)
