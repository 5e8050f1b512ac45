"""Compare two artefacts of one head-pose model; the report is that of `studio.jobs.compare` with
"turn_deg" {count, mean, p95, max} in place of shifts and "geodesic" {a, b, difference} of AP.
"""

from __future__ import annotations

import html
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.errors import DataError
from studio.core.job import JobContext
from studio.core.requests.compare import CompareOptions
from studio.io.files import atomic_folder, atomic_write_text, write_json
from studio.io.headpose_set import HeadSample
from studio.io.images import write_image
from studio.jobs.certificate_heads import (
    crops_of,
    geodesic_errors,
    heads_in,
    turn_spread,
)
from studio.jobs.certificate_page import head_tile
from studio.jobs.evaluate_page import STYLE
from studio.jobs.looking import bytes_on_disk, named
from studio.metrics.head import geodesic
from studio.runtime.head_pose import HeadPoser

Picture = npt.NDArray[np.uint8]
Rotations = npt.NDArray[np.float64]

_SHOWN = 12


def compare_heads(
    artifacts: tuple[ModelArtifact, ModelArtifact],
    options: CompareOptions,
    report: Path,
    context: JobContext,
) -> dict[str, Any]:
    """Both look at the same heads; writes `report` and its page. Raises ModelError, DataError,
    FileProblem, UsageError.
    """
    heads = heads_in(options.data.expanduser().absolute(), context, side=options.split)
    crops, samples = crops_of(heads.limited(options.limit or len(heads)), context)
    if not crops:
        raise DataError("No head of this set can be read.", where=options.data)
    (first, here), (second, there) = (
        _turned(artifact, crops, options, context, stage)
        for artifact, stage in zip(artifacts, ("a", "b"), strict=True)
    )
    turns = geodesic(here, there)
    errors = geodesic_errors(here, there, samples)
    values = {
        "v": 1,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "a": first | {"geodesic": None if errors is None else errors["weights"]},
        "b": second | {"geodesic": None if errors is None else errors["artifact"]},
        "data": str(options.data.absolute()),
        "pictures": len(crops),
        "turn_deg": turn_spread(turns),
        "geodesic": None
        if errors is None
        else {"a": errors["weights"], "b": errors["artifact"], "difference": errors["difference"]},
        "ap": None,
        "problems": [],
    }
    order = np.argsort(-turns)[:_SHOWN].tolist()
    names = _names(samples, len(crops))
    values["worst"] = [{"image": names[i], "turn_deg": float(turns[i])} for i in order]
    tiles = [(names[i], float(turns[i]), head_tile(crops[i], here[i], there[i])) for i in order]
    page = _write_page(report, values, tiles)
    write_json(report, values)
    context.artifact("report", report)
    context.artifact("page", page)
    return values | {"report": str(report), "html": str(page)}


def _names(samples: Sequence[HeadSample], count: int) -> list[str]:
    return [s.name or s.picture.name for s in samples] or [str(n + 1) for n in range(count)]


def _turned(
    artifact: ModelArtifact,
    crops: Sequence[Picture],
    options: CompareOptions,
    context: JobContext,
    stage: str,
) -> tuple[dict[str, Any], Rotations]:
    started = time.perf_counter()
    with HeadPoser(artifact, device=options.device, precision=options.precision) as poser:
        loaded = (time.perf_counter() - started) * 1000
        found: list[Rotations] = []
        times: list[float] = []
        for number, crop in enumerate(crops, 1):
            context.check()
            begun = time.perf_counter()
            found.append(poser.rotations([crop]))
            times.append((time.perf_counter() - begun) * 1000)
            context.progress(stage, number, len(crops))
        values = {
            "path": str(artifact.weights),
            "engine": poser.engine.name,
            "device": poser.engine.device,
            "precision": poser.engine.precision,
            "stored": artifact.precision,
            "size_mb": round(bytes_on_disk(artifact) / 1e6, 3),
            "load_ms": round(loaded, 1),
            "ms_per_picture": round(median(times), 3),
            "ap": None,
        }
    return values, np.concatenate(found)


def _write_page(
    report: Path, values: Mapping[str, Any], tiles: Sequence[tuple[str, float, Picture]]
) -> Path:
    folder = report.with_name(f"{report.stem}_files")
    figures: list[str] = []
    with atomic_folder(folder, overwrite=True) as part:
        for number, (name, turn, tile) in enumerate(tiles, 1):
            write_image(part / f"{number:02d}.jpg", tile, quality=90)
            figures.append(
                f"<figure><img src='{folder.name}/{number:02d}.jpg' alt=''><figcaption>"
                f"{html.escape(name)} · {turn:.3f}°</figcaption></figure>"
            )
    rows = [("engine", "engine"), ("device", "device"), ("stored in", "stored"), ("computed in", "precision"),
            ("size, MB", "size_mb"), ("load, ms", "load_ms"), ("head, ms", "ms_per_picture")]  # fmt: skip
    a, b = values["a"], values["b"]
    sides = "".join(
        f"<tr><td>{title}<td>{html.escape(str(a[key]))}<td>{html.escape(str(b[key]))}"
        for title, key in rows
    )
    if values["geodesic"] is not None:
        errors = values["geodesic"]
        sides += f"<tr><td>mean geodesic error, °<td>{errors['a']:.3f}<td>{errors['b']:.3f}"
    turn = values["turn_deg"]
    page = report.with_suffix(".html")
    atomic_write_text(
        page,
        "<!doctype html><html lang=en><meta charset=utf-8><title>Comparison</title>"
        f"<style>{STYLE}</style><h1>{html.escape(named(a['path']))} and "
        f"{html.escape(named(b['path']))}</h1><p>{values['pictures']} heads of "
        f"{html.escape(values['data'])}; the turn between both is {turn['mean']:.3f}° on average, "
        f"{turn['p95']:.3f}° for 95 of 100, {turn['max']:.3f}° at most.</p>"
        f"<table><tr><th><th>first<th>second{sides}</table><h2>Heads that differ most</h2>"
        "<p class=muted>The first as a cube, the second as axes.</p>"
        f"<div class=grid>{''.join(figures)}</div></html>",
    )
    return page
