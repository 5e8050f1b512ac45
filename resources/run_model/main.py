"""Pictures and videos in, drawn ones and predictions.json out."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from .base import HERE, Picture, Row

PICTURES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


def read_picture(path: Path) -> Picture:
    """(H, W, 3) uint8 BGR, upright."""
    picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        raise SystemExit(f"{path} is no picture.")
    return np.asarray(picture, np.uint8)


def film(source: str, fps: list[float]) -> Iterator[Picture]:
    """The frames of a video file, a stream, or the camera of a number."""
    capture = cv2.VideoCapture(int(source) if source.isdigit() else source)
    if not capture.isOpened():
        raise SystemExit(f"{source} cannot be opened.")
    fps.append(capture.get(cv2.CAP_PROP_FPS) or 25.0)
    try:
        while True:
            there, frame = capture.read()
            if not there:
                return
            yield np.asarray(frame, np.uint8)
    except KeyboardInterrupt:
        return
    finally:
        capture.release()


def look_at_pictures(looker: Any, paths: list[Path], boxes: Any, out: Path) -> list[Row]:
    """One drawn picture each."""
    rows: list[Row] = []
    for path in paths:
        frame = read_picture(path)
        found = looker.look(frame, boxes)
        looker.draw(frame, found)
        kind = path.suffix if path.suffix.lower() in (".jpg", ".jpeg", ".png") else ".png"
        cv2.imencode(kind, frame)[1].tofile(out / path.with_suffix(kind).name)
        rows += [{"image": path.name, **row} for row in found]
        print(f"{path.name}: {len(found)}")  # noqa: T201
    return rows


def look_at_film(looker: Any, source: str, boxes: Any, out: Path) -> list[Row]:
    """All frames drawn into result.mp4; Ctrl-C ends a camera."""
    rows: list[Row] = []
    fps: list[float] = []
    writer: Any = None
    for number, frame in enumerate(film(source, fps)):
        found = looker.look(frame, boxes)
        looker.draw(frame, found)
        if writer is None:
            code, size = cv2.VideoWriter.fourcc(*"mp4v"), (frame.shape[1], frame.shape[0])
            writer = cv2.VideoWriter(str(out / "result.mp4"), code, fps[0], size)
        writer.write(frame)
        rows += [{"image": Path(source).name, "frame": number, **row} for row in found]
    if writer is not None:
        writer.release()
    return rows


def main(network: Any, looker: Any) -> int:
    """Read the command line and go."""
    parser = argparse.ArgumentParser(description="Runs the model that stands beside this file.")
    parser.add_argument("--source", required=True, help="picture, folder, video, stream or camera")
    parser.add_argument("--out", type=Path, default=HERE / "out", help="where results go")
    parser.add_argument("--conf", type=float, default=0.25, help="the least score that counts")
    boxes = "a person's or head's box; give it again for each"
    parser.add_argument("--box", action="append", default=[], metavar="X,Y,W,H", help=boxes)
    parser.add_argument("--device", default="", help="as the engine calls it")
    asked = parser.parse_args()
    boxes = [[float(v) for v in box.split(",")] for box in asked.box]
    asked.out.mkdir(parents=True, exist_ok=True)
    ready, path = looker(network(asked.device), asked.conf), Path(asked.source)
    paths = sorted(path.iterdir()) if path.is_dir() else [path]
    paths = [p for p in paths if p.suffix.lower() in PICTURES]
    if paths:
        rows = look_at_pictures(ready, paths, boxes, asked.out)
    elif path.is_dir():
        raise SystemExit(f"{path} holds no pictures.")
    else:
        rows = look_at_film(ready, asked.source, boxes, asked.out)
    (asked.out / "predictions.json").write_text(json.dumps(rows, indent=1), encoding="utf-8")
    print(f"{len(rows)} found; see {asked.out}")  # noqa: T201
    return 0
