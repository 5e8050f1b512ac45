"""Sample data under the names that the pages use, and what makes each command small.

Every file is made here and now: drawn people, clips and heads with known answers, weights of
networks that were never trained. A command of a page runs word for word; the options of `SMALLER`
are put behind it, and the last of two wins.
"""

from __future__ import annotations

import itertools
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

import studio
from studio.core.job import JobContext
from studio.io.video import VideoWriter
from studio.registry.jobs import job_entry
from studio.vision import synthetic
from tests.training_runs import make_dataset

_YOLO = ("--imgsz", "64", "--device", "cpu", "--batch", "4")
_FAST = (
    "--epochs", "1", "--device", "cpu", "--workers", "0", "--milestones", "1", "--imgsz", "96,64",
)  # fmt: skip
_CLIPS = (
    "--device", "cpu", "--backbone", "convnext_atto", "--width", "16", "--image-size", "64,96",
    "--batch-size", "2", "--epochs", "1",
)  # fmt: skip
_HEADS = (
    "--num_epochs", "1", "--device", "cpu", "--batch_size", "2", "--imgsz", "64",
    "--no-amp", "--milestones", "1",
)  # fmt: skip
# By page, then by what the command does: what is put behind it.
SMALLER: dict[str, dict[str, tuple[str, ...]]] = {
    "coming-from-yolo-openvino": {
        "train yolo-pose": (*_YOLO, "--epochs", "1"),
        "evaluate": ("--imgsz", "64"),
        "export": ("--imgsz", "64"),
        "predict": ("--imgsz", "64"),
    },
    "coming-from-yolov8-edge": {
        "train yolo-pose": ("--device", "cpu", "--epochs", "1", "--batch", "4"),
        "export": ("--calibration-count", "10"),
    },
    "coming-from-alphapose": {
        "train fastpose": _FAST,
        "evaluate": ("--no-flip-test",),
    },
    "coming-from-kpnet": {
        "train kpnet": _CLIPS,
        "predict": ("--image-size", "64,96", "--device", "cpu"),
    },
    "coming-from-6drepnet": {
        "train sixdrepnet": _HEADS,
        "predict": ("--device", "cpu"),
    },
}
# The width of a network that goes on is that of its checkpoint: nothing is put behind those.
GOES_ON = frozenset({"--resume", "--snapshot"})
_OF_A_START = frozenset({
    "--backbone", "--width", "--image-size", "--imgsz", "--batch_size", "--batch-size",
    "--milestones", "--no-amp",
})  # fmt: skip


