"""The demonstration's report: one file that any browser shows, pictures and all."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

import studio
from studio.core.annotation import VISIBLE, box_around, instances_of
from studio.core.errors import StudioError
from studio.core.prediction import Prediction
from studio.io import labelme
from studio.io.files import atomic_write_text, list_images
from studio.io.images import read_image
from studio.io.skeletons import load_skeleton
from studio.io.video import VideoReader
from studio.vision.drawing import DrawStyle, draw_people

Picture = npt.NDArray[np.uint8]

_SHOWN = 6
_WIDTH = 480

_STYLE = """
:root{color-scheme:light dark;--text:#1b1f24;--muted:#5a6472;--line:#d8dde3;--ground:#f6f7f9;
--card:#fff;--accent:#1f6feb;font:15px/1.55 system-ui,sans-serif}
@media(prefers-color-scheme:dark){:root{--text:#e6e9ee;--muted:#9aa5b4;--line:#30363f;
--ground:#14171b;--card:#1c2026;--accent:#6cabff}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text)}
main{max-width:1080px;margin:0 auto;padding:2rem 1.25rem 4rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.1rem;margin:2.25rem 0 .75rem}
p{margin:.4rem 0}.muted{color:var(--muted)}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:.75rem}
.figures div,.card{background:var(--card);border:1px solid var(--line);border-radius:8px;
padding:.75rem 1rem}
.figures b{display:block;font-size:1.5rem;font-variant-numeric:tabular-nums}
.figures span{color:var(--muted);font-size:.85rem}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line)}
tr:last-child td{border-bottom:0}td.n,th.n{text-align:right}
.bar{height:.5rem;border-radius:4px;background:var(--accent);min-width:2px}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(280px,1fr));gap:.75rem}
figure{margin:0}img{display:block;width:100%;border-radius:8px;border:1px solid var(--line)}
figcaption{color:var(--muted);font-size:.85rem;margin-top:.25rem}
"""


@dataclass(frozen=True)
class Step:
    """One job of the way and how long it took."""

    job: str
    title: str
    seconds: float


@dataclass(frozen=True)
class DemoResult:
    """What the report tells. `pictures` and `worst` are folders of pictures, `video` the clip
    with the people drawn in; `shift` is the certificate's distance between the weights' joints
    and the export's, in pixels.
    """

    steps: tuple[Step, ...]
    pictures: Path
    video: Path
    worst: Path
    people: int
    frames: int
    frames_with_people: int
    rate: float
    engine: str
    counts: Mapping[str, int]
    epochs: int
    metrics: Mapping[str, float]
    shift: Mapping[str, float | None]


def write_report(path: Path, result: DemoResult) -> Path:
    """Write the page; its path. Raises FileProblem."""
    body = "".join(
        (
            _head(result),
            _steps(result.steps),
            _pictures("Found in the clip", _frames(result.video)),
            _pictures("Drawn pictures and their labels", _drawn(result.pictures)),
            _pictures(
                "Where the model was farthest from the labels",
                _files(result.worst),
                "Labels green, found orange, with a line from each joint to the one found for it.",
            ),
            _judged(result),
        )
    )
    page = (
        "<!doctype html><html lang=en><head><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width,initial-scale=1'>"
        f"<title>Pose Studio demonstration</title><style>{_STYLE}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )
    atomic_write_text(path, page)
    return path


def _head(result: DemoResult) -> str:
    shift = result.shift.get("mean")
    figures = (
        (f"{result.frames_with_people} / {result.frames}", "frames of the clip with people found"),
        (str(result.people), "people found in them"),
        (f"{result.rate:.0f} / s", f"frames ({result.engine})"),
        (_number(result.metrics.get("AP50")), "AP50 of joints on unseen pictures"),
        ("–" if shift is None else f"{shift:.3f} px", "between the weights and their export"),
    )
    cards = "".join(f"<div><b>{_text(b)}</b><span>{_text(s)}</span></div>" for b, s in figures)
    total = sum(step.seconds for step in result.steps)
    return (
        "<h1>From pictures to people found</h1>"
        f"<p class=muted>Pose Studio {_text(studio.__version__)}: {result.counts.get('train', 0)} "
        f"drawn pictures to train with, {result.counts.get('val', 0)} to judge with, "
        f"{result.epochs} epochs on top of the sample weights; {total:.0f} s in all.</p>"
        f"<div class=figures>{cards}</div>"
    )


def _steps(steps: Iterable[Step]) -> str:
    steps = tuple(steps)
    longest = max((step.seconds for step in steps), default=1.0) or 1.0
    rows = "".join(
        f"<tr><td>{_text(s.job)}<td>{_text(s.title)}<td class=n>{s.seconds:.1f} s"
        f"<td style='width:30%'><div class=bar style='width:{100 * s.seconds / longest:.1f}%'>"
        "</div>"
        for s in steps
    )
    return f"<h2>The steps</h2><div class=card><table>{rows}</table></div>"


def _judged(result: DemoResult) -> str:
    rows = "".join(
        f"<tr><td>{_text(name)}<td class=n>{_number(value)}"
        for name, value in result.metrics.items()
    )
    return f"<h2>COCO keypoint figures</h2><div class=card><table>{rows}</table></div>"


def _pictures(title: str, pictures: Iterable[tuple[str, Picture]], note: str = "") -> str:
    shown = "".join(
        f"<figure><img alt='{_text(name)}' src='{_embedded(picture)}'>"
        f"<figcaption>{_text(name)}</figcaption></figure>"
        for name, picture in pictures
    )
    told = f"<p class=muted>{_text(note)}</p>" if note else ""
    return f"<h2>{_text(title)}</h2>{told}<div class=grid>{shown}</div>" if shown else ""


def _frames(video: Path) -> Iterator[tuple[str, Picture]]:
    """Frames spread over the whole clip."""
    with VideoReader(video) as reader:
        step = max(1, reader.frame_count // _SHOWN)
        for index, seconds, frame in reader:
            if index % step == step // 2:
                yield f"{seconds:.1f} s", frame


def _drawn(folder: Path) -> Iterator[tuple[str, Picture]]:
    for path in list_images(folder)[:_SHOWN]:
        yield path.name, _labelled(path)


def _labelled(path: Path) -> Picture:
    """The picture with its annotation drawn in, hidden joints left out."""
    skeleton = load_skeleton("coco17")
    people: list[Prediction] = []
    for person in instances_of(labelme.read(labelme.annotation_path(path)), skeleton):
        box = person.tight_box()
        if box is None:
            box = box_around(person.keypoints[:, :2])
        corners = np.concatenate([box[:2], box[:2] + box[2:]]).astype(np.float32)
        joints = person.keypoints.astype(np.float32)
        joints[:, 2] = joints[:, 2] == VISIBLE
        people.append(Prediction(corners, 1.0, joints))
    return draw_people(read_image(path), people, skeleton, DrawStyle(labels=False))


def _files(folder: Path) -> Iterator[tuple[str, Picture]]:
    if folder.is_dir():
        for path in list_images(folder)[:_SHOWN]:
            yield path.name, read_image(path)


def _embedded(picture: Picture) -> str:
    import cv2

    scale = min(1.0, _WIDTH / picture.shape[1])
    if scale < 1:
        size = (_WIDTH, max(1, round(picture.shape[0] * scale)))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    good, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 82])
    if not good:
        raise StudioError("A picture of the report could not be written.")
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")


def _number(value: Any) -> str:
    if not isinstance(value, int | float) or value != value or value < 0:
        return "–"
    return f"{value:.3f}"


def _text(value: object) -> str:
    return html.escape(str(value), quote=True)
