"""Weights files: ours, others', of another kind, hostile, and on a full disk."""

from __future__ import annotations

import errno
import os
import pickle  # noqa: TID251 - hostile files are made here
import sys
import zipfile

import pytest

torch = pytest.importorskip("torch")

from studio.core.errors import FileProblem, ModelError  # noqa: E402
from studio.io.trust import AGREED, fingerprint  # noqa: E402
from studio.ml.checkpoints import (  # noqa: E402
    check_family,
    load_exactly,
    read_weights,
    transfer,
    write_weights,
)
from tests.ml.toy import DotTask, Net, options  # noqa: E402


@pytest.fixture
def ours(tmp_path):
    path = tmp_path / "best.pt"
    artifact = DotTask(options()).artifact(path, {"error": 1.5})
    write_weights(path, "toy", artifact, Net(8).state_dict())
    return path


def test_what_is_written_is_read(ours):
    weights = read_weights(ours)
    assert weights.family == "toy"
    artifact = weights.described()
    assert artifact.weights == ours
    assert artifact.metrics == {"error": 1.5}
    assert artifact.extra["width"] == 8
    load_exactly(Net(8), weights)


def test_a_moved_file_still_describes_itself(ours, tmp_path):
    moved = tmp_path / "elsewhere" / "mine.pt"
    moved.parent.mkdir()
    ours.rename(moved)
    assert read_weights(moved).described().weights == moved


def test_another_family_is_refused(ours):
    with pytest.raises(ModelError, match="weights of toy, not of other"):
        check_family(read_weights(ours), "other")


def test_another_head_size_is_refused_with_what_differs(ours):
    with pytest.raises(ModelError) as caught:
        load_exactly(Net(12), read_weights(ours))
    assert "body.0.weight (8x1x3x3 there, 12x1x3x3 here)" in caught.value.message
    assert "7 have another shape" in caught.value.message


def test_transfer_takes_what_matches_and_says_which(ours):
    model, state = Net(8), dict(read_weights(ours).state)
    state["head.weight"] = torch.zeros(1, 4, 3, 3)
    state["extra.weight"] = torch.zeros(2)
    del state["head.bias"]
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = transfer(model, state)
    assert not found.whole
    assert found.missing == ("head.bias",)
    assert found.unexpected == ("extra.weight",)
    assert found.shapes_differ == (("head.weight", (1, 4, 3, 3), (1, 8, 3, 3)),)
    after = model.state_dict()
    for name in found.matched:
        assert torch.equal(after[name], state[name]), name
    for name in ("head.weight", "head.bias"):
        assert torch.equal(after[name], before[name]), name
    assert "7 of the network's 9 tensors match" in str(found)
    assert found.to_mapping()["shapes_differ"] == [["head.weight", [1, 4, 3, 3], [1, 8, 3, 3]]]


@pytest.mark.parametrize("key", [None, "state_dict", "model_state_dict", "model"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_bare_state_dicts_of_others(tmp_path, key, prefix):
    state = {prefix + name: value for name, value in Net(8).state_dict().items()}
    path = tmp_path / "theirs.pth"
    torch.save(state if key is None else {key: state, "epoch": 3}, path)
    weights = read_weights(path)
    assert weights.family == ""
    load_exactly(Net(8), weights)
    with pytest.raises(ModelError, match="do not say what model"):
        weights.described()


def test_files_that_are_none(tmp_path):
    path = tmp_path / "x.pt"
    with pytest.raises(ModelError, match="not there"):
        read_weights(path)
    for content in (b"", b"no weights", b"PK\x03\x04 cut", pickle.dumps([1, 2])):
        path.write_bytes(content)
        with pytest.raises(ModelError):
            read_weights(path)
    torch.save({"note": "nothing"}, path)
    with pytest.raises(ModelError, match="no weights in this file"):
        read_weights(path)
    torch.save({"v": 2, "family": "toy", "artifact": {}, "model": {}}, path)
    with pytest.raises(ModelError, match="version 2"):
        read_weights(path)


def test_a_cut_file_is_refused(ours):
    ours.write_bytes(ours.read_bytes()[:-200])
    with pytest.raises(ModelError, match="cut short"):
        read_weights(ours)


class Runs:
    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_code_in_a_file_runs_only_where_a_person_agreed(tmp_path, monkeypatch, caplog):
    marker = tmp_path / "marker"
    path = tmp_path / "hostile.pt"
    torch.save({"model": Net(8).state_dict(), "x": Runs(f"echo run > {marker}")}, path)
    monkeypatch.setenv(AGREED, "")
    with pytest.raises(ModelError, match="nobody agreed"):
        read_weights(path)
    assert not marker.exists()
    monkeypatch.setenv(AGREED, fingerprint(path))
    load_exactly(Net(8), read_weights(path))
    assert "runs code" in caplog.text
    assert marker.exists()


@pytest.mark.parametrize("where", ["write", "fsync"])
def test_a_full_disk_leaves_the_old_file(ours, monkeypatch, where):
    old = ours.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    target = (
        "studio.ml.checkpoints._Watched.write" if where == "write" else "studio.io.files.os.fsync"
    )
    if where == "write":
        # As the stream below it fails: torch tells that as a fault of its archive.
        def failing(self, _data):
            try:
                full()
            except OSError as error:
                self.error = error
                raise

        monkeypatch.setattr(target, failing)
    else:
        monkeypatch.setattr(target, full)
    with pytest.raises(FileProblem, match="disk is full"):
        write_weights(ours, "toy", DotTask(options()).artifact(ours, {}), Net(8).state_dict())
    assert ours.read_bytes() == old
    assert [p.name for p in ours.parent.iterdir()] == ["best.pt"]


def test_another_familys_network_is_refused_before_it_is_opened(tmp_path):
    """A file that names a class of it: opening it would import that family's vendor."""

    class Network:
        def __reduce__(self):
            return (print, ("opened",))

    path = tmp_path / "yolo.pt"
    torch.save({"model": Network()}, path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    (name,) = (n for n in parts if n.endswith("data.pkl"))
    # The call of `print` becomes one of a class that the other family declares.
    parts[name] = (
        parts[name]
        .replace(b"c__builtin__\nprint\n", b"cultralytics.nn.tasks\nPoseModel\n")
        .replace(b"cbuiltins\nprint\n", b"cultralytics.nn.tasks\nPoseModel\n")
    )
    with zipfile.ZipFile(path, "w") as archive:
        for part, data in parts.items():
            archive.writestr(part, data)
    before = "ultralytics" in sys.modules
    with pytest.raises(ModelError, match="YOLO pose"):
        read_weights(path)
    assert ("ultralytics" in sys.modules) == before
