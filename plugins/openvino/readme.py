"""The README beside an export: how to run it, here and elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from studio.core.artifact import ModelArtifact

HEADS = "head-pose"


def readme(artifact: ModelArtifact, outputs: Sequence[str]) -> str:
    """The page as Markdown. outputs: the shape of each output, open sides as OpenVINO writes them."""
    height, width = artifact.input.size
    one = " One picture at a time." if artifact.extra.get("batch") == 1 else ""
    sizes = (
        f"Any height and width that are multiples of {artifact.input.stride}; "
        f"made for {height} x {width}."
        if artifact.input.dynamic
        else f"{height} x {width} only.{one}"
    )
    pose = artifact.task == "pose"
    heads = artifact.task == HEADS
    moved = "heads then turn by about 0.1°" if heads else "joints then move by about 0.3 pixels"
    kind = (
        "Head-pose"
        if heads
        else f"{artifact.skeleton.title or artifact.skeleton.name} {artifact.task}"
    )
    return f"""# {kind} model for OpenVINO

`model.xml` and `model.bin` ({artifact.precision}) belong together; `model.json` says how to run
them, and `certificate.json`, where it is there, how far they differ from the weights that they
were made from.

## Run it with Pose Studio

{_commands(artifact)}

## Run it in a program of your own

- Input `images`: (N, {artifact.input.channels}, height, width) float32, {_values(artifact)}. {sizes}
{_decoded(artifact) if pose else _raw(artifact, outputs)}
- On processors with bf16 OpenVINO computes in it unless `INFERENCE_PRECISION_HINT` is `f32`;
  {moved} on average.

    import openvino
    model = openvino.Core().compile_model("model.xml", "CPU")
    output = model(pictures)[0]
"""


def _commands(artifact: ModelArtifact) -> str:
    if artifact.task == HEADS:
        return "    pose-studio evaluate --model . --data HEAD_POSE_SET"
    crops = artifact.task == "keypoints" and not artifact.extra.get("frame")
    more = " --detector PEOPLE_MODEL" if crops else ""
    return (
        f"    pose-studio predict --model . --source picture.jpg{more}\n"
        f"    pose-studio predict --model . --source 0 --show{more}"
    )


def _values(artifact: ModelArtifact) -> str:
    """What the numbers of the input are."""
    spec = artifact.input
    color = spec.color.upper() if spec.channels == 3 else f"{spec.channels} channels"
    if not any(spec.mean) and all(s == 1 for s in spec.std):
        return f"{color}, 0 to 1"
    mean, std = (", ".join(f"{v:g}" for v in values) for values in (spec.mean, spec.std))
    return f"{color}: (value / 255 - mean) / std with mean {mean} and std {std}"


def _decoded(artifact: ModelArtifact) -> str:
    joints, people = len(artifact.skeleton), len(artifact.categories)
    return f"""  Keep the picture's proportions and fill the rest with grey (114).
- Output `output0`: (N, {4 + people + 3 * joints}, anchors) float32, in pixels of the input. Each
  anchor: box centre x, centre y, width, height; {people} score(s); then x, y and score of each of
  the {joints} joints, in the order of `model.json`. Overlapping boxes are still in it: apply
  non-maximum suppression (IoU 0.7)."""


def _raw(artifact: ModelArtifact, outputs: Sequence[str]) -> str:
    lines = []
    if artifact.output in ("heatmaps", "simcc") and not artifact.extra.get("frame"):
        scale = artifact.extra.get("box_scale", 1.25)
        lines.append(
            f"  Each picture is one person's box, grown to the input's proportions and enlarged {scale:g} "
            "times."
        )
    if artifact.extra.get("frame"):
        lines.append("  Each picture is a whole frame, resized to the input whatever its shape.")
    if artifact.input.channels > 3:
        lines.append(
            "  Behind red, green and blue stand the optical flow to the frame before, x and y, as\n"
            "  128 + 127 * flow / 20 pixels, and the difference of the greys of the two frames."
        )
    if artifact.task == HEADS:
        lines.append(
            "  Each picture is one head: the middle of its crop, stretched to the input (of 256 parts "
            "of\n  the crop's side 224 are seen)."
        )
    shapes = ", ".join(f"`output{i}` {shape}" for i, shape in enumerate(outputs))
    lines.append(f"- Outputs ({artifact.output}): {shapes}, float32.")
    if artifact.output == "rotation":
        lines.append(
            "  R = Rz(roll) Ry(yaw) Rx(pitch), row by row; the head's own left, down and forward are\n"
            "  seen along the columns of diag(1, -1, 1) R' diag(1, -1, 1): right, down, to the viewer."
        )
    if artifact.output == "heatmaps":
        lines.append("  A joint is where its map of `output0` is highest; its height is the score.")
    if artifact.extra.get("frame"):
        lines.append("  `output1` holds each joint's chances to be absent, hidden and visible.")
    if artifact.output == "simcc":
        lines.append(
            "  A joint's x is where its row of `output0` is highest, its y that of `output1`; the rows "
            "cover the input's width and height."
        )
    return "\n".join(lines)
