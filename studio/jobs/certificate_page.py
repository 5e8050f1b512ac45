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

Picture = npt.NDArray[np.uint8]
# A picture with what the weights and what the artefact find in it, and the largest shift in px.
Compared = tuple[Picture, Sequence[Prediction], Sequence[Prediction], float]

PAGE = "certificate.html"
FILES = "certificate_files"
_VERDICTS = {True: "passed", False: "NOT passed", None: "nothing was proved: nobody was found"}


def write_certificate_page(
    folder: Path, values: Mapping[str, Any], worst: Sequence[Compared], skeleton: Skeleton
) -> Path:
    """Write `certificate.html` and its pictures into `folder`; the page's path."""
    (folder / FILES).mkdir(exist_ok=True)
    figures = []
    for number, (frame, weights, artifact, shift) in enumerate(worst, 1):
        sides = [draw_people(frame, people, skeleton) for people in (weights, artifact)]
        name = f"{FILES}/{number:02d}.jpg"
        write_image(folder / name, np.concatenate(sides, axis=1), quality=85)
        figures.append(
            f"<figure><img src='{name}' alt=''><figcaption>weights left, artefact right; largest "
            f"shift {shift:.2f} px</figcaption></figure>"
        )
    path = folder / PAGE
    atomic_write_text(path, _page(values, "".join(figures)))
    return path


def _page(values: Mapping[str, Any], pictures: str) -> str:
    rows = "".join(f"<tr><td>{escaped(k)}<td>{escaped(v)}" for k, v in _rows(values))
    joints = "".join(
        f"<tr><td>{escaped(name)}<td>{shift['count']}<td>{_px(shift['mean'])}<td>{_px(shift['max'])}"
        for name, shift in values["parity"]["joints"].items()
    )
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Certificate</title>"
        f"<style>{STYLE}</style><h1>Certificate: {escaped(values['artifact'])}, "
        f"{escaped(values['precision'])}: {_VERDICTS[values['passed']]}</h1>"
        f"<p class=muted>Made from {escaped(values['weights'])}, {escaped(values['created'])}. Both "
        "were run on the same pictures in f32; the time is at the device's own precision.</p>"
        f"<table>{rows}</table><h2>Joints</h2><table><tr><th>joint<th>compared<th>mean, px"
        f"<th>largest, px{joints}</table><h2>Pictures that differ most</h2>"
        f"<div class=grid>{pictures}</div></html>"
    )


def _rows(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    parity, latency = values["parity"], values["latency_ms"]
    shift, people = parity["shift_px"], parity["people"]
    rows = [
        ("Pictures", f"{values['pictures']['count']}, {values['pictures']['source']}"),
        (
            "People found by both, by one alone",
            f"{people['both']}, {people['only_a'] + people['only_b']}",
        ),
        (
            "Shift of sure joints: mean, 95th percentile, largest",
            f"{_px(shift['mean'])}, {_px(shift['p95'])}, {_px(shift['max'])} px",
        ),
        ("Limit of the mean", f"{values['limits']['mean']} px"),
    ]
    if values["ap"] is not None:
        ap = values["ap"]
        text = f"{ap['weights']:.4f}, {ap['artifact']:.4f} ({ap['difference']:+.4f})"
        rows.append((f"AP of both (limit of the difference {values['limits']['ap']})", text))
    rows += [
        ("Size", f"{values['bytes'] / 1e6:.1f} MB"),
        ("Time to load", f"{values['load_ms']:.0f} ms"),
        (
            "One picture, the whole way",
            f"{latency['median']:.1f} ms on {latency['device']} in {latency['precision']}",
        ),
    ]
    return rows


def _px(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
