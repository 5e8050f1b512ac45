"""Files: 20,000 labelme files converted per second, beside labelme2coco and labelme2yolo, and one
annotation saved.

The peers are looked for in the virtual environment that `POSE_STUDIO_PEERS` names:

    python -m venv peers
    peers/bin/pip install --no-deps labelme2coco==0.2.6 labelme2yolo==0.4.0 sahi==0.11.18
    peers/bin/pip install "numpy<2" "opencv-python-headless<=4.9.0.80" torch shapely tqdm pillow \\
        pybboxes==0.1.6 pyyaml fire terminaltables requests click jsonschema

labelme2yolo is one compiled program; the rest is what labelme2coco's sahi imports. Where a peer is
not there or does not run, the figures stand alone, and that is said. Everything is measured from
the start of the process to its end, in its own new folder (ext4 is slow to make files where many
were just removed), with nothing of earlier runs still to be written to the disk.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from studio.io import labelme
from studio.io.images import decode_image, write_image
from studio.io.skeletons import load_skeleton
from tests.benchmarks import ROOT, SHARED, Report, median_seconds

COUNT = 20_000
# What one annotation weighs on average, in bytes.
WEIGHT = 17_000
# The peers are slow, and copies of real photographs large: these are compared on fewer too.
FEW = 3000
# Bytes that 20,000 photographs take, once and four times as copies.
ROOM = 20 << 30


def run(report: Report) -> None:
    """Both formats with links; then copies of photographs, beside the peers."""
    with tempfile.TemporaryDirectory(prefix="pose-studio-bench-") as text:
        folder = Path(text)
        _fill(folder / "many", COUNT, small=True)
        for formats in (("coco", "yolo"), ("coco",), ("yolo",)):
            wall, busy = _ours(folder / "many", folder / "-".join(formats), formats)
            name = f"{COUNT} labelme files to {' and '.join(formats)}, linked"
            note = f"load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
            report.add(name, COUNT / wall, "files/s", at_least=3000, note=note)
            report.add("its processor time", 1e3 * busy / COUNT, "ms/file")
        _fill(folder / "few", FEW, small=False)
        _beside_the_peers(report, folder)
        _save(report, folder / "few")


def _beside_the_peers(report: Report, folder: Path) -> None:
    peers = Path(os.environ.get("POSE_STUDIO_PEERS", "")) / "bin"
    _copied(report, folder / "few", FEW, peers)
    free = shutil.disk_usage(folder).free
    if free > 2 * ROOM:
        _fill(folder / "all", COUNT, small=False)
        _copied(report, folder / "all", COUNT, peers)
    else:
        report.say(f"{COUNT} copies need {2 * ROOM >> 30} GB of free space; {free >> 30} GB are.")
    wall, busy = _ours(folder / "few", folder / "linked", ("coco",))
    command = [str(peers / "labelme2coco"), str(folder / "few"), "--export_dir"]
    other = _peer([*command, str(folder / "peer-coco")])
    peer = "labelme2coco 0.2.6 (no pictures)"
    _compare(
        report, f"{FEW} files with photographs to coco, linked", FEW, (wall, busy), peer, other
    )


def _copied(report: Report, source: Path, count: int, peers: Path) -> None:
    """Both twice, in both orders: the first finds more of the memory free than the second."""
    ours = theirs = (0.0, 0.0)
    problem = ""
    for number, order in enumerate(("ours", "peer", "peer", "ours")):
        out = source.with_name(f"{source.name}-{number}")
        if order == "ours":
            ours = _sum(ours, _ours(source, out, ("yolo",), "--images", "copy"))
        elif not problem:
            told = _peer([str(peers / "labelme2yolo"), "-d", str(source), "-o", str(out)])
            if isinstance(told, str):
                problem = told
            else:
                theirs = _sum(theirs, told)
    name = f"{count} files with photographs to yolo, copied"
    _compare(report, name, 2 * count, ours, "labelme2yolo 0.4.0", problem or theirs)


def _sum(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    return a[0] + b[0], a[1] + b[1]


def _peer(command: Sequence[str]) -> tuple[float, float] | str:
    """Its wall and processor seconds, or why it was not run."""
    if not Path(command[0]).is_file():
        return "not there, see POSE_STUDIO_PEERS"
    try:
        return _timed(command, environment={"LOGLEVEL": "ERROR"})
    except RuntimeError as error:
        return f"does not run: {str(error).strip().splitlines()[-1]}"


def _compare(
    report: Report,
    name: str,
    count: int,
    ours: tuple[float, float],
    peer: str,
    told: tuple[float, float] | str,
) -> None:
    note = f"{1e3 * ours[1] / count:.2f} ms/file of processor time"
    if isinstance(told, str):
        report.add(name, count / ours[0], "files/s", peer=f"{peer}: {told}", note=note)
        return
    rate = f"{peer}: {count / told[0]:.0f} files/s, {1e3 * told[1] / count:.2f} ms/file"
    report.add(name, count / ours[0], "files/s", peer=rate, note=note)
    report.add(f"{name}, of the peer's speed", told[0] / ours[0], "x", at_least=1.0)


def _ours(folder: Path, out: Path, formats: Sequence[str], *more: str) -> tuple[float, float]:
    command = [sys.executable, "-m", "studio", "convert", "--input", str(folder), "--output"]
    return _timed([*command, str(out), "--to", ",".join(formats), "--json", *more])


def _timed(
    command: Sequence[str], environment: dict[str, str] | None = None
) -> tuple[float, float]:
    """Wall and processor seconds of a whole process, helpers included."""
    if hasattr(os, "sync"):
        os.sync()
    before, begin = os.times(), time.perf_counter()
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, check=False, env=os.environ | (environment or {})
    )
    wall, after = time.perf_counter() - begin, os.times()
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr.decode()[-1000:]}")
    busy = after.children_user + after.children_system
    return wall, busy - before.children_user - before.children_system


def _fill(folder: Path, count: int, *, small: bool) -> None:
    """Real annotations with their photographs, or plain pictures of the same size; one drawn by us
    where the shared data is absent.
    """
    folder.mkdir()
    sources = sorted((SHARED / "labelme_people").glob("*.json"))
    pictures = {p: p.with_suffix(".jpg").read_bytes() for p in sources}
    if not sources:
        sources = [_own(folder.parent / "own.json")]
        pictures = {sources[0]: (folder.parent / "own.jpg").read_bytes()}
    if small:
        for path, data in pictures.items():
            plain = folder.parent / f"{path.stem}.jpg"
            height, width = decode_image(data).shape[:2]
            write_image(plain, np.full((height, width, 3), 90, np.uint8))
            pictures[path] = plain.read_bytes()
    texts = {p: p.read_text() for p in sources}
    weights = {p: len(text.encode()) for p, text in texts.items()}
    for number, source in enumerate(itertools.islice(_turns(weights), count)):
        name = f"f{number:05}"
        (folder / f"{name}.jpg").write_bytes(pictures[source])
        text = texts[source].replace(f"{source.stem}.jpg", f"{name}.jpg")
        (folder / f"{name}.json").write_text(text)


def _turns(weights: Mapping[Path, int]) -> Generator[Path, None, None]:
    """The files in turn; a heavy one waits until the average stays at `WEIGHT` with it."""
    total = count = 0
    least = min(weights.values())
    for path in itertools.cycle(weights):
        if weights[path] > least and total + weights[path] > WEIGHT * (count + 1):
            continue
        total, count = total + weights[path], count + 1
        yield path


def _own(path: Path) -> Path:
    """Five people with all joints and an outline of 60 corners."""
    from studio.core.annotation import Shape

    skeleton, rng = load_skeleton("coco17"), np.random.default_rng(0)
    picture = path.with_suffix(".jpg")
    write_image(picture, rng.integers(0, 255, (480, 640, 3), dtype=np.uint8))
    shapes: list[Shape] = []
    for group in range(1, 6):
        outline = rng.uniform(20, 400, (60, 2)).round(2).tolist()
        shapes.append(Shape("person", "polygon", tuple((x, y) for x, y in outline), group))
        points = rng.uniform(20, 400, (len(skeleton), 2)).round(2).tolist()
        pairs = zip(skeleton.keypoints, points, strict=True)
        shapes += [Shape(name, "point", ((x, y),), group) for name, (x, y) in pairs]
    image = labelme.new_image(picture, (640, 480))
    labelme.write(path, replace(image, shapes=tuple(shapes)))
    return path


def _save(report: Report, folder: Path) -> None:
    path = min(folder.glob("*.json"))
    image = labelme.read(path)
    report.add("reading one annotation", 1e3 * median_seconds(lambda: labelme.read(path)), "ms")
    seconds = median_seconds(lambda: labelme.write(path, image))
    report.add("saving one annotation", 1e3 * seconds, "ms", at_most=16)


if __name__ == "__main__":
    run(Report(print))
