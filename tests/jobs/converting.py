"""Conversions by tests: labelled pictures, the job itself, what it wrote."""

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from studio.core.annotation import shapes_of
from studio.core.job import JobContext, JobEvent
from studio.core.requests.convert import ConvertOptions
from studio.io import labelme
from studio.jobs import convert
from tests.io.data import small_picture
from tests.io.people import SKELETON
from tests.io.test_coco import example


@dataclass
class Cancel:
    """A person who cancels at the n-th question, or does not."""

    after: int = -1
    stop_requested: bool = False

    @property
    def cancel_requested(self) -> bool:
        self.after -= 1
        return self.after == 0 or self.after < -(10**9)

    def take_values(self) -> dict[str, Any]:
        return {}


def run(
    inputs: Path | list[Path], output: Path, control: Any = None, **values: Any
) -> tuple[dict[str, Any], list[JobEvent]]:
    listed = inputs if isinstance(inputs, list) else [inputs]
    options = ConvertOptions(input=tuple(listed), output=output, **values).validated()
    events: list[JobEvent] = []
    context = JobContext(events.append, control or Cancel())
    return convert.run(options, context), events


def make_pictures(
    folder: Path, count: int, *, name: Callable[[int], str] = "p{:03}".format
) -> Path:
    for number in range(count):
        picture = small_picture(folder / f"{name(number)}.png", (200, 160))
        image = labelme.new_image(picture, (200, 160))
        shapes = shapes_of(example(), SKELETON, number)
        labelme.write(labelme.annotation_path(picture), replace(image, shapes=shapes))
    return folder


def description(dataset: Path) -> dict[str, Any]:
    return json.loads((dataset / "dataset.json").read_text())


def problems(dataset: Path) -> list[dict[str, str]]:
    with (dataset / "problems.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def everything(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*"))


def damage(folder: Path) -> dict[str, str]:
    """One of each: what the file is called and what must be said of it."""
    whole = (folder / "p000.json").read_text()
    (folder / "p001.json").write_text(whole[: len(whole) // 2])
    (folder / "p002.png").write_bytes((folder / "p002.png").read_bytes()[:60])
    (folder / "p003.png").unlink()
    (folder / "p004.json").write_text(whole.replace("100.25", "NaN"))
    (folder / "p005.json").write_text(whole.replace("p000.png", "p005.png").replace("200", "999"))
    (folder / "p006.json").write_text('{"info": [], "images": []}')
    (folder / "p007.json").write_text(
        whole.replace("p000.png", "p007.png").replace('"person"', '"dog"').replace("nose", "tail")
        .replace("left_eye", "x").replace("right_eye", "y")
    )  # fmt: skip
    (folder / "p008.json").write_text(
        whole.replace("p000.png", "p008.png").replace(
            '"flags": {}', '"flags": {}, "source": "m"', 2
        )
    )
    return {
        "p001.json": "ends too early",
        "p002.json": "cut short",
        "p003.json": "not there",
        "p004.json": "not finite",
        "p005.json": "999",
        "p006.json": "no labelme file",
        "p007.json": "fits the skeleton",
        "p008.json": "wait to be accepted",
    }
