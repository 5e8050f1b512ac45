"""A figure's skeleton in three dimensions: proportions, joint angles and where the joints end up.

Camera frame: x right, y down, z towards the viewer, in units of the figure's stature. A figure
that faces the viewer has its left hand on the picture's right; every name is the person's own
left and right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import cos, radians, sin

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]

SIDES = (("left", 1.0), ("right", -1.0))


@dataclass(frozen=True)
class Build:
    """Proportions, as parts of the stature. `girth` and `limb` scale thicknesses."""

    shoulder: float = 0.108
    hip: float = 0.056
    torso: float = 0.29
    neck: float = 0.11
    head: float = 0.060
    upper_arm: float = 0.172
    forearm: float = 0.145
    thigh: float = 0.243
    shin: float = 0.243
    girth: float = 1.0
    limb: float = 1.0

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Build:
        """A grown-up or a child, slim or stout."""
        child = rng.random() < 0.15
        arm, leg, wide, head = rng.normal(1.0, [0.04, 0.04, 0.06, 0.05])
        base = cls()
        return cls(
            shoulder=base.shoulder * wide * (0.92 if child else 1.0),
            hip=base.hip * wide,
            torso=base.torso * rng.normal(1.0, 0.03),
            neck=base.neck * (1.12 if child else 1.0),
            head=base.head * head * (1.28 if child else 1.0),
            upper_arm=base.upper_arm * arm * (0.92 if child else 1.0),
            forearm=base.forearm * arm * (0.92 if child else 1.0),
            thigh=base.thigh * leg * (0.9 if child else 1.0),
            shin=base.shin * leg * (0.9 if child else 1.0),
            girth=float(np.clip(rng.normal(1.05, 0.16), 0.8, 1.6)),
            limb=float(np.clip(rng.normal(1.05, 0.12), 0.8, 1.45)),
        )


@dataclass(frozen=True)
class Arm:
    """Degrees. `flex` lifts forwards, `spread` sideways, `twist` turns the elbow's plane."""

    flex: float = 0.0
    spread: float = 8.0
    twist: float = 0.0
    elbow: float = 12.0


@dataclass(frozen=True)
class Leg:
    """Degrees. `flex` lifts the thigh forwards, `knee` bends the shin backwards."""

    flex: float = 0.0
    spread: float = 4.0
    twist: float = 0.0
    knee: float = 3.0


@dataclass(frozen=True)
class Pose:
    """Joint angles in degrees. `facing` 0 looks at the viewer, 90 to the picture's right."""

    facing: float = 0.0
    lean: float = 0.0
    side: float = 0.0
    twist: float = 0.0
    roll: float = 0.0
    head_yaw: float = 0.0
    head_pitch: float = 0.0
    head_roll: float = 0.0
    left_arm: Arm = field(default_factory=Arm)
    right_arm: Arm = field(default_factory=Arm)
    left_leg: Leg = field(default_factory=Leg)
    right_leg: Leg = field(default_factory=Leg)
    tilt: float = 0.0

    def mirrored(self) -> Pose:
        """The pose that this one shows in a mirror."""
        return replace(
            self,
            facing=-self.facing,
            side=-self.side,
            twist=-self.twist,
            roll=-self.roll,
            head_yaw=-self.head_yaw,
            head_roll=-self.head_roll,
            left_arm=self.right_arm,
            right_arm=self.left_arm,
            left_leg=self.right_leg,
            right_leg=self.left_leg,
        )


@dataclass(frozen=True)
class Posed:
    """Where everything of one figure is, in the camera frame, the middle of the hips at 0.

    points: joints and helper points by name, each (3,). head, chest, pelvis: (3, 3), the
    columns are the part's own left, down and forward directions.
    """

    points: Mapping[str, Vector]
    head: Matrix
    chest: Matrix
    pelvis: Matrix

    @property
    def head_rotation(self) -> Matrix:
        """R = Rz(roll) Ry(yaw) Rx(pitch) of 300W-LP and 6DRepNet. With it the head's own left,
        down and forward directions are drawn at diag(1, -1) R'[:2] diag(1, -1, 1).
        """
        flip = np.diag([1.0, -1.0, 1.0])
        return flip @ self.head.T @ flip


def turn_x(degrees: float) -> Matrix:
    """Down turns towards forward."""
    c, s = cos(radians(degrees)), sin(radians(degrees))
    return np.array([[1, 0, 0], [0, c, -s], [0, s, c]])


