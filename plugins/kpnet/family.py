"""The family that the registry offers: every heavy import happens inside a method."""

from __future__ import annotations

import dataclasses
import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError, Problem, StudioError, UsageError
from studio.core.job import JobContext
from studio.io.video_keypoints import VideoSet, crowded, read_video_set, rows_text
from studio.ml.family import LoopFamily, Prepared

from .config import FAMILY, USUAL_CHANNELS, USUAL_SIDE, TrainOptions, both_sides

if TYPE_CHECKING:
    from torch import nn

    from .frames import Frame
    from .network import Shape

_NEEDED_BYTES = 1_000_000_000


class KpNetFamily(LoopFamily):
    """See `studio.ml.family.LoopFamily`."""

    id: ClassVar[str] = FAMILY
    more_epochs: ClassVar[bool] = True

    def prepare(
        self, options: TrainOptions, context: JobContext | None, resume: Path | None
    ) -> Prepared:
        """Read every row of both sides and the weights' own description; change nothing."""
        problems: list[Problem] = []
        sets = _sets(options, problems, context)
        if not sets or any(p.severity == "error" for p in problems):
            return Prepared(None, problems)
        try:
            return _prepared(options, sets, resume, problems)
        except StudioError as error:
            return Prepared(None, [*problems, _as_problem(error)])

    def train(self, options: Any, context: JobContext, resume: Path | None = None) -> ModelArtifact:
        """As every family on the loop; the motion store is filled first."""
        task: Any = self._prepare(options, context, resume).task
        if task is not None and options.flow_cache is not None:
            task.fill_store(context)
        return super().train(options, context, resume)

    def network(self, artifact: ModelArtifact) -> nn.Module:
        """The network that gives logits; see `load_torch` for what is run."""
        from .network import KpNet

        return KpNet(shape_of(artifact))

    def load_torch(self, artifact: ModelArtifact, device: str = "cpu") -> nn.Module:
        """(N, C, H, W) float32 in; heatmaps, visibility and regions as probabilities out."""
        from .network import Deployed

        weight = float(artifact.extra.get("hm_pos_weight", 1.0))
        network: Any = super().load_torch(artifact, device)
        return Deployed(network, weight).eval()


def shape_of(artifact: ModelArtifact) -> Shape:
    """What decides the tensors of an artefact's network. Raises ModelError."""
    from .network import Shape

    try:
        return Shape.from_mapping(
            artifact.extra, artifact.input.channels, len(artifact.skeleton.keypoints)
        )
    except ModelError as error:
        raise ModelError(error.message, where=artifact.weights) from error


def _sets(
    options: TrainOptions, problems: list[Problem], context: JobContext | None
) -> dict[str, VideoSet]:
    """Both sides as far as they can be read; what is wrong is in `problems`."""
    if options.data is None:
        hint = "Give --data, a folder with train/ and val/."
        problems.append(Problem("No dataset was given.", "data", hint=hint))
        return {}
    sets: dict[str, VideoSet] = {}
    for number, side in enumerate(("train", "val")):
        if context is not None:
            context.check()
            context.progress("check", number, 2)
        try:
            sets[side] = read_video_set(options.data.expanduser(), side, problems.append)
        except StudioError as error:
            problems.append(_as_problem(error))
            return {}
        problems += crowded(sets[side].videos)
        problems += _missing_pictures(sets[side])
    if sets["train"].parts != sets["val"].parts:
        text = "The classes of train and val differ."
        problems.append(Problem(text, str(sets["train"].root)))
    return sets


def _missing_pictures(found: VideoSet) -> list[Problem]:
    missing = [(v.name, n) for v in found.videos for n, picture in v.frames if picture is None]
    if not missing:
        return []
    video, number = missing[0]
    text = (
        f"{len(missing)} labelled frames of {found.split} have no picture, the first is frame "
        f"{number} of {video}: they are left out."
    )
    return [Problem(text, str(found.root), severity="warning")]


def _prepared(
    options: TrainOptions,
    sets: dict[str, VideoSet],
    resume: Path | None,
    problems: list[Problem],
) -> Prepared:
    from .data import Look, Moves, mirrored_classes
    from .frames import frames_of, mask_problems, masks_folder, seg_classes
    from .task import KpTask

    train = sets["train"]
    folder = masks_folder(options.masks, train.root)
    frames = {side: frames_of(s, options.motion_gap, folder) for side, s in sets.items()}
    for side, listed in frames.items():
        if not listed:
            problems.append(Problem(f"No frame of {side} is labelled.", str(train.root)))
            return Prepared(None, problems)
    start = _weights_file(options.init) if options.init and resume is None else None
    known = _start_artifact(resume or start)
    classes = seg_classes(folder, frames["train"])
    if known is not None:
        classes = tuple(known.extra.get("seg_classes", ())) or classes
    shape, size = _shape(options, known, len(train.skeleton), len(classes))
    problems += mask_problems(frames["train"], len(classes))
    problems += _advice(options, frames, classes, known, train)
    plain = options.resize_only
    look = Look(
        size=size,
        heatmap=shape.heatmap,
        channels=shape.channels,
        motion=options.motion,
        sigma=options.sigma,
        consistent=options.consistent,
        flow_cache=options.flow_cache,
        keep=options.cache,
    )
    moves = Moves(
        rotation=options.aug_rotate_deg,
        flip=0.0 if plain else options.flip,
        scale=0.0 if plain else options.scale,
        shift=0.0 if plain else options.shift,
        color=0.0 if plain else options.color,
        flip_idx=train.skeleton.flip_idx,
        flip_classes=mirrored_classes(classes),
    )
    task = KpTask(
        options=options,
        shape=shape,
        look=look,
        parts=train.parts,
        skeleton=train.skeleton,
        classes=classes,
        frames=frames,
        moves=moves,
        dataset_hash=_digest(sets),
        start=start,
        backbone_weights=options.backbone_weights if resume is None else None,
    )
    return Prepared(task, problems)


