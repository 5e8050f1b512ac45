"""Train the sample weights from nothing, with the studio's own commands and on drawn people alone.

    python installer/train_sample_weights.py --work /tmp/weights

makes a project of synthetic people, converts it, trains yolo-pose from its YAML in stages (small
pictures first, they go faster; then the size the weights are meant for), judges the result on
people drawn from another seed, and puts it into `resources/sample/weights`. A stage that is
finished in the work folder is not done again.
"""

from __future__ import annotations

import argparse
import importlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WEIGHTS = ROOT / "resources" / "sample" / "weights"
NAME = "sample-pose.pt"
LARGEST = 8_000_000
HELD_OUT_SEED = 90_000


@dataclass(frozen=True)
class Stage:
    """One training. `size` in pixels, the rate at its start; `start` is the stage that it goes on
    from, or a YAML to start from nothing.
    """

    name: str
    size: int
    epochs: int
    rate: float
    start: str


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all steps; the exit status is 0 where the weights stand in their place."""
    options = _parser().parse_args(arguments)
    work: Path = options.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    data = draw(work / "people", options.pictures, seed=options.seed, ratio=0.97)
    stages = (
        Stage("small", options.small, options.small_epochs, 0.0014, "yolo11n-pose.yaml"),
        Stage("full", options.size, options.epochs, 0.0006, "small"),
        Stage("last", options.size, options.last_epochs, 0.0004, "full"),
    )
    stages = tuple(stage for stage in stages if stage.epochs > 0)
    runs = [train(work, data, stage) for stage in stages]
    judged = draw(work / "held_out", options.judged, seed=HELD_OUT_SEED, ratio=0.5)
    report = work / "report" / "report.json"
    studio("evaluate", "--model", runs[-1], "--data", judged, "--split", "all", "--out", report)
    figures = json.loads(report.read_text(encoding="utf-8"))
    minutes = sum(duration(run) for run in runs) / 60
    publish(runs[-1], figures, options.out.resolve(), stages, options.pictures, minutes)
    return 0


def studio(*command: object) -> None:
    """Run one of the studio's commands. Raises CalledProcessError where it fails."""
    told = [sys.executable, "-m", "studio", *(str(part) for part in command)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    print("+", *told[2:], flush=True)
    subprocess.run(told, check=True, env=environment, cwd=ROOT)


def draw(folder: Path, pictures: int, *, seed: int, ratio: float) -> Path:
    """Draw people and convert them; the dataset's folder."""
    project, data = folder / "project", folder / "dataset"
    if not project.exists():
        studio(
            "sample", "--out", project, "--pictures", pictures, "--clips", 0, "--no-photos",
            "--size", 320, "--seed", seed,
        )  # fmt: skip
    if not data.exists():
        studio(
            "convert", "--input", project / "pictures", "--output", data,
            "--to", "coco,yolo", "--ratio", ratio,
        )  # fmt: skip
    return data


def train(work: Path, data: Path, stage: Stage) -> Path:
    """Train one stage through the studio's job; the run's folder."""
    runs = work / "runs" / "yolo-pose"
    run, earlier = runs / stage.name, runs / stage.start / "weights" / "best.pt"
    start = earlier if earlier.is_file() else stage.start
    if (run / "model.json").is_file():
        return run
    # A step at every small batch: from nothing, many small steps do more than few large ones.
    studio(
        "train", "yolo-pose", "--data", data, "--output", work / "runs", "--name", stage.name,
        "--exist-ok", "--pretrained", start, "--imgsz", stage.size,
        "--epochs", stage.epochs, "--batch", 8, "--nbs", 8, "--device", "cpu",
        "--optimizer", "AdamW", "--lr0", stage.rate, "--cos-lr", "--warmup-epochs", 1,
        "--mosaic", 0, "--scale", 0.3, "--patience", 0, "--cache",
    )  # fmt: skip
    return run


def duration(run: Path) -> float:
    """Seconds from a run's first event to its last."""
    lines = (run / "events.jsonl").read_text(encoding="utf-8").splitlines()
    return json.loads(lines[-1])["t"] - json.loads(lines[0])["t"]


def publish(
    run: Path,
    figures: dict[str, object],
    out: Path,
    stages: Sequence[Stage],
    pictures: int,
    minutes: float,
) -> None:
    """Put the weights, their model.json and a README into `out`."""
    sys.path.insert(0, str(ROOT))
    from studio.io.files import atomic_write_bytes, atomic_write_text
    from studio.runtime.artifacts import load_artifact, save_artifact

    artifact = load_artifact(run)
    weights = without_places(artifact.weights)
    if len(weights) > LARGEST:
        raise SystemExit(f"The weights have {len(weights)} bytes; at most {LARGEST} are allowed.")
    metrics = figures["metrics"]
    assert isinstance(metrics, dict)
    atomic_write_bytes(out / NAME, weights)
    kept = {k: round(float(v), 4) for k, v in metrics.items() if isinstance(v, int | float)}
    # Paths of the machine that trained are of no use to anybody else.
    clean = {k: v for k, v in artifact.extra.items() if k in ("best_epoch", "epochs")}
    save_artifact(
        replace(
            artifact, weights=out / NAME, metrics=kept, parent=None, precision="fp16", extra=clean
        ),
        out,
    )
    atomic_write_text(out / "README.md", readme(kept, stages, pictures, minutes, len(weights)))


def without_places(path: Path) -> bytes:
    """The checkpoint without the paths and names of the machine that trained it."""
    import torch

    importlib.import_module("studio.plugins.yolo_pose.guard").ultralytics()
    # Our own file, made a moment ago; it holds the model as an object.
    checkpoint = torch.load(path, map_location="cpu", weights_only=False)
    checkpoint["git"] = None
    checkpoint["train_args"] = {k: _bare(v) for k, v in checkpoint["train_args"].items()}
    for model in (checkpoint["model"], checkpoint.get("ema")):
        for name, value in vars(model).items() if model is not None else ():
            if name in ("args", "yaml"):
                table = value if isinstance(value, dict) else vars(value)
                setattr(model, name, {k: _bare(v) for k, v in table.items()})
            elif isinstance(value, str | Path):
                setattr(model, name, _bare(value))
    stream = io.BytesIO()
    torch.save(checkpoint, stream)
    return stream.getvalue()


def _bare(value: object) -> object:
    """A path as its last part; anything else as it is."""
    text = str(value) if isinstance(value, str | Path) else ""
    return Path(text).name if Path(text).is_absolute() else value


def readme(
    metrics: dict[str, float],
    stages: Sequence[Stage],
    pictures: int,
    minutes: float,
    size: int,
) -> str:
    """What the weights are and are not, with the figures measured."""
    rows = "\n".join(f"| {name} | {value:.4f} |" for name, value in metrics.items())
    course = "\n".join(
        f"- {s.name}: {s.epochs} epochs at {s.size} px, rate {s.rate:g}" for s in stages
    )
    return f"""# Sample weights

`{NAME}` ({size / 1e6:.1f} MB, half precision) finds the people that the studio's own generator
draws: it lets Live, `predict` and `demo` work on a machine without network. It has seen drawn
people only; for photographs train on photographs, or start from weights that have seen them.

A YOLO11n-pose of 17 COCO joints, trained by the studio from random weights with
`python installer/train_sample_weights.py` on {pictures} drawn pictures:

{course}

Training took {minutes:.0f} minutes on a part of one CPU core of a busy machine. Judged on drawn people
of another seed (OKS, COCO's sigmas):

| | |
|---|---|
{rows}
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="folder for data and runs")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go")
    parser.add_argument("--pictures", type=int, default=3600, help="drawn pictures to train with")
    parser.add_argument("--judged", type=int, default=300, help="drawn pictures to judge with")
    parser.add_argument("--small", type=int, default=160, help="picture size of the first stage")
    parser.add_argument("--small-epochs", type=int, default=12)
    parser.add_argument("--size", type=int, default=256, help="picture size of the second stage")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--last-epochs", type=int, default=0, help="of a third stage")
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
