"""What figures do: standing, walking, sitting, reaching up, bending, and how that moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import pi, sin

import numpy as np

from studio.vision.synthetic.body import Arm, Leg, Pose

Rng = np.random.Generator


def sample_pose(rng: Rng) -> Pose:
    """Any pose, seen from anywhere."""
    makers = list(_MAKERS)
    weights = np.array([_MAKERS[m] for m in makers])
    pose = makers[int(rng.choice(len(makers), p=weights / weights.sum()))](rng)
    pose = replace(
        pose,
        facing=sample_facing(rng),
        side=pose.side + rng.normal(0, 4),
        twist=pose.twist + rng.normal(0, 9),
        roll=rng.normal(0, 3),
        head_yaw=float(np.clip(rng.normal(0, 20), -75, 75)),
        head_pitch=float(np.clip(rng.normal(-4, 12), -45, 40)),
        head_roll=float(np.clip(rng.normal(0, 8), -30, 30)),
        tilt=float(np.clip(rng.normal(4, 5), -10, 24)),
    )
    return pose.mirrored() if rng.random() < 0.5 else pose


def sample_facing(rng: Rng) -> float:
    """Degrees; rather more often towards the viewer than away or across."""
    kind = rng.random()
    if kind < 0.52:
        return float(rng.normal(0, 28))
    if kind < 0.70:
        return 180.0 + float(rng.normal(0, 28))
    return float(rng.choice([-90, 90])) + float(rng.normal(0, 24))


def stand(rng: Rng) -> Pose:
    """On both legs; the arms hang, fold, point, or rest on the hips."""
    legs = [
        Leg(rng.normal(0, 5), abs(rng.normal(5, 3)), rng.normal(8, 8), abs(rng.normal(0, 6)))
        for _ in range(2)
    ]
    return Pose(
        lean=rng.normal(2, 4),
        left_arm=_idle_arm(rng),
        right_arm=_idle_arm(rng),
        left_leg=legs[0],
        right_leg=legs[1],
    )


def _idle_arm(rng: Rng) -> Arm:
    kind = rng.random()
    if kind < 0.5:
        return Arm(
            rng.normal(3, 8), abs(rng.normal(9, 5)), rng.normal(0, 15), abs(rng.normal(14, 9))
        )
    if kind < 0.62:  # hand on the hip
        return Arm(rng.normal(-12, 6), rng.normal(42, 6), rng.normal(62, 10), rng.normal(92, 10))
    if kind < 0.75:  # before the body: a telephone, a cup
        return Arm(
            rng.normal(22, 12), abs(rng.normal(10, 6)), rng.normal(35, 20), rng.uniform(60, 135)
        )
    if kind < 0.88:  # pointing, reaching
        return Arm(
            rng.uniform(40, 110),
            abs(rng.normal(10, 14)),
            rng.normal(0, 20),
            abs(rng.normal(10, 14)),
        )
    return Arm(rng.normal(0, 10), rng.uniform(35, 95), rng.normal(0, 20), abs(rng.normal(18, 16)))


def walk_at(phase: float, stride: float = 28.0, bend: float = 20.0) -> Pose:
    """One moment of a step. `phase` in turns; `stride` the thigh's swing in degrees."""
    swing = sin(2 * pi * phase)
    lift = [max(0.0, sin(2 * pi * (phase + shift))) for shift in (0.22, 0.72)]
    arms = [
        Arm(flex=-0.85 * stride * s, spread=7, elbow=bend + 0.4 * stride * max(0.0, -s))
        for s in (swing, -swing)
    ]
    legs = [
        Leg(flex=stride * s + 4, spread=2, knee=5 + (0.6 * bend + 1.3 * stride) * up)
        for s, up in zip((swing, -swing), lift, strict=True)
    ]
    return Pose(
        lean=2 + 0.1 * stride,
        twist=-5 * swing,
        left_arm=arms[0],
        right_arm=arms[1],
        left_leg=legs[0],
        right_leg=legs[1],
    )


def walk(rng: Rng) -> Pose:
    """Walking, or running with bent arms."""
    if rng.random() < 0.25:
        return walk_at(rng.random(), rng.uniform(38, 55), rng.uniform(50, 85))
    return walk_at(rng.random(), rng.uniform(15, 34), rng.uniform(8, 30))


def sit(rng: Rng) -> Pose:
    """On something about knee-high, which need not be drawn."""
    legs = [
        Leg(rng.normal(84, 9), abs(rng.normal(9, 7)), rng.normal(0, 6), rng.normal(82, 16))
        for _ in range(2)
    ]
    arms = [
        Arm(rng.normal(26, 12), abs(rng.normal(8, 6)), rng.normal(15, 15), rng.uniform(25, 95))
        for _ in range(2)
    ]
    return Pose(
        lean=rng.normal(6, 10),
        left_arm=arms[0],
        right_arm=arms[1],
        left_leg=legs[0],
        right_leg=legs[1],
    )


def arms_up(rng: Rng) -> Pose:
    """One arm or both above the shoulder."""
    raised = [
        Arm(rng.normal(8, 12), rng.uniform(110, 175), rng.normal(0, 30), abs(rng.normal(22, 24)))
        for _ in range(2)
    ]
    pose = stand(rng)
    if rng.random() < 0.45:
        return replace(pose, left_arm=raised[0])
    return replace(pose, left_arm=raised[0], right_arm=raised[1])


def bend(rng: Rng) -> Pose:
    """Bent at the hips, reaching down or forward."""
    lean = rng.uniform(35, 88)
    arms = [
        Arm(
            lean * rng.uniform(0.5, 1.15),
            abs(rng.normal(6, 5)),
            rng.normal(0, 12),
            abs(rng.normal(14, 12)),
        )
        for _ in range(2)
    ]
    legs = [
        Leg(rng.normal(10, 8), abs(rng.normal(6, 4)), 0.0, abs(rng.normal(16, 12)))
        for _ in range(2)
    ]
    return Pose(
        lean=lean,
        left_arm=arms[0],
        right_arm=arms[1],
        left_leg=legs[0],
        right_leg=legs[1],
    )


def crouch(rng: Rng) -> Pose:
    """Knees bent deeply, or a lunge."""
    if rng.random() < 0.5:
        flex = rng.uniform(70, 120)
        legs = [
            Leg(
                flex + rng.normal(0, 6), abs(rng.normal(14, 8)), 0.0, flex * rng.uniform(1.05, 1.25)
            )
            for _ in range(2)
        ]
    else:
        legs = [
            Leg(rng.uniform(40, 75), 4.0, 0.0, rng.uniform(50, 85)),
            Leg(-rng.uniform(10, 35), 4.0, 0.0, rng.uniform(5, 60)),
        ]
    pose = stand(rng)
    return replace(pose, lean=rng.normal(16, 9), left_leg=legs[0], right_leg=legs[1])


_MAKERS: dict[Callable[[Rng], Pose], float] = {
    stand: 0.38,
    walk: 0.28,
    sit: 0.11,
    arms_up: 0.12,
    bend: 0.06,
    crouch: 0.05,
}
