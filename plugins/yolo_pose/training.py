"""One training, from checked data to weights: a new run, or one that goes on."""

from __future__ import annotations

import dataclasses
import logging
from pathlib import Path
from typing import Any

import yaml

from studio.core.artifact import ModelArtifact
from studio.core.errors import DataError, FileProblem, ModelError
from studio.core.job import JobContext
from studio.io.files import atomic_write_text
from studio.io.model_json import save_artifact
from studio.ml.board import FOLDER as BOARD_FOLDER
from studio.ml.board import Board
from studio.ml.devices import AUTO
from studio.ml.failures import explained
from studio.ml.run_files import write_config
from studio.runtime.weights import find_weights

from .config import TrainOptions
from .data import write_pose_yaml
from .guard import ultralytics
from .loading import FAMILY, artifact_of, read_checkpoint
from .pictures import Pictures
from .preflight import Prepared
from .reporter import Reporter

DATA = "data.yaml"
# Below so many pictures a fine-tune without a rate of its own takes the gentle one.
FEW_PICTURES = 500
GENTLE_RATE = 1e-4
# Options of ours that ultralytics does not know under this name.
_OURS = frozenset(
    {"data", "dataset_root", "pretrained", "keypoints", "skeleton", "device", "lr0", "bf16"}
)
# What may differ when a run goes on; the rest of its course is as it was planned.
_MAY_CHANGE = frozenset({"device", "workers", "cache", "patience", "save_period"})


def train(
    options: TrainOptions, prepared: Prepared, context: JobContext, resume: Path | None = None
) -> ModelArtifact:
    """Train in `context.run_dir`; the artefact of the best weights.

    resume: the `last.pt` to go on from. Raises Cancelled, and StudioError for what a person can
    mend. A stop ends after the epoch in hand and returns as usual.
    """
    if context.run_dir is None or prepared.data is None:
        raise DataError("A training needs a run folder and checked data.")
    run_dir = context.run_dir
    ultralytics()
    context.progress("prepare", 0, 0)
    written = write_pose_yaml(prepared.data)
    if written is not None:
        context.artifact("data", written)
    data_yaml = run_dir / DATA
    text = yaml.safe_dump(prepared.data.to_yaml(), sort_keys=False, allow_unicode=True)
    atomic_write_text(data_yaml, text)
    overrides = library_words(_gentle(options, prepared, context), run_dir, data_yaml)
    if resume is not None:
        overrides = _resumed(overrides, resume)
    write_config(run_dir, FAMILY, _stored(options))
    with _Warnings(context):
        return _run(options, prepared, context, overrides, run_dir)


def _run(
    options: TrainOptions,
    prepared: Prepared,
    context: JobContext,
    overrides: dict[str, Any],
    run_dir: Path,
) -> ModelArtifact:
    from .trainer import Plan, StudioTrainer

    assert prepared.data is not None
    board = Board(run_dir)
    if not board.available:
        context.log("tensorboard is not installed: no TensorBoard files are written.")
    plan = Plan(
        data=prepared.data,
        items={split: checked.items for split, checked in prepared.splits.items()},
        known={
            "skeleton": prepared.data.skeleton.to_mapping(),
            "dataset_hash": prepared.data.dataset_hash,
            "parent": Path(options.pretrained).name,
        },
        epochs=options.epochs,
        bf16=options.bf16,
    )
    made: dict[str, ModelArtifact] = {}

    def saved(trainer: Any, metrics: dict[str, float]) -> None:
        made["best"] = _describe(trainer, metrics, plan)
        save_artifact(made["best"], run_dir)

    pictures = Pictures(context, run_dir, prepared.data.skeleton, plan.items["val"])
    reporter = Reporter(context, board, pictures, saved)
    try:
        trainer = StudioTrainer(plan, overrides, pictures.batch)
        reporter.attach(trainer)
        trainer.train()
    except Exception as error:
        raise _explained(error, options, context) from error
    finally:
        board.close()
    context.artifact("tensorboard", run_dir / BOARD_FOLDER)
    if "best" not in made:
        raise ModelError("The training ended before one epoch was whole.", where=run_dir)
    extra = {
        **made["best"].extra,
        "best_epoch": reporter.best_epoch,
        "epochs": trainer.epoch + 1,
    }
    return dataclasses.replace(made["best"], extra=extra)


