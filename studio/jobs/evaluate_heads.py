"""Heads judged by their angles: the artefact is run on every crop of a head-pose set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.job import JobContext
from studio.core.requests.evaluate import EvaluateOptions
from studio.io.headpose_set import load_heads
from studio.jobs.evaluate import Judged, model_of
from studio.jobs.evaluate_page import SHOWN, Drawn, draw_pairs
from studio.jobs.report_values import head_values
from studio.metrics.heads import AXES, HeadSample, JudgedHead, evaluate_heads
from studio.runtime.head_pose import HeadPoser

Picture = npt.NDArray[np.uint8]
FloatArray = npt.NDArray[np.float64]


def judge_heads(artifact: ModelArtifact, options: EvaluateOptions, context: JobContext) -> Judged:
    """Raises ModelError, DataError, FileProblem, FormatError."""
    samples = samples_of(options.data, options.split)

    def progress(done: int, total: int) -> None:
        context.check()
        context.progress("judge", done, total)

    poser = HeadPoser(artifact, device=options.device, precision=options.precision)
    try:
        judged = evaluate_heads(
            samples, lambda frames, mine: _turn(poser, frames, mine), progress=progress
        )
    finally:
        poser.close()
    values = head_values(
        judged,
        model=model_of(artifact),
        settings={"precision": options.precision, "device": options.device},
        pictures=options.pictures,
    )
    values["dataset"] = {
        "path": str(options.data.absolute()),
        "split": options.split,
        "pictures": len({h.picture for h in judged.heads}),
        "people": len(judged.heads),
    }
    return Judged(values, [_drawn(h) for h in judged.heads[:SHOWN]], judged.problems)


def samples_of(data: Path, split: str) -> Sequence[HeadSample]:
    """The heads of one side; a set without sides is judged whole. Raises StudioError."""
    found = load_heads(data)
    return found.samples if split == "all" else found.side(split)


def _turn(poser: HeadPoser, frames: Sequence[Picture], samples: Sequence[HeadSample]) -> FloatArray:
    """Crops are looked at together, heads inside of pictures one after the other."""
    out = np.zeros((len(frames), 3, 3))
    crops = [i for i, s in enumerate(samples) if s.box is None]
    if crops:
        out[crops] = poser.rotations([frames[i] for i in crops])
    for i, sample in enumerate(samples):
        if sample.box is not None:
            box = np.asarray(sample.box, np.float32).reshape(1, 4)
            out[i] = poser.of_boxes(frames[i], box)[0]
    return out


def _drawn(head: JudgedHead) -> Drawn:
    truth, found = ([f"{v:.0f}" for v in row] for row in head.angles)
    caption = (
        f"{head.geodesic:.1f}° off · yaw, pitch, roll {', '.join(truth)} labelled, "
        f"{', '.join(found)} found"
    )
    pair = (head.axes(found=False), head.axes(found=True))
    return Drawn(head.picture, caption, lambda frame: draw_pairs(frame, [pair], AXES))
