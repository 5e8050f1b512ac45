"""Why a model cannot go to a target, as far as many targets say the same."""

from __future__ import annotations

from collections.abc import Sequence

from studio.core.artifact import ModelArtifact
from studio.core.errors import Problem

# What gives people and joints by itself, joints of a crop or frame, and the turn of a head.
POSE, KEYPOINTS, HEADS = "pose", "keypoints", "head-pose"


def size_of(artifact: ModelArtifact, imgsz: Sequence[int] | None) -> tuple[int, int]:
    """(height, width) of the artefact to be made."""
    sides = imgsz or artifact.input.size
    return int(sides[0]), int(sides[-1])


def common_problems(artifact: ModelArtifact, imgsz: Sequence[int] | None) -> list[Problem]:
    """An exported model given again, and sizes that the network cannot have."""
    found: list[Problem] = []
    if artifact.engine != "torch":
        text = f"{artifact.weights.name} is an exported model already."
        found.append(Problem(text, where="weights", hint="Give the .pt it was made from."))
    sides = imgsz or artifact.input.size
    stride = artifact.input.stride
    if len(sides) > 2 or any(s < stride or s % stride for s in sides):
        text = f"--imgsz is one side or height,width, each a multiple of {stride}."
        found.append(Problem(text, where="imgsz"))
    elif not artifact.input.dynamic and size_of(artifact, imgsz) != artifact.input.size:
        height, width = artifact.input.size
        text = f"This model looks at pictures of {height} x {width} only."
        found.append(Problem(text, where="imgsz", hint="Leave --imgsz out."))
    return found