def _weights_file(text: str) -> Path:
    """The file that a run's folder, or a name in it, stands for. Raises ModelError, FileProblem."""
    from studio.runtime.artifacts import load_artifact

    path = Path(text).expanduser()
    weights = path if path.is_file() else load_artifact(path).weights
    if weights.suffix not in (".pt", ".pth"):
        raise ModelError(
            "A training starts from .pt weights, not from an export.",
            where=weights,
            hint="Give the run's folder or its weights/best.pt.",
        )
    return weights.absolute()


def _start_artifact(path: Path | None) -> ModelArtifact | None:
    """What the weights that the training starts from say of themselves, where they do."""
    from studio.ml.checkpoints import check_family, read_weights

    if path is None:
        return None
    weights = read_weights(path)
    check_family(weights, FAMILY)
    return weights.described() if weights.family else None


def _shape(
    options: TrainOptions, known: ModelArtifact | None, joints: int, classes: int
) -> tuple[Shape, tuple[int, int]]:
    """The network's shape and the frames' size: what the weights to start from say, else what is
    asked. Raises UsageError where both speak and differ, ModelError for another number of joints.
    """
    from .network import Shape, stages_for

    if known is None:
        size = both_sides(options.image_size or (USUAL_SIDE,))
        heatmap = both_sides(options.heatmap_size or (size[0] // 4, size[1] // 4))
        channels = options.in_chans or USUAL_CHANNELS
        stages = stages_for(size, heatmap)
        made = Shape(options.backbone, channels, joints, heatmap, stages, options.width, classes)
        return made, size
    own = shape_of(known)
    asked = both_sides(options.heatmap_size) if options.heatmap_size else own.heatmap
    for flag, wanted, has in (
        ("heatmap_size", asked, own.heatmap),
        ("in_chans", options.in_chans or own.channels, own.channels),
    ):
        if wanted != has:
            raise UsageError(
                f"These weights were trained with {_written(has)}, not with {_written(wanted)}.",
                where=flag,
                hint=f"Leave --{flag.replace('_', '-')} out: the weights know it.",
            )
    if own.joints != joints:
        raise ModelError(
            f"These weights have {own.joints} joints; the dataset has {joints}.",
            where=known.weights,
            hint="Start from weights of the same classes, or from nothing.",
        )
    size = both_sides(options.image_size) if options.image_size else known.input.size
    return dataclasses.replace(own, seg_classes=own.seg_classes or classes), size


def _written(value: int | tuple[int, int]) -> str:
    return str(value) if isinstance(value, int) else f"{value[0]},{value[1]}"


def _advice(
    options: TrainOptions,
    frames: Mapping[str, Sequence[Frame]],
    classes: Sequence[str],
    known: ModelArtifact | None,
    train: VideoSet,
) -> list[Problem]:
    """What does not stop the training, but is probably not meant."""
    found: list[Problem] = []

    def warn(text: str, where: str, hint: str = "") -> None:
        found.append(Problem(text, where, hint=hint, severity="warning"))

    channels = known.input.channels if known else options.in_chans or USUAL_CHANNELS
    alone = sum(f.before[0] is None for listed in frames.values() for f in listed)
    total = sum(len(listed) for listed in frames.values())
    if (channels > 3 or options.consistent) and 2 * alone > total:
        text = f"{alone} of {total} frames have no frame before them: they show no motion."
        warn(text, str(train.root), "Give the frames between, or a larger --motion-gap.")
    if options.region_weight and not classes and options.seg_loss_weight:
        warn("There are no masks: the region loss has no effect.", "seg_loss_weight")
    if options.dump_seg_val and not classes:
        warn("There are no masks: no regions are drawn.", "dump_seg_val")
    if options.flip and train.skeleton.flip_idx == tuple(range(len(train.skeleton))):
        text = "Which joints mirror each other is not known: mirrored joints keep their sides."
        warn(text, "flip", "Name the classes in categories.json, or leave --flip out.")
    if options.val_hota and not _has_trackeval():
        hint = 'Install it: pip install "pose-studio[tracks]".'
        found.append(Problem("HOTA-KP needs the package trackeval.", "val_hota", hint=hint))
    videos = {side: {f.video for f in listed} for side, listed in frames.items()}
    both = sorted(videos["train"] & videos["val"])
    if both:
        text = f"{len(both)} videos stand in train and in val ({both[0]}): the result will look too good."
        warn(text, str(train.root))
    free = shutil.disk_usage(Path.cwd()).free
    if free < _NEEDED_BYTES:
        warn(f"Only {free / 1e6:.0f} MB are free on the disk.", "", "Make room first.")
    return found


def _has_trackeval() -> bool:
    import importlib.util

    return importlib.util.find_spec("trackeval") is not None


def _digest(sets: dict[str, VideoSet]) -> str:
    """32 hex digits over the rows of both sides."""
    total = hashlib.sha256()
    for side, found in sorted(sets.items()):
        for video in found.videos:
            total.update(f"{side}\0{video.name}\0{rows_text(video.rows)}".encode())
    return total.hexdigest()[:32]


def _as_problem(error: StudioError) -> Problem:
    return Problem(error.message, where=error.where or "", hint=error.hint)
