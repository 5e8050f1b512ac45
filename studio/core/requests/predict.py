"""What a prediction is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from studio.core.options import N_, Options, option
from studio.core.requests.shared import (
    batch_option,
    cfg_option,
    conf_option,
    detector_option,
    device_option,
    draw_fps_option,
    face_model_option,
    flip_test_option,
    head_boxes_option,
    head_draw_option,
    head_margin_option,
    head_model_option,
    head_size_option,
    head_smoothing_option,
    imgsz_option,
    iou_option,
    kp_conf_option,
    kp_radius_option,
    line_thickness_option,
    max_people_option,
    model_option,
    precision_option,
)
from studio.core.requests.tracking import track_options_option


@dataclass(frozen=True)
class PredictOptions(Options):
    """Which model looks at what, and what becomes of it."""

    model: Path = model_option("--ckpt", "--checkpoint", "--snapshot")
    source: str = option(
        title=N_("Source"),
        help=N_(
            "A picture, a folder, a pattern such as a/*.jpg, a list file (.txt), a video, a camera's "
            "number, a stream's address, a video keypoint set (its val side), or synthetic:"
        ),
        aliases=("--data-root", "--indir", "--imgdir", "--video", "--data-dir"),
    )
    filename_list: Path | None = option(
        None,
        title=N_("Filename list"),
        help=N_(
            "Look at these pictures of the folder alone: a name a line, with or without ending."
        ),
        kind="file",
        advanced=True,
    )
    img_ext: str = option(
        "",
        title=N_("Pictures ending in"),
        help=N_("Look at the folder's pictures of one format alone, such as .jpg."),
        advanced=True,
    )
    detector: Path | None = detector_option()
    head_model: Path | None = head_model_option()
    head_boxes: str = head_boxes_option()
    face_model: Path | None = face_model_option()
    head_margin: float | None = head_margin_option()
    head_smoothing: float = head_smoothing_option(0.0)
    head_draw: str = head_draw_option()
    head_size: int = head_size_option()
    track: str = option(
        "",
        title=N_("Tracker"),
        help=N_("Give people identities from frame to frame: oks, or another of `plugins`."),
    )
    track_options: tuple[str, ...] = track_options_option()
    pose_flow: bool = option(
        False,
        title="PoseFlow",
        help=N_("AlphaPose's way to say --track poseflow."),
        advanced=True,
    )
    save_dir: Path | None = option(
        None,
        title=N_("Output folder"),
        help=N_("Where results go; the next free runs/predict/<n> where nothing is given."),
        kind="folder",
        aliases=("--out-dir", "--outdir", "--output-dir"),
    )
    save_json: bool = option(
        False, title=N_("Write JSON"), help=N_("Write predictions.json, one record per person.")
    )
    alphapose_json: bool = option(
        False,
        title=N_("Write AlphaPose's JSON"),
        help=N_("Write alphapose-results.json, as AlphaPose's programs read it."),
        aliases=("--save-json alphapose",),
        advanced=True,
    )
    save_csv: bool = option(
        False, title=N_("Write CSV"), help=N_("Write predictions.csv, one row per person.")
    )
    save_mot: bool = option(
        False,
        title=N_("Write tracks"),
        help=N_(
            "Write <video>_pred.txt, MOT rows with keypoints; always done for a video keypoint set."
        ),
    )
    no_draw: bool = option(
        False, title=N_("Do not draw"), help=N_("Write no drawn pictures and no video.")
    )
    save_video: bool = option(
        False,
        title=N_("Write a video"),
        help=N_("Also make a video of a row of pictures; videos and cameras give one anyway."),
        advanced=True,
    )
    show: bool = option(
        False, title=N_("Show"), help=N_("Open the Live window on this source."), advanced=True
    )
    conf: float = conf_option()
    iou: float = iou_option()
    max_people: int = max_people_option()
    imgsz: tuple[int, ...] | None = imgsz_option("--image-size")
    heatmap_size: tuple[int, ...] | None = option(
        None,
        title=N_("Heatmap size"),
        help=N_("Need not be given: the model knows its own, and another one is refused."),
        advanced=True,
    )
    flip_test: bool = flip_test_option()
    cfg: Path | None = cfg_option()
    vis_fast: bool = option(
        False,
        title=N_("Draw fast"),
        help=N_("Accepted from AlphaPose's guide and without effect: drawing is fast."),
        advanced=True,
    )
    kp_conf: float = kp_conf_option(aliases=("--vis-th",))
    kp_radius: int = kp_radius_option()
    line_thickness: int = line_thickness_option()
    batch: int = batch_option()
    draw_fps: bool = draw_fps_option()
    precision: str = precision_option()
    device: str = device_option("--gpu")
