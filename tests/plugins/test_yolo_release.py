"""Published weights by their name, from a server on this machine; never unasked."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from studio.cli import main
from studio.core.errors import Cancelled, UsageError
from studio.io.download import DownloadProblem
from studio.plugins.yolo_pose import release
from studio.plugins.yolo_pose.config import MODELS
from studio.runtime.weights import weights_folder
from tests.serving import served
from tests.training_runs import Remote, context_of, needs_yolo

SAMPLE = Path("resources/sample/weights/sample-pose.pt")


def weights(size: int = 1_200_000, name: str = "m/data.pkl") -> bytes:
    """An archive as large as weights, with PyTorch's file in it."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        # A date of its own: the same bytes each time.
        archive.writestr(zipfile.ZipInfo(name), b"\x80\x02}q\x00.")
        archive.writestr(zipfile.ZipInfo("m/data/0"), bytes(size))
    return held.getvalue()


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    assert weights_folder().is_relative_to(tmp_path)
    monkeypatch.chdir(tmp_path)


def test_the_address_is_the_package_s_own():
    if not needs_yolo.args[0]:
        from studio.plugins.yolo_pose.guard import ultralytics

        ultralytics()
        from ultralytics.utils.downloads import GITHUB_ASSETS_NAMES

        published = [name for name in MODELS if release.known_weights(name)]
        assert len(published) == 15
        assert set(published) <= GITHUB_ASSETS_NAMES
    assert release.RELEASE.startswith("https://")


def test_a_known_name_is_fetched_once(tmp_path, monkeypatch):
    remote = Remote()
    with served({"/yolo11s-pose.pt": weights()}) as (base, asked):
        monkeypatch.setenv(release.MIRROR, base + "/")
        found = release.fetch("yolo11s-pose.pt", context_of(tmp_path / "run", remote))
        again = release.fetch("yolo11s-pose.pt", context_of(tmp_path / "run", remote))
    assert asked == ["/yolo11s-pose.pt"]
    assert found == again == weights_folder() / "yolo11s-pose.pt"
    assert found.read_bytes() == weights()
    progress = remote.named("progress", stage="download")
    assert progress[-1]["done"] == progress[-1]["total"] == len(weights()) // 1000
    assert remote.named("artifact", kind="weights") == [{"kind": "weights", "path": str(found)}]


@pytest.mark.parametrize(
    "name", ["mine.pt", "../yolo11n-pose.pt", "folder/yolo11n-pose.pt", "yolo11n.pt"]
)
def test_other_names_ask_nobody(tmp_path, monkeypatch, name):
    with served({}) as (base, asked):
        monkeypatch.setenv(release.MIRROR, base)
        with pytest.raises(UsageError, match="no published weights") as caught:
            release.fetch(name, context_of(tmp_path / "run", Remote()))
    assert asked == []
    assert "yolo26x-pose.pt" in caught.value.hint


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<html>sign in first</html>", "only 26 bytes"),
        (b"x" * 1_500_000, "no PyTorch archive"),
        (weights(name="readme.txt"), "no PyTorch archive"),
        (weights()[:1_100_000], "no PyTorch archive"),
    ],
)
def test_what_is_no_weights_is_not_kept(tmp_path, monkeypatch, data, said):
    with served({"/yolo11n-pose.pt": data}) as (base, _asked):
        monkeypatch.setenv(release.MIRROR, base)
        with pytest.raises(DownloadProblem, match=said):
            release.fetch("yolo11n-pose.pt", context_of(tmp_path / "run", Remote()))
    assert not list(weights_folder().iterdir())


def test_a_flipped_bit_is_found(tmp_path, monkeypatch):
    data = bytearray(weights())
    data[600_000] ^= 1
    with served({"/yolo11n-pose.pt": bytes(data)}) as (base, _asked):
        monkeypatch.setenv(release.MIRROR, base)
        with pytest.raises(DownloadProblem, match="damaged"):
            release.fetch("yolo11n-pose.pt", context_of(tmp_path / "run", Remote()))


def test_a_cancel(tmp_path, monkeypatch):
    remote = Remote(cancel_when=lambda e: e.event == "progress")
    with served({"/yolo11n-pose.pt": weights()}) as (base, _asked):
        monkeypatch.setenv(release.MIRROR, base)
        with pytest.raises(Cancelled):
            release.fetch("yolo11n-pose.pt", context_of(tmp_path / "run", remote))
    assert not list(weights_folder().iterdir())


@needs_yolo
def test_the_flag_and_what_is_said_without_it(tmp_path, monkeypatch, capfd):
    from tests.training_runs import make_dataset

    root = Path(__file__).parents[2]
    data = make_dataset(tmp_path / "data")
    words = ["train", "yolo-pose", "--data", str(data), "--epochs", "1", "--imgsz", "64",
             "--pretrained", "yolo11n-pose.pt"]  # fmt: skip
    with served({"/yolo11n-pose.pt": (root / SAMPLE).read_bytes()}) as (base, asked):
        monkeypatch.setenv(release.MIRROR, base)
        assert main(words) == 2
        said = capfd.readouterr().err
        assert "--download fetches it" in said
        assert asked == []
        assert main([*words, "--download", "--check-only"]) == 0
        assert asked == ["/yolo11n-pose.pt"]
        assert "made  weights:" in capfd.readouterr().out
        assert main([*words, "--check-only"]) == 0
        assert len(asked) == 1
