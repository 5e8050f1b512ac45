"""Real trainings, of seconds: they learn, go on exactly, and leave what a run leaves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("timm")

from studio.core.errors import DataError, FileProblem  # noqa: E402
from studio.core.head import mirrored  # noqa: E402
from studio.io.headpose_set import load_heads  # noqa: E402
from studio.io.images import read_image, write_image  # noqa: E402
from studio.plugins.sixdrepnet.config import TrainOptions  # noqa: E402
from studio.plugins.sixdrepnet.data import find_heads  # noqa: E402
from studio.plugins.sixdrepnet.examples import HeadExamples  # noqa: E402
from studio.plugins.sixdrepnet.family import SixDRepNetFamily  # noqa: E402
from studio.registry import find  # noqa: E402
from studio.runtime.artifacts import load_artifact  # noqa: E402
from studio.runtime.head_pose import HeadPoser  # noqa: E402
from tests.io.data import shared  # noqa: E402
from tests.plugins.sixdrepnet.heads import heads, options, run, write_heads  # noqa: E402
from tests.training_runs import Remote  # noqa: E402


def losses(remote: Remote) -> list[float]:
    return [e["values"]["loss"] for e in remote.named("metrics", split="train")]


def judged(remote: Remote) -> list[dict[str, float]]:
    return [e["values"] for e in remote.named("metrics", split="val")]


def quiet(*_: int) -> None:
    """No progress."""


def test_a_run_learns_and_leaves_what_a_run_leaves(tmp_path: Path) -> None:
    remote = Remote()
    artifact = run(tmp_path / "run", remote, epochs=8, flip=0.0, blur=0.0)
    curve = losses(remote)
    assert len(curve) == 24
    assert sum(curve[-3:]) < 0.8 * sum(curve[:3])
    figures = judged(remote)
    assert {"geodesic", "MAE", "MAE-yaw", "MAE-pitch", "MAE-roll", "official-MAE"} <= set(
        figures[-1]
    )
    assert artifact.task == "head-pose"
    assert artifact.metrics["geodesic"] == pytest.approx(min(f["geodesic"] for f in figures))
    for name in ("weights/best.pt", "weights/last.pt", "report/batch.jpg", "config.toml"):
        assert (tmp_path / "run" / name).is_file()
    assert list((tmp_path / "run" / "report").glob("val_*.jpg"))
    known = load_artifact(artifact.weights)
    assert known.input.size == (32, 32)
    # What the run says of its best weights is what they do when they are run.
    val = load_heads(heads()).side("val")
    from studio.metrics.head import head_errors

    with HeadPoser(known, device="cpu") as poser:
        found = poser.rotations([read_image(s.picture) for s in val])
    errors = head_errors(found, np.stack([s.rotation for s in val]))
    assert errors.geodesic.mean() == pytest.approx(artifact.metrics["geodesic"], abs=1e-2)


def test_resuming_equals_no_interruption(tmp_path: Path) -> None:
    values: dict[str, Any] = {"degrees": 15, "colours": 0.2, "schedule": "onecycle", "blur": 0.3}
    whole, first, second = Remote(), Remote(), Remote()
    run(tmp_path / "whole", whole, epochs=4, **values)
    # The first half is stopped after its second epoch, as a person would stop it.
    first.stop_when = lambda e: (
        e.event == "metrics" and e.data["split"] == "val" and e.data["epoch"] == 2
    )
    run(tmp_path / "parts", first, epochs=4, **values)
    run(tmp_path / "parts", second, epochs=4, resume=True, **values)
    assert len(losses(first)) == 6
    assert losses(first) + losses(second) == pytest.approx(losses(whole), abs=1e-5)
    for here, there in zip(judged(first) + judged(second), judged(whole), strict=True):
        assert here == pytest.approx(there, abs=1e-3)


def test_an_earlier_training_is_gone_on_from(tmp_path: Path) -> None:
    before = run(tmp_path / "first", epochs=1)
    remote = Remote()
    artifact = run(tmp_path / "second", remote, epochs=1, pretrained=str(tmp_path / "first"))
    (told,) = remote.named("transfer")
    assert not told["missing"]
    assert not told["shapes_differ"]
    assert artifact.parent == before.weights.name


def test_another_backbone_says_what_does_not_match(tmp_path: Path) -> None:
    run(tmp_path / "first", epochs=1)
    problems = SixDRepNetFamily().preflight(
        options(pretrained=str(tmp_path / "first"), backbone="mobilenetv3_small_050")
    )
    assert any("Nothing in these weights fits" in p.message for p in problems)


def test_the_guides_words_are_understood() -> None:
    flags = {
        flag: spec.name for spec in TrainOptions.fields() for flag in (spec.flag, *spec.aliases)
    }
    plain = {flag.replace("-", "_").strip("_"): name for flag, name in flags.items()}
    for word, name in {
        "gpu": "device", "num_epochs": "epochs", "batch_size": "batch", "lr": "lr",
        "dataset": "dataset", "data_dir": "data", "filename_list": "filename_list",
        "val_dataset": "val_dataset", "val_data_dir": "val_data",
        "val_filename_list": "val_filename_list", "seed": "seed", "scheduler": "scheduler",
        "milestones": "milestones", "amp": "amp", "save_interval": "save_interval",
    }.items():  # fmt: skip
        assert plain[word] == name, word
    given = TrainOptions.from_mapping({"scheduler": True, "dataset": "Aisin"})
    assert given.schedule == "steps"
    assert given.dataset == "headpose"
    assert given.milestones == (10, 20)
    assert given.gamma == 0.5
    assert (given.epochs, given.batch, given.lr, given.optimizer) == (30, 64, 1e-4, "adam")
    assert TrainOptions().schedule == "constant"
    assert find("family", "sixdrepnet").options_class() is TrainOptions


def test_300w_lp_is_trained_on_as_it_is_and_judged_on_aflw2000(tmp_path: Path) -> None:
    train, val = shared("headpose/300W_LP"), shared("headpose/AFLW2000")
    names = tmp_path / "files.txt"
    names.write_text("image00050\nimage00251\nimage01322\n")
    found = find_heads(
        options(data=str(train), dataset="Pose_300W_LP", val_data=str(val), val_dataset="AFLW2000",
                val_filename_list=str(names)),
        quiet,
    )  # fmt: skip
    assert len(found.train) == 1
    assert [s.name for s in found.val] == ["image00050", "image00251", "image01322"]
    remote = Remote()
    run(tmp_path / "run", remote, data=str(val), val_data=str(train), epochs=1, batch=4)
    assert judged(remote)[0]["geodesic"] > 0


def test_the_crop_of_300w_lp_is_drawn_anew_each_time() -> None:
    sample = load_heads(shared("headpose/300W_LP")).samples[0]
    examples = HeadExamples(options(flip=0, crop_scale=1, stretch=1, blur=0, imgsz=64), [sample])
    first, second = (
        examples.example(0, 1, np.random.default_rng(seed))["picture"].astype(float)
        for seed in (1, 2)
    )
    again = examples.example(0, 1, np.random.default_rng(1))["picture"].astype(float)
    assert (first == again).all()
    assert np.abs(first - second).mean() > 1


def test_a_mirrored_example_is_the_mirror_image_with_the_mirrored_rotation() -> None:
    sample = load_heads(heads()).samples[0]
    plain = HeadExamples(options(flip=0, crop_scale=1, stretch=1, blur=0), [sample])
    flipped = HeadExamples(options(flip=1, crop_scale=1, stretch=1, blur=0), [sample])
    one = plain.example(0, 1, np.random.default_rng(0))
    other = flipped.example(0, 1, np.random.default_rng(0))
    difference = one["picture"].astype(float) - other["picture"][:, ::-1].astype(float)
    assert np.abs(difference).max() <= 2
    assert other["rotation"] == pytest.approx(mirrored(one["rotation"]), abs=1e-6)


def test_lists_choose_both_sides(tmp_path: Path) -> None:
    names = tmp_path / "some.txt"
    names.write_text("heads/h000\nheads/h001.png\n")
    found = find_heads(options(filename_list=str(names)), quiet)
    assert [s.picture.name for s in found.train] == ["h000.png", "h001.png"]
    assert len(found.val) == 6
    both = find_heads(options(filename_list=str(names), val_filename_list=str(names)), quiet)
    assert [s.name for s in both.val] == [s.name for s in both.train]
    assert any("look too good" in p.message for p in both.problems)


def test_a_set_without_sides_needs_one_to_judge_on(tmp_path: Path) -> None:
    folder = write_heads(tmp_path / "set", 4, 0)
    for name in ("train.txt", "val.txt"):
        (folder / name).unlink()
    with pytest.raises(DataError, match="judged on"):
        find_heads(options(data=str(folder)), quiet)
    found = find_heads(options(data=str(folder), val_data=str(heads())), quiet)
    assert len(found.train) == 4
    assert len(found.val) == 18


def test_pictures_that_show_more_than_a_head_are_to_be_cropped_first(tmp_path: Path) -> None:
    from tests.plugins.test_head_pose_formats import motion_set

    with pytest.raises(DataError, match="more than a head") as caught:
        find_heads(options(data=str(motion_set(tmp_path / "set"))), quiet)
    assert "convert" in caught.value.hint


def test_what_is_wrong_is_named_before_the_start(tmp_path: Path) -> None:
    family = SixDRepNetFamily()
    for values, said in (
        ({"data": str(tmp_path / "gone")}, "no folder of heads"),
        ({"data": str(tmp_path)}, "No head-pose set"),
        ({"backbone": "repvgg_z9"}, "repvgg_z9"),
        ({"device": "7"}, "GPU"),
    ):
        problems = family.preflight(options(**values))
        assert any(said in p.message for p in problems if p.severity == "error"), said
    without = TrainOptions.from_mapping({"device": "cpu"})
    assert any(p.where == "data" for p in family.preflight(without))


def test_a_picture_that_goes_away_ends_the_run_with_its_name(tmp_path: Path) -> None:
    folder = write_heads(tmp_path / "set", 6, 2)
    for path in (folder / "heads").glob("h00[0-3].png"):
        path.write_bytes(b"")
    with pytest.raises((DataError, FileProblem)) as caught:
        run(tmp_path / "run", data=str(folder), epochs=1)
    assert "h00" in str(caught.value)


def test_a_judged_picture_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    folder = write_heads(tmp_path / "set", 6, 2)
    (folder / "heads" / "h005.png").write_bytes(b"")
    remote = Remote()
    run(tmp_path / "run", remote, data=str(folder), epochs=1)
    assert any("h005.png" in e["message"] for e in remote.named("log"))


def test_pictures_of_any_size_and_kind_are_taken(tmp_path: Path) -> None:
    folder = write_heads(tmp_path / "set", 6, 2)
    write_image(folder / "heads" / "h000.png", np.full((7, 300, 3), 90, np.uint8))
    write_image(folder / "heads" / "h001.png", np.full((900, 20), 90, np.uint8))
    artifact = run(tmp_path / "run", data=str(folder), epochs=1)
    assert artifact.metrics["geodesic"] > 0
