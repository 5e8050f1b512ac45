"""Stored predictions get identities: of a video, of pictures, in all forms that are read."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from studio.core.errors import DataError, FileProblem, PluginError, UsageError
from studio.io.images import write_image
from studio.io.keypoint_rows import read_rows
from studio.io.video import VideoReader, VideoWriter
from studio.runtime.results import alphapose_record, records
from tests.jobs.listening import Listener, run
from tests.tracking import FPS, clip, found_in

FRAMES = 30
Rows = list[dict[str, Any]]


def stored_rows(name: str = "clip.avi", *, pictures: bool = False) -> Rows:
    """What a model might have written of the clip, people in any order."""
    rng = np.random.default_rng(1)
    rows: Rows = []
    for index, picture in enumerate(clip(1, FRAMES)):
        image = f"{index}.jpg" if pictures else name
        frame = 0 if pictures else index
        rows += records(image, index + 1, frame, index / FPS, found_in(picture, rng))
    return rows


def write(path: Path, rows: Sequence[Any]) -> Path:
    path.write_text(json.dumps(list(rows)), encoding="utf-8")
    return path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "clip.avi"
    with VideoWriter(path, FPS, (480, 320)) as writer:
        for picture in clip(1, FRAMES):
            writer.write(picture.image)
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Numbered without leading zeros, as AlphaPose's tools write frames."""
    folder = tmp_path / "walk"
    for index, picture in enumerate(clip(1, FRAMES)):
        write_image(folder / f"{index}.jpg", picture.image)
    return folder


def identities(rows: Rows) -> dict[int, set[int]]:
    """The identities that each real person was given; `box_score` says who it is."""
    found: dict[int, set[int]] = {}
    for row in rows:
        found.setdefault(int(row["box_score"]), set()).add(row["track_id"])
    return found


def test_a_video_gets_identities_in_every_file(video: Path, tmp_path: Path) -> None:
    rows = stored_rows()
    rows[0]["head"] = {"rotation": np.eye(3).tolist(), "yaw": 1.0, "pitch": 2.0, "roll": 3.0}
    pred, out = write(tmp_path / "predictions.json", rows), tmp_path / "out"
    listener = Listener()
    result = run("track", tmp_path, listener, source=video, pred=pred, out=out)
    told = json.loads((out / "predictions.json").read_text())
    assert (result["frames"], result["people"], result["problems"]) == (FRAMES, len(rows), [])
    assert all(len(ids) == 1 for ids in identities(told).values())
    assert result["tracks"] == len({r["track_id"] for r in told}) == len(identities(told))
    kept = ("image", "image_id", "frame", "time", "category_id", "bbox", "score")
    assert [[r[k] for k in kept] for r in told] == [[r[k] for k in kept] for r in rows]
    assert told[0]["head"] == rows[0]["head"]
    with (out / "predictions.csv").open() as stream:
        table = list(csv.DictReader(stream))
    assert [int(r["track_id"]) for r in table] == [r["track_id"] for r in told]
    assert "left_wrist_x" in table[0]
    mot = read_rows(out / "clip_pred.txt")
    assert [(r.frame, r.track, r.category) for r in mot] == [
        (r["frame"], r["track_id"], 0) for r in told
    ]
    assert {a["kind"] for a in listener.of("artifact")} == {"json", "csv", "tracks", "folder"}
    assert listener.of("progress")[-1] == {"stage": "track", "done": FRAMES, "total": FRAMES}


@pytest.mark.parametrize("tracker", ["oks", "bytetrack", "botsort", "poseflow", "klt"])
def test_each_tracker_tells_the_same_identities_in_json_and_csv(
    tracker: str, video: Path, tmp_path: Path
) -> None:
    pred, out = write(tmp_path / "predictions.json", stored_rows()), tmp_path / "out"
    values = {"every": 5} if tracker == "klt" else {}
    result = run("track", tmp_path, source=video, pred=pred, out=out, tracker=tracker, **values)
    told = json.loads((out / "predictions.json").read_text())
    with (out / "predictions.csv").open() as stream:
        table = [row["track_id"] for row in csv.DictReader(stream)]
    # A person who is not sure enough to be followed has none.
    given = [r.get("track_id") for r in told]
    assert table == ["" if one is None else str(one) for one in given]
    assert len(set(given) - {None}) == result["tracks"] >= 3
    assert all(len(ids) <= 2 for ids in identities([r for r in told if "track_id" in r]).values())
    again = run("track", tmp_path, source=video, pred=pred, out=tmp_path / "again",
                tracker=tracker, **values)  # fmt: skip
    assert Path(again["json"]).read_bytes() == (out / "predictions.json").read_bytes()


