"""A certificate as a page that any browser shows, with the pictures that differ most."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.io.files import atomic_write_text
from studio.io.images import write_image
from studio.jobs.evaluate_page import STYLE, escaped
from studio.vision.drawing import draw_people
from studio.vision.head_crop import crop_of, cropped
from studio.vision.head_drawing import draw_axes, draw_cube

Picture = npt.NDArray[np.uint8]
Rotation = npt.NDArray[np.float64]
Values = Mapping[str, Any]
# A picture with what the weights and what the artefact find in it, and the largest shift in px.
Compared = tuple[Picture, Sequence[Prediction], Sequence[Prediction], float]
# A head with how the weights and how the artefact turn it, and the degrees between both.
Turned = tuple[Picture, Rotation, Rotation, float]

PAGE = "certificate.html"
FILES = "certificate_files"
_LONG_SIDE = 900
_TILE, _CUBE = 256, 0.5
_VERDICTS = {
    True: ("good", "Passed", "Everything that was measured is within its limit."),
    False: ("bad", "Not passed", "What failed stands in red below."),
    None: ("open", "Nothing was proved", "No limit could be measured."),
}
_MARKS = {True: "<b class=good>✓ passed</b>", False: "<b class=bad>✗ failed</b>",
          None: "<span class=muted>told</span>"}  # fmt: skip
_STYLE = (
    STYLE
    + """