def turn_y(degrees: float) -> Matrix:
    """Forward turns towards the figure's left, which is the picture's right."""
    c, s = cos(radians(degrees)), sin(radians(degrees))
    return np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def turn_z(degrees: float) -> Matrix:
    """Clockwise as the viewer sees it."""
    c, s = cos(radians(degrees)), sin(radians(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


# Points of the head in units of its radius: the person's left, down, forward.
HEAD_POINTS: Mapping[str, tuple[float, float, float]] = {
    "skull": (0.0, -0.08, 0.0),
    "chin": (0.0, 0.72, 0.26),
    "left_eye": (0.37, 0.0, 0.93),
    "right_eye": (-0.37, 0.0, 0.93),
    "nose": (0.0, 0.36, 1.14),
    "nose_root": (0.0, 0.08, 0.92),
    "left_ear": (0.99, 0.12, -0.08),
    "right_ear": (-0.99, 0.12, -0.08),
    "mouth": (0.0, 0.70, 0.86),
    "left_mouth": (0.26, 0.68, 0.80),
    "right_mouth": (-0.26, 0.68, 0.80),
    "left_brow": (0.36, -0.24, 0.90),
    "right_brow": (-0.36, -0.24, 0.90),
    "hair": (0.0, -0.24, -0.22),
    "nape": (0.0, 0.55, -0.48),
    "crown": (0.0, -0.42, -0.38),
    "fringe": (0.0, -0.66, 0.52),
    "left_fringe": (0.62, -0.52, 0.26),
    "right_fringe": (-0.62, -0.52, 0.26),
    "left_lock": (0.92, 0.42, -0.12),
    "right_lock": (-0.92, 0.42, -0.12),
    "peak": (0.0, -0.45, 1.45),
}
_HEAD_NAMES = tuple(HEAD_POINTS)
_HEAD_ARRAY = np.array([HEAD_POINTS[n] for n in _HEAD_NAMES])

# Points of the trunk: (frame, x in shoulder or hip widths, y along the torso, z in statures).
_CHEST_POINTS: Mapping[str, tuple[float, float, float]] = {
    "chest": (0.0, 0.30, 0.028),
    "back": (0.0, 0.30, -0.022),
    "collar": (0.0, 0.02, 0.036),
    "left_collar": (0.30, -0.06, 0.02),
    "right_collar": (-0.30, -0.06, 0.02),
    "neckline": (0.0, 0.24, 0.075),
    "zip": (0.0, 0.80, 0.075),
    "logo": (0.38, 0.32, 0.07),
    "spine": (0.0, 0.16, -0.06),
    "spine_low": (0.0, 0.80, -0.06),
}


def pose_figure(build: Build, pose: Pose) -> Posed:
    """All points of a figure of `build` in `pose`."""
    root = turn_z(pose.roll) @ turn_x(-pose.tilt) @ turn_y(pose.facing)
    pelvis = root @ turn_x(-0.35 * pose.lean) @ turn_z(0.3 * pose.side)
    chest = pelvis @ turn_x(-0.65 * pose.lean) @ turn_z(0.7 * pose.side) @ turn_y(pose.twist)
    head = (
        chest
        @ turn_x(0.55 * pose.lean)
        @ turn_y(pose.head_yaw)
        @ turn_x(pose.head_pitch)
        @ turn_z(pose.head_roll)
    )
    points: dict[str, Vector] = {"pelvis": np.zeros(3)}
    waist = pelvis @ np.array([0.0, -0.36 * build.torso, 0.0])
    top = waist + chest @ np.array([0.0, -0.64 * build.torso, 0.0])
    points["waist"], points["shoulders"] = waist, top
    for name, (x, y, z) in _CHEST_POINTS.items():
        local = np.array([x * build.shoulder, y * build.torso, z * build.girth])
        points[name] = top + chest @ local
    centre = top + chest @ np.array([0.0, -build.neck, 0.006])
    around = _HEAD_ARRAY @ head.T * build.head + centre
    points.update(zip(_HEAD_NAMES, around, strict=True))
    for side, sign in SIDES:
        _pose_arm(points, build, pose, side, sign, top, chest)
        _pose_leg(points, build, pose, side, sign, pelvis, root)
    return Posed(points, head, chest, pelvis)


def _pose_arm(
    points: dict[str, Vector],
    build: Build,
    pose: Pose,
    side: str,
    sign: float,
    top: Vector,
    chest: Matrix,
) -> None:
    arm = pose.left_arm if side == "left" else pose.right_arm
    # The shoulder itself rises with a lifted arm.
    lift = 0.02 * max(0.0, (max(abs(arm.flex), arm.spread) - 70.0) / 110.0)
    shoulder = top + chest @ np.array([sign * build.shoulder, -lift, 0.0])
    upper = chest @ turn_z(-sign * arm.spread) @ turn_x(arm.flex) @ turn_y(-sign * arm.twist)
    elbow = shoulder + upper[:, 1] * build.upper_arm
    lower = upper @ turn_x(arm.elbow)
    wrist = elbow + lower[:, 1] * build.forearm
    points[f"{side}_shoulder"] = shoulder
    points[f"{side}_elbow"] = elbow
    points[f"{side}_wrist"] = wrist
    points[f"{side}_hand"] = wrist + lower[:, 1] * 0.062
    points[f"{side}_sleeve"] = shoulder + upper[:, 1] * build.upper_arm * 0.62


def _pose_leg(
    points: dict[str, Vector],
    build: Build,
    pose: Pose,
    side: str,
    sign: float,
    pelvis: Matrix,
    root: Matrix,
) -> None:
    leg = pose.left_leg if side == "left" else pose.right_leg
    hip = pelvis @ np.array([sign * build.hip, 0.0, 0.0])
    upper = root @ turn_z(-sign * leg.spread) @ turn_x(leg.flex) @ turn_y(sign * leg.twist)
    knee = hip + upper[:, 1] * build.thigh
    lower = upper @ turn_x(-leg.knee)
    ankle = knee + lower[:, 1] * build.shin
    foot = lower @ turn_x(float(np.clip(0.35 * leg.knee, 0, 25)))
    points[f"{side}_hip"] = hip
    points[f"{side}_knee"] = knee
    points[f"{side}_ankle"] = ankle
    points[f"{side}_heel"] = ankle + foot @ np.array([0.0, 0.018, -0.014])
    points[f"{side}_toe"] = ankle + foot @ np.array([sign * 0.012, 0.026, 0.092])
    points[f"{side}_hem"] = hip + upper[:, 1] * build.thigh * 0.6
