"""One KPNet training: network, losses, judgement and pictures, for the studio's loop."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.job import JobContext
from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton
from studio.io.video_keypoints import Part
from studio.ml.checkpoints import Transfer, check_family, read_weights, transfer
from studio.ml.pictures import SHOWN, spread
from studio.ml.task import Batch
from studio.runtime.clips import facts_of, predictions_of
from studio.vision import motion
from studio.vision.drawing import DrawStyle, draw_people

from . import losses
from .config import FAMILY, TrainOptions
from .data import Look, Moves, Shelf, TrainingFrames, store_motion
from .frames import Frame
from .judging import Judged, Judging, draw_regions
from .network import Deployed, KpNet, Shape

Picture = npt.NDArray[np.uint8]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# From this score on an instance counts as found: as prediction and evaluation have it.
PRESENT = 0.25
_JUDGED_AT_ONCE = 16
_DRAWN_WIDTH = 480


def input_spec(size: tuple[int, int], channels: int) -> InputSpec:
    """RGB by ImageNet's mean and deviation; motion as `studio.vision.motion` stores it."""
    mean, std = IMAGENET_MEAN, IMAGENET_STD
    if channels > 3:
        mean, std = (*mean, *motion.MEAN), (*std, *motion.STD)
    return InputSpec(size, channels, "rgb", mean, std, dynamic=False, stride=1)