.verdict{display:flex;gap:1rem;align-items:baseline;padding:1rem 1.2rem;border-radius:10px;
border-left:8px solid;margin:1rem 0}.verdict b{font-size:1.5rem}
.verdict.good{border-color:#2e9e5b;background:#2e9e5b22}
.verdict.bad{border-color:#d43a2f;background:#d43a2f22}
.verdict.open{border-color:#8a8a8a;background:#8a8a8a22}
b.good{color:#2e9e5b}b.bad{color:#d43a2f}
.note{padding:.6rem 1rem;border-left:4px solid #d99a1e;background:#d99a1e22;border-radius:6px}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(160px,1fr));gap:.8rem;margin:1rem 0}
.facts div{border:1px solid #8884;border-radius:8px;padding:.6rem .8rem}
.facts span{display:block;font-size:.8rem;opacity:.7}.facts b{font-size:1.15rem}
.facts small{display:block;opacity:.7}
th{font-weight:600}td{vertical-align:top;overflow-wrap:anywhere}
.grid.wide{grid-template-columns:repeat(auto-fill,minmax(480px,1fr))}
"""
)


def write_certificate_page(
    folder: Path, values: Values, worst: Sequence[Compared], skeleton: Skeleton
) -> list[dict[str, Any]]:
    """Write `certificate.html` and its pictures into `folder`; what stands as "worst" in the
    certificate.
    """
    shown: list[dict[str, Any]] = []
    for number, (frame, weights, artifact, shift) in enumerate(worst, 1):
        sides = [draw_people(frame, people, skeleton) for people in (weights, artifact)]
        name = _write(folder, number, _shrunk(np.concatenate(sides, axis=1)))
        shown.append({"file": name, "shift": shift, "unit": "px"})
    text = "weights left, artefact right; largest shift {shift:.2f} px"
    _write_page(folder, values, shown, text, "Pictures that differ most")
    return shown


def write_heads_page(folder: Path, values: Values, worst: Sequence[Turned]) -> list[dict[str, Any]]:
    """The same of heads: the weights as a cube, the artefact as axes."""
    shown: list[dict[str, Any]] = []
    for number, (crop, here, there, turn) in enumerate(worst, 1):
        name = _write(folder, number, head_tile(crop, here, there))
        shown.append({"file": name, "shift": turn, "unit": "°"})
    text = "the weights' cube, the artefact's axes; {shift:.3f}° apart"
    _write_page(folder, values, shown, text, "Heads that differ most")
    return shown


def head_tile(crop: Picture, first: Rotation, second: Rotation) -> Picture:
    """(256, 256, 3) a head with the first rotation as a cube and the second as axes."""
    whole = (0, 0, crop.shape[1], crop.shape[0])
    tile = cropped(crop, crop_of(whole), (_TILE, _TILE)).copy()
    middle = (_TILE / 2, _TILE / 2)
    draw_cube(tile, first, middle, _TILE * _CUBE)
    draw_axes(tile, second, middle, _TILE * _CUBE)
    return tile


def _write(folder: Path, number: int, picture: Picture) -> str:
    (folder / FILES).mkdir(exist_ok=True)
    name = f"{FILES}/{number:02d}.jpg"
    write_image(folder / name, picture, quality=85)
    return name


def _shrunk(picture: Picture) -> Picture:
    import cv2

    scale = 2 * _LONG_SIDE / max(picture.shape[:2])
    if scale >= 1:
        return picture
    way = cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=way), np.uint8)


def _write_page(
    folder: Path, values: Values, shown: Sequence[Values], caption: str, title: str
) -> None:
    figures = "".join(
        f"<figure><img src='{one['file']}' alt='' loading=lazy><figcaption>"
        f"{caption.format(shift=one['shift'])}</figcaption></figure>"
        for one in shown
    )
    wide = "" if values["task"] == "head-pose" else " wide"
    pictures = f"<h2>{title}</h2><div class='grid{wide}'>{figures}</div>" if figures else ""
    name = escaped(f"{values['artifact']}, {values['precision']}")
    atomic_write_text(
        folder / PAGE,
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>Certificate: {name}</title><style>{_STYLE}</style>"
        f"<h1>Certificate: {name}</h1>{_verdict(values)}{_notes(values)}{_facts(values)}"
        f"{_checks(values)}{_sides(values)}{_joints(values)}{pictures}{_made(values)}</html>",
    )


def _verdict(values: Values) -> str:
    kind, title, text = _VERDICTS[values["passed"]]
    if values["not_run"] and values["latency_ms"] is None and values["passed"] is None:
        title, text = "Never run here", values["not_run"]
    failed = [c["title"] for c in values["checks"] if c["passed"] is False]
    if failed:
        text = f"{text} {', '.join(failed)}."
    return f"<div class='verdict {kind}'><b>{title}</b><span>{escaped(text)}</span></div>"


def _notes(values: Values) -> str:
    notes: list[str] = []
    if values["not_run"] and (values["latency_ms"] is not None or values["passed"] is not None):
        notes.append(f"Never run here: {values['not_run']}")
    if values["pictures"].get("calibrated"):
        notes.append(
            "It was judged on the pictures that it was calibrated on, which flatters it: there "
            "were no others."
        )
    if values["pictures"]["count"] and values["pictures"]["source"].startswith("drawn"):
        notes.append("It was judged on drawn pictures: give --data a dataset for real ones.")
    return "".join(f"<p class=note>{escaped(note)}</p>" for note in notes)


def _facts(values: Values) -> str:
    cards = [
        ("Size", _megabytes(values["bytes"]), f"weights {_megabytes(values['weights_bytes'])}")
    ]
    latency = values["latency_ms"]
    if latency is not None:
        what = "One head" if values["task"] == "head-pose" else "One picture"
        size = " × ".join(map(str, latency["picture"]))
        place = f"{size} px, the whole way, {latency['device']}, {latency['precision']}"
        cards.append((what, f"{latency['median']:.1f} ms", place))
    if values["load_ms"] is not None:
        cards.append(("Time to load", f"{values['load_ms']:.0f} ms", ""))
    if values["memory_bytes"] is not None:
        cards.append(("Memory at most", _megabytes(values["memory_bytes"]), "model and engine"))
    height, width = values["input"]["size"]
    open_sizes = "open sizes" if values["input"]["dynamic"] else "this size only"
    cards.append(("Input", f"{width} × {height}", open_sizes))
    return "<div class=facts>" + "".join(
        f"<div><span>{escaped(title)}</span><b>{escaped(value)}</b>"
        f"<small>{escaped(more)}</small></div>"
        for title, value, more in cards
    ) + "</div>"  # fmt: skip


def _checks(values: Values) -> str:
    rows = "".join(
        f"<tr><td>{escaped(c['title'])}<td>{escaped(c['value'])}<td>{escaped(c['limit'] or '–')}"
        f"<td>{_MARKS[c['passed']] if c['kind'] == 'device' or c['passed'] is not None else 'not known'}"
        for c in values["checks"]
    )
    if not rows:
        return ""
    return f"<h2>Checks</h2><table><tr><th>what<th>measured<th>limit<th>{rows}</table>"


def _sides(values: Values) -> str:
    """Everything that was measured, at both precisions where they differ."""
    parity, own = values["parity"], values["own_precision"]
    if not parity:
        return ""
    heads = "turn_deg" in parity
    key, unit = ("turn_deg", "°") if heads else ("shift_px", " px")
    rows = [(f"Both in {values['computed_in']}", parity[key])]
    if own is not None:
        rows.append((f"Artefact in {own['precision']} on {own['device']}, its own way", own[key]))
    if not heads:
        rows.append((f"Both in {values['computed_in']}, input pixels", parity["shift_input_px"]))
    table = "".join(
        f"<tr><td>{escaped(name)}<td>{s['count']}"
        + "".join(f"<td>{_number(s[part], unit)}" for part in ("mean", "p95", "max"))
        for name, s in rows
    )
    title = "Turn of heads between both" if heads else "Shift of sure joints between both"
    text = (
        f"<h2>{title}</h2><table><tr><th><th>compared<th>mean<th>95th percentile<th>largest{table}"
        "</table>"
    )
    if not heads:
        people = parity["people"]
        text += (
            f"<p class=muted>People found by both: {people['both']}; by the weights alone: "
            f"{people['only_a']}; by the artefact alone: {people['only_b']}.</p>"
        )
    return text + _judged(values)


def _judged(values: Values) -> str:
    titles = {"ap": "OKS AP", "pck": "PCK@0.1 (missed people count as missed)",
              "geodesic": "Mean geodesic error, °"}  # fmt: skip
    rows = "".join(
        f"<tr><td>{title}<td>{v['weights']:.4f}<td>{v['artifact']:.4f}<td>{v['difference']:+.4f}"
        for key, title in titles.items()
        if (v := values.get(key)) is not None
    )
    if not rows:
        return ""
    return (
        "<h2>Held against the labels</h2><table><tr><th><th>weights<th>artefact<th>difference"
        f"{rows}</table>"
    )


def _joints(values: Values) -> str:
    joints = values["parity"].get("joints")
    if not joints:
        return ""
    rows = "".join(
        f"<tr><td>{escaped(name)}<td>{shift['count']}"
        + "".join(f"<td>{_number(shift[part], '')}" for part in ("mean", "p95", "max"))
        for name, shift in joints.items()
    )
    return (
        "<details><summary>Each joint, px</summary><table><tr><th>joint<th>compared<th>mean"
        f"<th>95th percentile<th>largest{rows}</table></details>"
    )


def _made(values: Values) -> str:
    pictures, calibration = values["pictures"], values["calibration"]
    rows = [("Made from", values["weights"]), ("Target", values["target"]),
            ("Judged on", f"{pictures['count']} of {pictures['source']}" if pictures["count"] else "nothing")]  # fmt: skip
    if calibration is not None:
        side = f", side {calibration['split']}" if calibration["split"] else ""
        text = (
            f"{calibration['count']} of {calibration['source']}{side}, choice {calibration['seed']}"
        )
        rows.append(("Calibrated on", text))
    rows += [("Files", ", ".join(f"{n} {_megabytes(b)}" for n, b in values["files"].items())),
             ("Machine", values["machine"]), ("Made", values["created"])]  # fmt: skip
    table = "".join(
        f"<tr><td>{escaped(name)}<td class=words>{escaped(text)}" for name, text in rows
    )
    return f"<h2>How it was made</h2><table>{table}</table>"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.2f} MB" if size < 1e7 else f"{size / 1e6:.1f} MB"


def _number(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.3f}{unit}"