def _gentle(options: TrainOptions, prepared: Prepared, context: JobContext) -> TrainOptions:
    """A small rate where trained weights meet few pictures and nothing was asked for.

    The library's own choice (AdamW at .002) took COCO's yolo11n-pose from AP .25 to .01 in the
    first steps on 18 pictures; at this rate it stays near where it began and adapts from there.
    """
    pictures = len(prepared.splits["train"].items) if "train" in prepared.splits else 0
    weights = find_weights(options.pretrained)
    trained = weights is not None and weights.suffix == ".pt"
    asked = options.lr0 is not None or options.optimizer != "auto"
    if asked or not trained or pictures >= FEW_PICTURES:
        return options
    context.log(
        f"Only {pictures} training pictures: the learning rate is {GENTLE_RATE:g}, so that what "
        "the weights know is kept. Give --lr0 for another."
    )
    return dataclasses.replace(options, optimizer="AdamW", lr0=GENTLE_RATE)


def library_words(options: TrainOptions, run_dir: Path, data_yaml: Path) -> dict[str, Any]:
    """The run in ultralytics' words."""
    given = {f.name: getattr(options, f.name) for f in options.fields() if f.name not in _OURS}
    given["freeze"] = options.freeze or None
    given["save_period"] = options.save_period or -1
    if options.lr0 is not None:
        given["lr0"] = options.lr0
        if options.optimizer == "auto":
            # "auto" would choose a rate of its own and drop the one asked for.
            given["optimizer"] = "AdamW" if options.lr0 < 5e-3 else "SGD"
    if given["optimizer"] != "SGD":
        # The library warms biases up from 0.1, which is SGD's: under Adam the first step then
        # undoes what good weights know.
        given["warmup_bias_lr"] = 0.0
    weights = find_weights(options.pretrained)
    return {
        **given,
        "model": str(weights or options.pretrained),
        "data": str(data_yaml),
        "device": "" if options.device == AUTO else options.device,
        "save_dir": str(run_dir),
        "exist_ok": True,
        "plots": False,
        "verbose": False,
        "mode": "train",
    }


def _resumed(overrides: dict[str, Any], last: Path) -> dict[str, Any]:
    kept = {k: v for k, v in overrides.items() if k in _MAY_CHANGE}
    return {
        **kept,
        "model": str(last),
        "resume": str(last),
        "data": overrides["data"],
        "save_dir": overrides["save_dir"],
        "plots": False,
    }


def check_resumable(last: Path, epochs: int | None) -> int:
    """How many epochs the run of `last` has done; DataError where nothing is left to do."""
    _, checkpoint = read_checkpoint(last)
    done = int(checkpoint.get("epoch", -1)) + 1
    planned = int((checkpoint.get("train_args") or {}).get("epochs", 0))
    if checkpoint.get("optimizer") is None or done < 1:
        raise ModelError(
            "These weights hold no state to resume from.",
            where=last,
            hint="Start a new training from them with --pretrained.",
        )
    if done >= max(planned, epochs or 0):
        raise DataError(
            f"This run is finished: {done} of {planned} epochs.",
            where=last,
            hint=f"Give --epochs with more than {done} to go on with it.",
        )
    return done


def _stored(options: TrainOptions) -> dict[str, Any]:
    """Every option as it was used, paths so that they hold from anywhere."""
    values = options.to_mapping()
    for name in ("data", "dataset_root"):
        if name in values:
            values[name] = str(Path(values[name]).expanduser().absolute())
    weights = find_weights(options.pretrained)
    if weights is not None:
        values["pretrained"] = str(weights)
    return values


def _describe(trainer: Any, metrics: dict[str, float], plan: Any) -> ModelArtifact:
    from ultralytics.utils.torch_utils import unwrap_model

    model = unwrap_model(trainer.model)
    checkpoint = {"train_args": {"imgsz": trainer.args.imgsz}}
    artifact = artifact_of(model, checkpoint, Path(trainer.best))
    return dataclasses.replace(
        artifact,
        skeleton=plan.data.skeleton,
        categories=plan.data.categories,
        metrics=metrics,
    )


def _explained(error: Exception, options: TrainOptions, context: JobContext) -> Exception:
    text = str(error)
    if isinstance(error, FileNotFoundError) and "Image Not Found" in text:
        place = text.removeprefix("Image Not Found").strip()
        return FileProblem("A picture cannot be decoded.", where=place, hint="Take it out.")
    size = f"{options.imgsz} pixels"
    return explained(error, context, batch=options.batch, size=size, smaller="--imgsz")


class _Warnings(logging.Handler):
    """ultralytics' warnings as log events while a training runs; the host tells the studio's."""

    def __init__(self, context: JobContext) -> None:
        super().__init__(logging.WARNING)
        self._context = context
        self._logger = logging.getLogger("ultralytics")

    def emit(self, record: logging.LogRecord) -> None:
        """One record, one event."""
        level = "error" if record.levelno >= logging.ERROR else "warning"
        self._context.log(record.getMessage().strip(), level)

    def __enter__(self) -> _Warnings:
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