@dataclass
class KpTask:
    """See `studio.ml.task.Task`.

    start: weights of which the matching tensors are taken, or None. backbone_weights: a local file
    of timm's, or None. frames: the labelled frames of "train" and "val".
    """

    options: TrainOptions
    shape: Shape
    look: Look
    parts: tuple[Part, ...]
    skeleton: Skeleton
    classes: tuple[str, ...]
    frames: Mapping[str, Sequence[Frame]]
    moves: Moves
    dataset_hash: str | None = None
    start: Path | None = None
    backbone_weights: Path | None = None
    transferred: Transfer | None = None
    judgements: int = 0
    shelf: Shelf = field(init=False)

    def __post_init__(self) -> None:
        self.shelf = Shelf(self.look)

    @property
    def examples(self) -> TrainingFrames:
        """The labelled frames of "train"."""
        return TrainingFrames(self.frames["train"], self.look, self.moves, self.shelf)

    @property
    def best_metric(self) -> str:
        """As the user picked it."""
        return self.options.judged_by[0]

    @property
    def higher_is_better(self) -> bool:
        """Of that metric."""
        return self.options.judged_by[1]

    def build(self) -> nn.Module:
        """The network, with the weights to start from."""
        network = KpNet(self.shape)
        if self.start is not None:
            weights = read_weights(self.start)
            check_family(weights, FAMILY)
            self.transferred = transfer(network, weights.state)
        elif self.backbone_weights is not None:
            self.transferred = network.load_backbone(self.backbone_weights)
        return network

    def parameter_groups(self, model: nn.Module) -> Sequence[Mapping[str, Any]]:
        """All alike; norms and biases do not decay."""
        decaying = [p for p in model.parameters() if p.ndim > 1]
        others = [p for p in model.parameters() if p.ndim <= 1]
        return [{"params": others, "weight_decay": 0.0}, {"params": decaying}]

    def begin_epoch(self, epoch: int, model: nn.Module) -> None:
        """Nothing changes within a stage."""
        del epoch, model

    def fill_store(self, context: JobContext) -> None:
        """Compute the motion that is not stored yet, where it is to be stored. Raises FileProblem,
        Cancelled.
        """
        frames = [frame for listed in self.frames.values() for frame in listed]
        for done, frame in enumerate(frames if self.look.flow_cache is not None else []):
            context.check()
            context.progress("motion", done, len(frames))
            store_motion(frame, self.shelf)

    def loss(self, model: nn.Module, batch: Batch, epoch: int) -> Mapping[str, Tensor]:
        """The weighted sum and its parts, unweighted."""
        del epoch
        options = self.options
        maps, seen, *regions = model(to_input(batch["frame"], self.look.channels))
        labelled = batch["visibility"] > 0
        places = losses.soft_argmax(maps)
        parts = {
            "heatmap": losses.heatmap_loss(maps, batch["targets"], labelled, options.hm_pos_weight),
            "visibility": losses.visibility_loss(seen, batch["visibility"]),
            "coordinates": losses.coordinate_loss(places, batch["places"], labelled),
        }
        weights = [1.0, options.vis_loss_weight, options.coordinate_weight]
        if regions and options.region_weight:
            parts["regions"] = losses.segmentation_loss(regions[0], batch["mask"])
            weights.append(options.region_weight)
        if self.look.consistent:
            parts |= self._steadiness(model, batch, maps, places, labelled)
            weights += [options.hm_consist_weight, options.coord_consist_weight]
        # Every tensor has a gradient in every step, as several processes need it.
        total = 0 * torch.stack([maps.sum(), *(r.sum() for r in regions)]).sum()
        for weight, part in zip(weights, parts.values(), strict=True):
            if weight:
                total = total + weight * part
        return {"loss": total, **parts}

    def _steadiness(
        self, model: nn.Module, batch: Batch, maps: Tensor, places: Tensor, labelled: Tensor
    ) -> dict[str, Tensor]:
        with torch.no_grad():
            before = model(to_input(batch["previous"], self.look.channels))[0]
        counted = labelled & batch["linked"][:, None]
        flow = flow_in_cells(batch["flow"], self.look)
        return {
            "steady_heatmaps": losses.heatmap_consistency(
                torch.sigmoid(maps.float()), torch.sigmoid(before.float()), flow, counted
            ),
            "steady_coordinates": losses.coordinate_consistency(
                places, losses.soft_argmax(before), flow, counted
            ),
        }

    def validate(self, model: nn.Module, context: JobContext) -> Mapping[str, float]:
        """Mean and per-joint distance in pixels of the frames, PCK, and HOTA-KP where asked."""
        self.judgements += 1
        options, run_dir = self.options, context.run_dir
        due = (self.judgements - 1) % options.dump_seg_interval == 0
        drawn = None
        if options.dump_seg_val and run_dir is not None and self.shape.seg_classes and due:
            drawn = run_dir / "report" / "seg" / f"{self.judgements:04d}"
        judging = Judging(self.parts, self.skeleton, hota=options.val_hota)
        for number, judged in enumerate(self._looked_at(model, self.frames["val"], context)):
            judging.add(judged)
            if drawn is not None and number < options.dump_seg_limit:
                draw_regions(drawn, judged, options.dump_seg_alpha)
        return judging.metrics()

    def artifact(self, weights: Path, metrics: Mapping[str, float]) -> ModelArtifact:
        """What `weights` are."""
        options = self.options
        return ModelArtifact(
            family=FAMILY,
            task="keypoints",
            weights=weights,
            input=input_spec(self.look.size, self.look.channels),
            skeleton=self.skeleton,
            categories=tuple(part.name for part in self.parts),
            output="heatmaps",
            metrics=dict(metrics),
            parent=self.start.name if self.start else None,
            dataset_hash=self.dataset_hash,
            extra={
                **self.shape.to_mapping(),
                "frame": True,
                "decoder": "fpn",
                "motion": self.look.motion if self.look.channels > 3 else motion.NONE,
                "motion_gap": options.motion_gap,
                "sigma": options.sigma,
                "hm_pos_weight": options.hm_pos_weight,
                "seg_classes": list(self.classes),
                "parts": [
                    {"category": p.name, "joints": list(p.places), "class": p.category}
                    for p in self.parts
                ],
            },
        )

    def batch_pictures(self, batch: Batch) -> Sequence[Picture]:
        """Examples as the network sees them, their joints drawn."""
        height, width = self.look.size
        made: list[Picture] = []
        for number in range(min(SHOWN, len(batch["frame"]))):
            frame = np.ascontiguousarray(batch["frame"][number, ..., :3].cpu().numpy())
            points = np.ones((len(self.skeleton), 3), np.float32)
            points[:, :2] = batch["places"][number].cpu().numpy() * (width, height)
            points[:, 2] = batch["visibility"][number].cpu().numpy() > 0
            made.append(self._drawn(frame, [Prediction(np.zeros(4, np.float32), 1.0, points)]))
        return made

    def validation_pictures(self, model: nn.Module) -> Sequence[Picture]:
        """What is found on frames from all over the clips."""
        shown = spread(list(self.frames["val"]))
        found = self._looked_at(model, shown, None)
        return [self._drawn(j.shown, j.predictions, j.scale) for j in found]

    def _drawn(
        self, frame: Picture, people: Sequence[Prediction], scale: tuple[float, float] = (1, 1)
    ) -> Picture:
        # Small frames are enlarged: joints are drawn some pixels wide.
        larger = max(1, round(_DRAWN_WIDTH / frame.shape[1]))
        frame = frame.repeat(larger, axis=0).repeat(larger, axis=1)
        factor = np.array([scale[0] * larger, scale[1] * larger, 1], np.float32)
        moved = [dataclasses.replace(p, keypoints=p.keypoints * factor) for p in people]
        style = DrawStyle(boxes=False, labels=False, kp_conf=1e-3)
        return draw_people(frame, moved, self.skeleton, style)

    def _looked_at(
        self, model: nn.Module, frames: Sequence[Frame], context: JobContext | None
    ) -> Any:
        """Each frame with what the network finds on it, in order."""
        deployed = Deployed(model, self.options.hm_pos_weight)  # pyright: ignore[reportArgumentType]
        facts = facts_of(self.artifact(Path("best.pt"), {}))
        device = next(model.parameters()).device
        for start in range(0, len(frames), _JUDGED_AT_ONCE):
            if context is not None:
                context.check()
            here = frames[start : start + _JUDGED_AT_ONCE]
            inputs = [self._unmoved(frame) for frame in here]
            batch = torch.from_numpy(np.stack([picture for picture, _ in inputs])).to(device)
            maps, seen, *regions = deployed(to_input(batch, self.look.channels))
            areas = regions[0].argmax(1).to(torch.uint8).cpu().numpy() if regions else None
            maps, seen = maps.float().cpu().numpy(), seen.float().cpu().numpy()
            for i, (frame, (picture, size)) in enumerate(zip(here, inputs, strict=True)):
                found = predictions_of(maps[i], seen[i], facts, size, PRESENT)
                everyone = predictions_of(maps[i], seen[i], facts, size)
                shown = np.ascontiguousarray(picture[..., :3])
                scale = (self.look.size[1] / size[1], self.look.size[0] / size[0])
                area = None if areas is None else areas[i]
                yield Judged(frame, found, everyone, size, shown, scale, area)

    def _unmoved(self, frame: Frame) -> tuple[Picture, tuple[int, int]]:
        small, size = self.shelf.frame(frame.picture)
        if self.look.channels == 3:
            return small, size
        moved = self.shelf.motion(frame.picture, frame.before[0])
        return np.concatenate([small, moved], axis=2), size


def to_input(frames: Tensor, channels: int) -> Tensor:
    """(N, H, W, C) uint8 frames as the network's (N, C, H, W) float32, as the engines do it."""
    spec = input_spec((0, 0), channels)
    x = frames.permute(0, 3, 1, 2).float() / 255
    x = torch.cat([x[:, :3].flip(1), x[:, 3:]], dim=1)
    mean = torch.tensor(spec.mean, device=x.device).view(1, -1, 1, 1)
    std = torch.tensor(spec.std, device=x.device).view(1, -1, 1, 1)
    return (x - mean) / std


def flow_in_cells(stored: Tensor, look: Look) -> Tensor:
    """(N, 2, h, w) float32 flow in cells of the heatmap, of (N, H, W, 2) uint8 as it is stored."""
    (tall, wide), (h, w) = look.size, look.heatmap
    flow = (stored.permute(0, 3, 1, 2).float() - motion.STILL) * (motion.REACH / 127)
    flow = nn.functional.interpolate(flow, size=(h, w), mode="area")
    return flow * torch.tensor([w / wide, h / tall], device=flow.device).view(1, 2, 1, 1)