def smaller(page: str, key: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """What is put behind a command so that it takes seconds."""
    added = SMALLER.get(page, {}).get(key, ())
    flags = {w.partition("=")[0] for w in words}
    if key == "train sixdrepnet" and not flags & {"--pretrained", *GOES_ON}:
        # The original's own size is trained once, from its weights.
        added = (*added, "--backbone", "resnet10t")
    if key == "train fastpose" and not flags & {"--pretrained", "--try_load"}:
        added = (*added, "--backbone", "resnet18")
    if not GOES_ON & flags:
        return added
    kept: list[str] = []
    pairs = iter(added)
    for flag in pairs:
        value = () if flag.startswith("--no-") else (next(pairs),)
        if flag not in _OF_A_START:
            kept += [flag, *value]
    # KPNet counts epochs on, the others in all: one more than the run has.
    more = ("--num_epochs", "2") if key == "train sixdrepnet" else ()
    return (*kept, *more)


def prepare(page: str, folder: Path) -> None:
    """Everything that the commands of `page` read, below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    MAKERS[page](folder)


def _job(name: str, **options: Any) -> None:
    entry = job_entry(name)
    asked = entry.options_class().from_mapping(options).validated()
    entry.load()(asked, JobContext(lambda _event: None))


def _yolo_weights(path: Path) -> None:
    """A real checkpoint of a small network, under the name that the page uses."""
    shutil.copyfile(studio.RESOURCES / "sample" / "weights" / "sample-pose.pt", path)


def _yolo(folder: Path) -> None:
    data = make_dataset(folder / "data" / "pose", train=12)
    said = {"path": str(data), "train": "images/train", "val": "images/val", "kpt_shape": [17, 3]}
    (data / "my_pose.yaml").write_text(yaml.safe_dump({**said, "names": {0: "person"}}))
    shutil.copytree(data / "images" / "val", folder / "data" / "pose_test" / "images" / "val")
    _yolo_weights(folder / "yolo11n-pose.pt")
    _film(folder / "input.mp4", data / "images" / "val")


def _edge(folder: Path) -> None:
    make_dataset(folder / "set", train=12)
    said = {"path": "set", "train": "images/train", "val": "images/val", "kpt_shape": [17, 3]}
    (folder / "data_pose.yaml").write_text(yaml.safe_dump({**said, "names": {0: "person"}}))
    _untrained(folder / "yolov8n-pose.pt")


def _untrained(path: Path) -> None:
    """The very network of a published checkpoint, which has learnt nothing: its operators are what
    a small device can or cannot do.
    """
    from studio.plugins.yolo_pose.guard import ultralytics

    ultralytics()
    from ultralytics import YOLO

    YOLO(f"{path.stem}.yaml").save(path)


def _film(path: Path, pictures: Path) -> None:
    frames = [cv2.imread(str(p)) for p in sorted(pictures.glob("*.jpg"))]
    height, width = frames[0].shape[:2]
    out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 5, (width, height))
    for frame in frames * 2:
        out.write(frame)
    out.release()


def _alphapose(folder: Path) -> None:
    _job(
        "sample", out=str(folder / "drawn"), pictures=5, clips=0, size=160, photos=False,
    )  # fmt: skip
    pictures = folder / "drawn" / "pictures" / "drawn"
    shutil.copytree(pictures, folder / "data" / "input")
    shutil.copytree(pictures, folder / "data" / "images")
    for note in (folder / "data" / "images").glob("*.json"):
        note.unlink()
    (folder / "data" / "video").mkdir()
    _film(folder / "data" / "video" / "sample.mp4", pictures)
    place = folder / "configs" / "coco" / "resnet" / "256x192_res50_lr1e-3_1x.yaml"
    place.parent.mkdir(parents=True)
    from tests.plugins.fastpose.test_alphapose import CFG

    place.write_text(yaml.safe_dump(CFG))
    _yolo_weights(folder / "yolo11n-pose.pt")
    _fast_weights(folder / "fast_res50_256x192.pth")


def _fast_weights(path: Path) -> None:
    """A state dict with the original's names and shapes, of a network that was never trained."""
    import torch

    from tests.plugins.fastpose.test_alphapose import named_as_the_original

    state = named_as_the_original()
    # A variance is no random number.
    state |= {k: v.abs() + 0.5 for k, v in state.items() if k.endswith("running_var")}
    torch.save(state, path)


def _clips(folder: Path) -> None:
    from studio.io.images import write_image
    from studio.io.video_keypoints import frame_name, in_a_row, rows_text, write_categories
    from tests.plugins import kpnet_clips as clips

    root, masks = folder / "data", folder / "artifacts" / "seg_pseudo6"
    for video, (name, side) in enumerate((("A36O", "train"), ("B10P", "train"), ("E66F", "val"))):
        frames = root / side / "frames" / (name if side == "val" else "")
        for place in (frames, root / side / "mot", masks / name):
            place.mkdir(parents=True, exist_ok=True)
        whole: list[Any] = []
        for number in range(4):
            stem = frame_name(name, number)
            write_image(frames / f"{stem}.png", clips.picture(video, number))
            write_image(masks / name / f"{stem}.png", clips.mask(video, number))
            rows = clips.rows(video, number)
            whole += rows
            if side == "train":
                (root / side / "mot" / f"{stem}.txt").write_text(rows_text(rows))
        if side == "val":
            (root / side / "mot" / f"{name}.txt").write_text(rows_text(whole))
    (masks / "classes.txt").write_text("ground\ndisc\nsquare\n")
    write_categories(root, in_a_row([(0, "disc", clips.DISC), (1, "square", clips.SQUARE)]))
    truth = folder / "artifacts" / "kp_eval" / "data" / "gt"
    truth.mkdir(parents=True)
    shutil.copyfile(root / "val" / "mot" / "E66F.txt", truth / "E66F.txt")
    from tests.plugins.point_network import write_network

    # In a trained network's place: it follows by correlation.
    write_network(folder / "cotracker.torchscript")


def _heads(folder: Path) -> None:
    for name in ("300W_LP", "AFLW2000"):
        _landmark_set(folder / "datasets" / name)
    for number, name in enumerate(("Train", "Test")):
        _motion_set(folder / "datasets" / name, number)
    import torch

    from tests.plugins.sixdrepnet.test_keys import backbone_file

    torch.save(backbone_file(), folder / "RepVGG-B1g2-train.pth")
    _yolo_weights(folder / "people.pt")
    _people_film(folder / "clip.mp4")
    found = Path("../shared/data/weights/face_detection_yunet_2023mar.onnx")
    if found.is_file():
        shutil.copyfile(found, folder / found.name)


def _people_film(path: Path) -> None:
    frames = itertools.islice(synthetic.frames(7, (320, 240), 10.0), 12)
    with VideoWriter(path, 10.0, (320, 240)) as writer:
        for frame in frames:
            writer.write(frame)


def _landmark_set(root: Path) -> None:
    import scipy.io

    rng = np.random.default_rng(3)
    for number in range(6):
        picture = rng.integers(0, 255, (120, 120, 3), dtype=np.uint8)
        path = root / "HELEN" / f"face_{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), picture)
        pose = np.radians([10.0 * number - 20, 5.0 * number, 3.0, 0, 0, 0, 0])
        points = rng.uniform(30, 90, (2, 68))
        scipy.io.savemat(path.with_suffix(".mat"), {"Pose_Para": pose[None], "pt2d": points})


def _motion_set(root: Path, seed: int) -> None:
    """A scene of frames with joints and a table of angles, as the guide lays them out."""
    rng = np.random.default_rng(seed)
    scene = "01_250116_111927_0"
    for name in ("image", "keypoint"):
        (root / name / scene).mkdir(parents=True)
    (root / "motion").mkdir()
    rows = ["frame,yaw,pitch,roll"]
    for number in range(6):
        stem = f"frame_{number:06d}"
        picture = rng.integers(60, 200, (160, 160, 3), dtype=np.uint8)
        cv2.imwrite(str(root / "image" / scene / f"{stem}.jpg"), picture)
        joints = {"Nose": (80, 80), "LEye": (90, 70), "REye": (70, 70), "LEar": (98, 76)}
        lines = ["AnnoName,CentorX,CentorY"] + [f"{k},{x},{y}" for k, (x, y) in joints.items()]
        (root / "keypoint" / scene / f"{stem}.csv").write_text("\n".join(lines) + "\n")
        rows.append(f"{number},{5 * number - 10},{2 * number},{number}")
    (root / "motion" / "001_table.csv").write_text("\n".join(rows) + "\n")


MAKERS: dict[str, Callable[[Path], None]] = {
    "coming-from-yolo-openvino": _yolo,
    "coming-from-yolov8-edge": _edge,
    "coming-from-alphapose": _alphapose,
    "coming-from-kpnet": _clips,
    "coming-from-6drepnet": _heads,
}

if __name__ == "__main__":
    prepare(sys.argv[1], Path(sys.argv[2]))