def test_the_drawn_video_has_every_frame(video: Path, tmp_path: Path) -> None:
    pred = write(tmp_path / "predictions.json", stored_rows())
    run("track", tmp_path, source=video, pred=pred, out=tmp_path / "o", vis=tmp_path / "vis")
    assert sum(1 for _ in VideoReader(tmp_path / "vis" / "result.mp4")) == FRAMES


def test_pictures_come_in_the_order_of_their_numbers(pictures: Path, tmp_path: Path) -> None:
    rows = stored_rows(pictures=True)
    pred = write(tmp_path / "predictions.json", rows)
    out, vis = tmp_path / "tracked.json", tmp_path / "vis"
    result = run("track", tmp_path, source=pictures, pred=pred, out=out, vis=vis)
    told = json.loads(out.read_text())
    assert [r["image"] for r in told] == [r["image"] for r in rows]
    assert all(len(ids) == 1 for ids in identities(told).values())
    assert result["rows"] == [str(tmp_path / "walk_pred.txt")]
    assert len(list(vis.iterdir())) == FRAMES


def test_alphaposes_list_is_tracked(video: Path, tmp_path: Path) -> None:
    rows = stored_rows()
    pred = write(tmp_path / "alphapose-results.json",
                 [alphapose_record(r, frames=True) for r in rows])  # fmt: skip
    run("track", tmp_path, source=video, pred=pred, out=tmp_path / "o")
    told = json.loads((tmp_path / "o" / "predictions.json").read_text())
    assert [r["frame"] for r in told] == [r["frame"] for r in rows]
    assert len({r["track_id"] for r in told}) == len({r["box_score"] for r in rows})


def test_without_a_folder_the_next_free_one_is_taken(video: Path, tmp_path: Path) -> None:
    from studio.jobs.track import place
    from studio.registry.jobs import JobSpec, options_for

    asked = options_for(JobSpec("track", {"source": str(video), "pred": "p.json"}))
    assert asked.plugin == "oks"
    assert [place(asked, tmp_path) for _ in range(2)] == [
        tmp_path / "runs" / "track" / str(n) for n in (1, 2)
    ]


def test_predictions_of_something_else_are_refused(
    video: Path, pictures: Path, tmp_path: Path
) -> None:
    pred = write(tmp_path / "predictions.json", stored_rows(pictures=True))
    (pictures / "3.jpg").unlink()
    with pytest.raises(DataError, match=r"no picture or frame '3\.jpg'"):
        run("track", tmp_path, source=pictures, pred=pred, out=tmp_path / "o")
    with pytest.raises(DataError, match="not to a camera"):
        run("track", tmp_path, source="synthetic:", pred=pred, out=tmp_path / "o")
    with pytest.raises(DataError, match="joints stand here"):
        run("track", tmp_path, source=video, pred=pred, out=tmp_path / "o", skeleton="face5")
    with pytest.raises(DataError, match="nobody"):
        run("track", tmp_path, source=video, pred=write(tmp_path / "e.json", []))
    with pytest.raises(FileProblem):
        run("track", tmp_path, source=video, pred=tmp_path / "none.json")
    with pytest.raises(PluginError, match="no tracker called 'magic'"):
        run("track", tmp_path, source=video, pred=pred, tracker="magic")
    with pytest.raises(UsageError):
        run("track", tmp_path, source=video, pred=pred, nonsense=1)
    assert not (tmp_path / "o").exists() or not list((tmp_path / "o").iterdir())


def test_drawn_pictures_never_replace_the_source(pictures: Path, tmp_path: Path) -> None:
    pred = write(tmp_path / "predictions.json", stored_rows(pictures=True))
    with pytest.raises(DataError, match="replace"):
        run("track", tmp_path, source=pictures, pred=pred, out=tmp_path / "o", vis=pictures)


def test_frames_after_the_end_are_told(video: Path, tmp_path: Path) -> None:
    rows = stored_rows()
    late = [{**row, "frame": row["frame"] + 500} for row in rows[:1]]
    pred = write(tmp_path / "predictions.json", [*rows, *late])
    result = run("track", tmp_path, source=video, pred=pred, out=tmp_path / "o",
                 vis=tmp_path / "vis")  # fmt: skip
    assert [p["message"] for p in result["problems"]] == [
        "It has 30 frames; predictions of 1 frame after its end were left out."
    ]
