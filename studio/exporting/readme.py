"""README.md of an exported model: what it is, how to run it here and elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from studio.core.artifact import ENGINES, ModelArtifact
from studio.core.device_report import NextStep
from studio.exporting.checks import HEADS, KEYPOINTS, POSE

# Engines whose files take (N, C, H, W) float32, whatever stands inside them.
_PLAIN = ("openvino", "onnxruntime", "torchscript", "ncnn", "mnn")


def readme(
    made: ModelArtifact,
    notes: str,
    steps: Sequence[NextStep],
    packages: str | None,
    files: Sequence[str],
) -> str:
    """The page as Markdown. notes, steps: the target's own. packages: what run_model.py needs,
    None where there is no such script. files: those that make up the model.
    """
    named = " and ".join(f"`{name}`" for name in files or (made.weights.name,))
    verb = "belong together: they are" if len(files) > 1 else "is"
    blocks = [
        f"# {_title(made)}",
        (
            f"{named} {verb} the model ({made.precision}). `model.json` says how to run it, and "
            "`certificate.json` and `certificate.html`, where they are there, how far it differs "
            f"from the weights that it was made from (`{made.parent}`)."
        ),
        "## Run it with Pose Studio",
        _code(_commands(made)),
    ]
    if packages is not None:
        blocks += ["## Run it without Pose Studio", _script(made, packages)]
    if steps:
        blocks += ["## Next steps", *map(_step, steps)]
    if notes.strip():
        blocks += ["## About these files", notes.strip()]
    blocks += ["## What goes in and what comes out", *_in_and_out(made)]
    return "\n\n".join(blocks) + "\n"


def _title(made: ModelArtifact) -> str:
    if made.task == HEADS:
        return "Head-pose model"
    return f"{made.skeleton.title or made.skeleton.name}: a {made.task} model"


def _code(lines: Sequence[str]) -> str:
    """As a block of Markdown."""
    return "```sh\n" + "\n".join(lines) + "\n```"


def _step(step: NextStep) -> str:
    """A command as a block, an address as a link."""
    if step.command.startswith(("https://", "http://")):
        return f"{step.title}: <{step.command}>"
    return f"{step.title}:\n\n{_code([step.command])}"


def _commands(made: ModelArtifact) -> list[str]:
    if made.task == HEADS:
        return [
            "pose-studio predict --model . --source PICTURES_OF_HEADS",
            "pose-studio predict --model PEOPLE_MODEL --head-model . --source film.mp4",
            "pose-studio evaluate --model . --data HEAD_POSE_SET",
        ]
    crops = made.task == KEYPOINTS and not made.extra.get("frame")
    more = " --detector PEOPLE_MODEL" if crops else ""
    return [
        f"pose-studio predict --model . --source picture.jpg{more}",
        f"pose-studio predict --model . --source 0 --show{more}",
    ]


def _script(made: ModelArtifact, packages: str) -> str:
    boxes = made.task == HEADS or (made.task == KEYPOINTS and not made.extra.get("frame"))
    what = "head's" if made.task == HEADS else "person's"
    more = (
        f"`--box X,Y,WIDTH,HEIGHT` gives a {what} box, once for each; without, the whole picture "
        "is one. "
        if boxes
        else ""
    )
    lines = [f"pip install {packages}", "python run_model.py --source picture.jpg --out out"]
    return (
        f"{_code(lines)}\n\n`--source` is a picture, a folder, a video, or a camera's number. {more}"
        "Drawn pictures or `result.mp4`, and `predictions.json`, come into `--out`. The script is "
        "one file and made to be read."
    )


def _in_and_out(made: ModelArtifact) -> list[str]:
    """A list of what goes in, and one of what comes out."""
    spec = made.input
    height, width = spec.size
    one = "" if made.extra.get("batch") != 1 else " One picture at a time."
    sizes = (
        f"any height and width that are multiples of {spec.stride}; made for {height} x {width}"
        if spec.dynamic
        else f"{height} x {width} only"
    )
    layout = (
        f"(N, {spec.channels}, height, width) float32, {_values(made)}"
        if ENGINES.get(made.weights.suffix.lower()) in _PLAIN
        else f"a picture of {spec.channels} channels, {_values(made)} before it is made whole numbers"
    )
    entry = [f"- In: {layout}; {sizes}.{one}", *(f"- {line}" for line in _shown(made))]
    return ["\n".join(entry), "\n".join(f"- {line}" for line in _answers(made))]


def _values(made: ModelArtifact) -> str:
    """What the numbers of the input are."""
    spec = made.input
    color = spec.color.upper() if spec.channels == 3 else f"{spec.channels} channels"
    if not any(spec.mean) and all(s == 1 for s in spec.std):
        return f"{color}, 0 to 1"
    mean, std = (", ".join(f"{v:g}" for v in values) for values in (spec.mean, spec.std))
    return f"{color}: (value / 255 - mean) / std with mean {mean} and std {std}"


def _shown(made: ModelArtifact) -> list[str]:
    """Which part of a picture the network sees."""
    if made.task == POSE:
        return ["Keep the picture's proportions and fill the rest with grey (114)."]
    if made.task == HEADS:
        return [
            (
                "Each picture is one head: the middle of its crop, stretched to the input (of 256 "
                "parts of the crop's side 224 are seen)."
            )
        ]
    if not made.extra.get("frame"):
        scale = made.extra.get("box_scale", 1.25)
        return [
            (
                "Each picture is one person's box, grown to the input's proportions and enlarged "
                f"{scale:g} times."
            )
        ]
    lines = ["Each picture is a whole frame, resized to the input whatever its shape."]
    if made.input.channels > 3:
        lines.append(
            "Behind red, green and blue stand the optical flow to the frame before, x and y, as "
            "128 + 127 * flow / 20 pixels, and the difference of the greys of the two frames."
        )
    return lines


def _answers(made: ModelArtifact) -> list[str]:
    """What the outputs mean."""
    joints, people = len(made.skeleton), len(made.categories)
    order = f"the {joints} joints, in the order of `model.json`"
    if made.output == "decoded":
        return [
            (
                f"Out: (N, {4 + people + 3 * joints}, anchors) float32, in pixels of the input. Each "
                f"anchor: box centre x, centre y, width, height; {people} score(s); then x, y and "
                f"score of each of {order}. Overlapping boxes are still in it: apply non-maximum "
                "suppression (IoU 0.7)."
            )
        ]
    if made.output == "end2end":
        return [
            (
                f"Out: (N, people, {6 + 3 * joints}) float32, in pixels of the input. Each person: "
                f"box x1, y1, x2, y2; score; category; then x, y and score of each of {order}. "
                "Overlapping boxes are gone already."
            )
        ]
    if made.output == "raw-heads":
        return [_RAW.format(joints=joints, numbers=3 * joints)]
    if made.output == "simcc":
        return [
            (
                f"Out: two times (N, {joints}, bins) float32. A joint's x is where its row of the "
                "first is highest, its y that of the second; the rows cover the input's width and "
                "height."
            )
        ]
    if made.output == "heatmaps":
        maps = f"Out: (N, {joints}, rows, columns) float32. A joint is where its map is highest; its height is the score."  # fmt: skip
        seen = f"Then (N, {joints}, 3): each joint's chances to be absent, hidden and visible."
        return [maps, seen] if made.extra.get("frame") else [maps]
    if made.task == HEADS:
        form = (
            "(N, 3, 3) float32, row by row"
            if made.output == "rotation"
            else "(N, 6) float32, two columns of a rotation to be made upright"
        )
        return [
            (
                f"Out: {form}. R = Rz(roll) Ry(yaw) Rx(pitch); the head's own left, down and forward "
                "are seen along the columns of diag(1, -1, 1) R' diag(1, -1, 1): right, down, to the "
                "viewer."
            )
        ]
    return [f"Out: {made.output}."]


_RAW = (
    "Out: the head's own maps, nothing decoded: three of boxes (1, anchors, 64), three of scores "
    "(1, anchors, 1), one of each stride 8, 16 and 32, and one of joints (1, all anchors, "
    "{numbers}) for {joints} joints. Whole numbers are turned into values by each output's scale "
    "and zero point."
)
