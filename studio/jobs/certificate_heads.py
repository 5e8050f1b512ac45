"""What an exported head-pose model is worth: it is run beside the weights that it was made from."""

from __future__ import annotations

import platform
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.dataset import VAL
from studio.core.job import JobContext
from studio.io.files import atomic_write_text, write_json
from studio.io.headpose_set import HeadSample, load_heads
from studio.io.images import read_image, write_image
from studio.jobs.certificate import CERTIFICATE, MAX_PICTURES, WORST
from studio.jobs.certificate_page import FILES, PAGE
from studio.jobs.evaluate_page import STYLE, escaped
from studio.metrics.head import geodesic, head_errors
from studio.runtime.head_pose import HeadPoser
from studio.vision.head_crop import crop_of, cropped
from studio.vision.head_drawing import draw_axes, draw_cube

Picture = npt.NDArray[np.uint8]
Rotations = npt.NDArray[np.float64]

TASK = "head-pose"
DRAWN_HEADS = 16
# Degrees: the mean turn between the two, and the difference of their errors against the labels.
LIMITS = {"mean": 0.5, "error": 0.1}
_TILE, _CUBE = 256, 0.5


def certify_heads(
    weights: ModelArtifact, artifact: ModelArtifact, data: Path | None, context: JobContext
) -> dict[str, Any]:
    """Hold `artifact` against `weights` on a head-pose set's validation heads, or on drawn ones.

    Both compute in f32 for the parity; the time is at the device's own precision. Writes
    certificate.json and certificate.html beside the artefact.
    """
    crops, samples = _heads(data)
    started = time.perf_counter()
    with HeadPoser(artifact, precision="f32") as made:
        load_ms = (time.perf_counter() - started) * 1000
        there = _turned(made, crops, context, "artifact")
    with HeadPoser(weights, precision="f32") as original:
        here = _turned(original, crops, context, "weights")
    turns = geodesic(here, there)
    errors = _errors(here, there, samples)
    values = {
        "v": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "weights": str(weights.weights),
        "artifact": artifact.weights.name,
        "precision": artifact.precision,
        "input": artifact.input.to_mapping(),
        "pictures": {
            "count": len(crops),
            "source": str(data.absolute()) if data is not None else "drawn heads",
        },
        "parity": {"turn_deg": {"mean": float(turns.mean()), "max": float(turns.max())}},
        "geodesic": errors,
        "bytes": sum(
            p.stat().st_size for p in artifact.weights.parent.glob(f"{artifact.weights.stem}.*")
        ),
        "weights_bytes": weights.weights.stat().st_size,
        "load_ms": load_ms,
        "latency_ms": _latency(artifact, crops[0], context),
        "computed_in": "f32",
        "machine": platform.processor() or platform.machine(),
        "limits": LIMITS,
        "passed": bool(turns.mean() <= LIMITS["mean"])
        and (errors is None or abs(errors["difference"]) <= LIMITS["error"]),
    }
    folder = artifact.weights.parent
    _write_page(folder, values, crops, (here, there), turns)
    write_json(folder / CERTIFICATE, values)
    return values


def _heads(data: Path | None) -> tuple[list[Picture], Sequence[HeadSample]]:
    """The crops, and their labels where they came from a set."""
    if data is None:
        from studio.vision.synthetic.head import make_head

        return [make_head(seed, _TILE).image for seed in range(DRAWN_HEADS)], ()
    found = load_heads(data)
    has_val = any(s.split == VAL for s in found.samples)
    samples = (found.side(VAL) if has_val else found.samples)[:MAX_PICTURES]
    return [_crop(s) for s in samples], samples


def _crop(sample: HeadSample) -> Picture:
    picture = read_image(sample.picture)
    if sample.box is None:
        return picture
    return cropped(picture, crop_of(sample.box), (_TILE, _TILE))


def _turned(
    poser: HeadPoser, crops: Sequence[Picture], context: JobContext, stage: str
) -> Rotations:
    found: list[Rotations] = []
    for number, crop in enumerate(crops, 1):
        context.check()
        found.append(poser.rotations([crop]))
        context.progress(f"certify {stage}", number, len(crops))
    return np.concatenate(found)


