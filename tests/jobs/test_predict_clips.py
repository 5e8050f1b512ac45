"""Predicting clips: the frame before is looked at, tracks are written a file a video."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

pytest.importorskip("torch")
pytest.importorskip("timm")

from studio.core.artifact import ModelArtifact
from studio.core.errors import UsageError
from studio.core.job import JobContext
from studio.core.requests.predict import PredictOptions
from studio.io.images import write_image
from studio.io.video import VideoReader, VideoWriter
from studio.io.video_keypoints import read_rows
from studio.jobs import predict
from studio.runtime.clips import ClipPredictor, History
from tests.plugins.kpnet_clips import make_set, picture
from tests.plugins.test_kpnet_export import make_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelArtifact:
    return make_model(tmp_path_factory.mktemp("model") / "kpnet", 6)


def _predict(model: ModelArtifact, source: Path, out: Path, **values: Any) -> dict[str, Any]:
    options = PredictOptions(
        model=model.weights.parent, source=str(source), save_dir=out, conf=0.0, device="cpu",
        no_draw=True, **values,
    ).validated()  # fmt: skip
    return predict.run(options, JobContext(lambda _: None))


def _points(rows: list[dict[str, Any]]) -> dict[tuple[int, int], np.ndarray]:
    return {
        (r["frame"], r["category_id"] - 1): np.array(r["keypoints"]).reshape(-1, 3) for r in rows
    }


@pytest.mark.parametrize("batch", [1, 3])
def test_a_video_is_shown_in_its_order(model: ModelArtifact, tmp_path: Path, batch: int) -> None:
    video = tmp_path / "walk.mp4"
    with VideoWriter(video, 10.0, (64, 48)) as writer:
        for number in range(7):
            writer.write(picture(0, number))
    result = _predict(model, video, tmp_path / "out", save_json=True, save_mot=True, batch=batch)
    assert result["frames"] == 7
    found = _points(orjson.loads(Path(result["json"]).read_bytes()))
    with ClipPredictor(model, conf=0, device="cpu") as one, VideoReader(video) as reader:
        for index, _, frame in reader:
            for person in one.predict(frame):
                assert np.abs(found[index, person.category_id] - person.keypoints).max() < 0.01
    (path,) = result["tracks"]
    assert Path(path).name == "walk_pred.txt"
    rows = read_rows(path)
    assert [(r.frame, r.category, r.track) for r in rows] == [
        (n, c, t) for n in range(7) for c, t in ((4, 1), (9, 2))
    ]
    assert np.abs(rows[0].keypoints[:, :2] - found[0, 0][:2, :2]).max() < 0.01
    assert set(np.unique(rows[0].keypoints[:, 2])) <= {1, 2}


def test_a_set_stands_for_its_val_side(model: ModelArtifact, tmp_path: Path) -> None:
    root = make_set(tmp_path / "data", train=1, masks=False)
    result = _predict(model, root, tmp_path / "out", save_json=True)
    assert [Path(p).name for p in result["tracks"]] == ["V01_pred.txt"]
    assert [r.frame for r in read_rows(result["tracks"][0])] == [n for n in range(5) for _ in "ab"]
    whole = {
        (r["image"], r["category_id"]): np.array(r["keypoints"])
        for r in orjson.loads(Path(result["json"]).read_bytes())
    }
    # Frame 2 moves to before/: frame 3 is seen as before, though 2 is not asked about.
    frames = root / "val" / "frames" / "V01"
    before = root / "val" / "before" / "V01"
    before.mkdir(parents=True)
    (frames / "V01_frame_000002.png").rename(before / "V01_frame_000002.png")
    for batch in (1, 4):
        result = _predict(model, root, tmp_path / f"again{batch}", save_json=True, batch=batch)
        assert result["frames"] == 4
        for row in orjson.loads(Path(result["json"]).read_bytes()):
            expected = whole[row["image"], row["category_id"]]
            assert np.abs(np.array(row["keypoints"]) - expected).max() < 0.01
    # Without it frame 3 shows no motion and is another input.
    (before / "V01_frame_000002.png").unlink()
    result = _predict(model, root, tmp_path / "alone", save_json=True)
    row = next(
        r
        for r in orjson.loads(Path(result["json"]).read_bytes())
        if r["image"] == "V01_frame_000003.png"
    )
    assert np.abs(np.array(row["keypoints"]) - whole[row["image"], row["category_id"]]).max() > 0.01


def test_pictures_that_are_no_frames_have_nothing_before_them(
    model: ModelArtifact, tmp_path: Path
) -> None:
    for number in range(3):
        write_image(tmp_path / "photos" / f"photo{number}.png", picture(0, number))
    result = _predict(model, tmp_path / "photos", tmp_path / "out", save_json=True)
    assert "tracks" not in result
    rows = orjson.loads(Path(result["json"]).read_bytes())
    with ClipPredictor(model, conf=0, device="cpu") as one:
        for number in range(3):
            one.reset()
            first = one.predict(picture(0, number))[0]
            points = np.array(rows[2 * number]["keypoints"]).reshape(-1, 3)
            assert np.abs(points - first.keypoints).max() < 0.01


def test_another_heatmap_size_is_refused(model: ModelArtifact, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="heatmap-size") as caught:
        _predict(model, make_set(tmp_path / "data"), tmp_path / "out", heatmap_size=(196,))
    assert "20,30" in str(caught.value)


def test_history_keeps_the_farthest_frame_within_the_gap() -> None:
    history = History(3)
    frames = [np.full((2, 2, 3), n, np.uint8) for n in range(9)]
    assert history.before(("a", 0), frames[0]) is None
    assert history.before(("a", 2), frames[2]) is frames[0]
    assert history.before(("a", 3), frames[3]) is frames[0]
    assert history.before(("a", 4), frames[4]) is frames[2]
    assert history.before(("b", 5), frames[5]) is None
    assert history.before(("b", 9), frames[6]) is None
    assert history.before(("b", 8), frames[7]) is frames[5]
    history.clear()
    assert history.before(("b", 10), frames[8]) is None
