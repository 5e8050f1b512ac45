"""People that never were: seeded pictures and clips with exact labels.

Keypoints, visibility, outlines, head rotations and identities are known because they were drawn:
something to test, to demonstrate and to train with where there is no other data.
"""

from studio.vision.synthetic.clip import frames, make_clip
from studio.vision.synthetic.scene import SyntheticPicture, make_picture

__all__ = ["SyntheticPicture", "frames", "make_clip", "make_picture"]