def _errors(
    here: Rotations, there: Rotations, samples: Sequence[HeadSample]
) -> dict[str, float] | None:
    """The mean geodesic error of both in degrees, where there are labels."""
    if not samples:
        return None
    truth = np.stack([s.rotation for s in samples])
    first, second = (float(head_errors(r, truth).geodesic.mean()) for r in (here, there))
    return {"weights": first, "artifact": second, "difference": second - first}


def _latency(artifact: ModelArtifact, crop: Picture, context: JobContext) -> dict[str, Any]:
    """One head at a time: the whole way, median of ten after two."""
    times: list[float] = []
    with HeadPoser(artifact) as poser:
        for number in range(12):
            context.check()
            started = time.perf_counter()
            poser.rotations([crop])
            if number >= 2:
                times.append((time.perf_counter() - started) * 1000)
        return {
            "median": median(times),
            "device": poser.engine.device,
            "precision": poser.engine.precision,
            "picture": [crop.shape[1], crop.shape[0]],
        }


def _write_page(
    folder: Path,
    values: Mapping[str, Any],
    crops: Sequence[Picture],
    sides: tuple[Rotations, Rotations],
    turns: npt.NDArray[np.float64],
) -> None:
    """`certificate.html` with the heads that differ most: the weights as a cube, the artefact as
    axes.
    """
    (folder / FILES).mkdir(exist_ok=True)
    figures: list[str] = []
    for place, number in enumerate(np.argsort(-turns)[:WORST], 1):
        crop = crops[number]
        tile = cropped(crop, crop_of((0, 0, crop.shape[1], crop.shape[0])), (_TILE, _TILE)).copy()
        middle = (_TILE / 2, _TILE / 2)
        draw_cube(tile, sides[0][number], middle, _TILE * _CUBE)
        draw_axes(tile, sides[1][number], middle, _TILE * _CUBE)
        name = f"{FILES}/{place:02d}.jpg"
        write_image(folder / name, tile, quality=85)
        figures.append(
            f"<figure><img src='{name}' alt=''><figcaption>the weights' cube, the artefact's axes; "
            f"{turns[number]:.3f}° apart</figcaption></figure>"
        )
    rows = "".join(f"<tr><td>{escaped(k)}<td>{escaped(v)}" for k, v in _rows(values))
    verdict = "passed" if values["passed"] else "NOT passed"
    atomic_write_text(
        folder / PAGE,
        "<!doctype html><html lang=en><meta charset=utf-8><title>Certificate</title>"
        f"<style>{STYLE}</style><h1>Certificate: {escaped(values['artifact'])}, "
        f"{escaped(values['precision'])}: {verdict}</h1>"
        f"<p class=muted>Made from {escaped(values['weights'])}, {escaped(values['created'])}. Both "
        "were run on the same heads in f32; the time is at the device's own precision.</p>"
        f"<table>{rows}</table><h2>Heads that differ most</h2>"
        f"<div class=grid>{''.join(figures)}</div></html>",
    )


def _rows(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    turn, latency = values["parity"]["turn_deg"], values["latency_ms"]
    rows = [
        ("Heads", f"{values['pictures']['count']}, {values['pictures']['source']}"),
        ("Turn between the two: mean, largest", f"{turn['mean']:.4f}°, {turn['max']:.4f}°"),
        ("Limit of the mean", f"{values['limits']['mean']}°"),
    ]
    if values["geodesic"] is not None:
        error = values["geodesic"]
        text = f"{error['weights']:.3f}°, {error['artifact']:.3f}° ({error['difference']:+.4f}°)"
        rows.append(("Geodesic error of both", text))
    return [
        *rows,
        ("Size", f"{values['bytes'] / 1e6:.1f} MB"),
        ("Time to load", f"{values['load_ms']:.0f} ms"),
        (
            "One head, the whole way",
            f"{latency['median']:.1f} ms on {latency['device']} in {latency['precision']}",
        ),
    ]
