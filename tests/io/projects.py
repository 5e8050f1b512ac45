"""A small project with all kinds of pictures."""

from dataclasses import replace
from pathlib import Path

from studio.core.annotation import AnnotatedImage, Shape, shapes_of
from studio.io import labelme
from studio.io.project import Project
from tests.io.data import small_picture
from tests.io.people import SKELETON
from tests.io.test_coco import example


def annotate(picture: Path, image: AnnotatedImage) -> None:
    labelme.write(labelme.annotation_path(picture), image)


def make_project(folder: Path) -> Project:
    """Six pictures: a plain one, one with a box only, a proposal, a reviewed one, one without
    annotation, a damaged one."""
    shapes = shapes_of(example(), SKELETON, 1)
    for number in (1, 2, 3, 4, 10):
        picture = small_picture(folder / "shots" / f"img_{number}.png")
        image = labelme.new_image(picture, (64, 48))
        if number == 1:
            annotate(picture, replace(image, shapes=shapes))
        elif number == 2:
            box = Shape("person", "rectangle", ((1.0, 1.0), (20.0, 20.0)), 2)
            annotate(picture, replace(image, shapes=(box,)))
        elif number == 3:
            extra = {"score": 0.25, "source": "model"}
            proposal = Shape("person", "rectangle", ((1.0, 1.0), (9.0, 9.0)), 3, extra=extra)
            nose = Shape("nose", "point", ((5.0, 5.0),), 3)
            annotate(picture, replace(image, shapes=(proposal, nose)))
        elif number == 4:
            person = tuple(replace(s, group_id=4) for s in shapes)
            annotate(picture, replace(image, shapes=person, flags={"reviewed": True}))
    picture = small_picture(folder / "shots" / "dog a pic.png")
    labelme.annotation_path(picture).write_text('{"shapes": [')
    rename = folder / "zoo"
    rename.mkdir()
    for path in folder.glob("shots/dog*"):
        path.rename(rename / path.name)
    return Project.open(folder)
