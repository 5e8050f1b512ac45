"""Short films: the same people from picture to picture, who walk, cross, wave, come and go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from math import pi, sin

import numpy as np

from studio.vision.synthetic.background import Camera, make_background, sample_light
from studio.vision.synthetic.body import Arm, Pose
from studio.vision.synthetic.canvas import Image
from studio.vision.synthetic.figure import Look
from studio.vision.synthetic.poses import stand, walk_at
from studio.vision.synthetic.scene import Actor, SyntheticPicture, paint_scene

Rng = np.random.Generator

FPS = 25.0
# Statures that a walker gets on with in one turn of the legs.
_TURN = 0.82


@dataclass(frozen=True)
class Role:
    """What one person does through a film, as a function of the time alone.

    kind: "cross" walks from side to side and out of the picture, "approach" comes nearer and
    goes away again, "wave" stays, waves and looks about, "turn" stays and turns round.
    """

    look: Look
    kind: str
    idle: Pose
    start: float
    way: int
    ground: float
    scale: float
    pace: float
    tilt: float
    track_id: int

    def at(self, t: float, size: tuple[int, int]) -> Actor:
        """The person at `t` seconds in a picture of `size` (width, height)."""
        width, height = size
        scale, x, pose = self.scale * height, self.start * width, self.idle
        if self.kind == "cross":
            x, pose = self._crossing(t, width, scale)
        elif self.kind == "approach":
            swing = 2 * pi * (t / 14 + self.start)
            scale *= 1.0 + 0.3 * sin(swing)
            coming = sin(swing + pi / 2)
            pose = replace(
                walk_at(self.pace * t / _TURN), facing=90 - 90 * float(np.tanh(4 * coming))
            )
        elif self.kind == "turn":
            pose = replace(pose, facing=40.0 * t * self.way + 360 * self.start)
        else:
            pose = self._waving(t)
        pose = replace(
            pose, tilt=self.tilt, head_yaw=pose.head_yaw + 18 * sin(0.9 * t + self.ground)
        )
        # Feet stay on the ground when knees bend; a walker bobs a little.
        hips = self.ground * height - 0.5 * scale
        return Actor(self.look, pose, (x, hips), scale, self.scale, self.track_id)

    def _crossing(self, t: float, width: int, scale: float) -> tuple[float, Pose]:
        """There and back again; the turn happens outside the picture."""
        margin = 0.45 * scale
        path = width + 2 * margin
        gone = (self.pace * scale * t + self.start * path) % (2 * path)
        onward = gone < path
        x = gone - margin if onward else 2 * path - gone - margin
        direction = self.way if onward else -self.way
        if self.way < 0:
            x = width - x
        pose = walk_at(self.pace * t / _TURN + self.ground, 26, 18)
        return x, replace(pose, facing=80.0 * direction)

    def _waving(self, t: float) -> Pose:
        up = 0.5 + 0.5 * sin(1.3 * t + 5 * self.start)
        arm = Arm(flex=10, spread=20 + 130 * up, twist=0, elbow=25 + 30 * sin(6 * t) * up)
        facing = self.idle.facing + 25 * sin(0.7 * t)
        side = {"left_arm": arm} if self.way > 0 else {"right_arm": arm}
        return replace(self.idle, facing=facing, side=4 * sin(1.1 * t), **side)


def make_clip(
    seed: int,
    frames: int,
    size: int | tuple[int, int] = 320,
    people: int = 3,
    *,
    fps: float = FPS,
) -> Iterator[SyntheticPicture]:
    """`frames` pictures of one film; a person's `track_id` is the same in all of them.

    size: pixels of a square, or (width, height). Who is outside or wholly covered has no label
    in that frame. The same seed gives the same bytes.
    """
    film = _Film(seed, (size, size) if isinstance(size, int) else size, people)
    return (film.picture(number, fps) for number in range(frames))


def frames(seed: int, size: tuple[int, int], fps: float = FPS, people: int = 3) -> Iterator[Image]:
    """An endless film, (H, W, 3) uint8 BGR a frame: a camera where there is none."""
    film = _Film(seed, size, people)
    return (film.picture(number, fps).image for number in count())


class _Film:
    """The place, the light, the camera and the roles of one film."""

    def __init__(self, seed: int, size: tuple[int, int], people: int) -> None:
        rng = np.random.default_rng((seed, 1))
        self.seed, self.size = seed, size
        self.background = make_background(rng, *size)
        self.light = sample_light(rng)
        self.camera = replace(Camera.sample(rng), blur=0.0, smear=0, noise=3.0)
        self.roles = sorted(_cast(rng, people), key=lambda role: role.scale)
        self.posts = int(rng.random() < 0.5)

    def picture(self, number: int, fps: float) -> SyntheticPicture:
        actors = [role.at(number / fps, self.size) for role in self.roles]
        # The same draws for every frame: what stands before the people stays where it is.
        still = np.random.default_rng((self.seed, 2))
        picture = paint_scene(still, self.background, self.light, actors, self.posts, keep_all=True)
        noise = np.random.default_rng((self.seed, 3, number))
        return replace(picture, image=self.camera.take(noise, picture.image))


def _cast(rng: Rng, people: int) -> Iterator[Role]:
    """Two who cross each other's way, then the others in turn."""
    kinds = ("cross", "cross", "wave", "approach", "turn")
    tilt = rng.uniform(0, 10)
    for number in range(people):
        scale = float(rng.uniform(0.42, 0.62))
        yield Role(
            look=Look.sample(rng),
            kind=kinds[number % len(kinds)],
            idle=replace(stand(rng), facing=rng.normal(0, 20)),
            start=0.25 * rng.random() if number < 2 else rng.uniform(0.15, 0.85),
            way=1 if number % 2 == 0 else -1,
            ground=0.93 - 0.75 * (0.62 - scale) + 0.02 * rng.random(),
            scale=scale,
            pace=rng.uniform(0.6, 0.85),
            tilt=tilt,
            track_id=number + 1,
        )
