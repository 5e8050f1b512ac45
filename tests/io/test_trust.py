"""Checkpoints are judged without being opened: real ones, old ones, hostile ones, broken ones."""

from __future__ import annotations

import os
import pickle  # noqa: TID251 - hostile files are made here
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from studio.core.errors import FileProblem
from studio.io import trust
from studio.io.trust import AGREED, HIDDEN, checkpoints_in, fingerprint, may_unpickle, probe
from tests.training_runs import SHARED_WEIGHTS

SAMPLE = Path("resources/sample/weights/sample-pose.pt")


class Runs:
    """Pickled, it asks for a command to be run when it is opened."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"echo run > {self.marker}",)


def archive(path: Path, data: bytes, name: str = "model/data.pkl") -> Path:
    with zipfile.ZipFile(path, "w") as stream:
        stream.writestr(name, data)
    return path


@pytest.mark.parametrize("path", [SHARED_WEIGHTS, SAMPLE])
def test_real_pose_weights_are_known(path):
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    found = probe(path)
    assert len(found.wanted) > 20
    assert "torch._utils._rebuild_tensor_v2" in found.wanted
    assert found.known, found.unknown


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_a_hostile_file_is_named_and_never_run(tmp_path, protocol):
    marker = tmp_path / "marker"
    data = pickle.dumps({"model": Runs(marker)}, protocol)
    path = archive(tmp_path / "hostile.pt", data)
    found = probe(path)
    assert not found.known
    assert found.mischief in (("posix.system",), ("nt.system",))
    assert not marker.exists()
    # The test's own file is armed: opening it does what the probe did not.
    pickle.loads(data)
    assert marker.exists()


def test_an_old_file_of_several_pickles(tmp_path):
    marker = tmp_path / "marker"
    path = tmp_path / "old.pt"
    parts = [0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}, Runs(marker), []]
    path.write_bytes(
        b"".join(pickle.dumps(p, 2) for p in parts) + struct.pack("<q", 4) + b"\0" * 16
    )
    assert probe(path).mischief in (("posix.system",), ("nt.system",))
    assert not marker.exists()


def test_torch_s_own_old_format(tmp_path):
    torch = pytest.importorskip("torch")
    path = tmp_path / "old.pt"
    torch.save({"w": torch.zeros(2)}, path, _use_new_zipfile_serialization=False)
    found = probe(path)
    assert found.known
    assert "torch._utils._rebuild_tensor_v2" in found.wanted


HIDING = {
    # The name is put together by leaving out what stands on the stack between.
    "popped": b"\x80\x04\x8c\x02os\x8c\x06system\x8c\x01x0\x93\x8c\x02id\x85R.",
    # It stands in the memo under a number that was never set.
    "memo": b"\x80\x04\x8c\x02osh\x07\x93.",
    "registry": b"\x80\x02\x82\x01.",
}


@pytest.mark.parametrize("how", HIDING)
def test_a_hidden_name_is_mischief(tmp_path, how):
    found = probe(archive(tmp_path / "hidden.pt", HIDING[how]))
    assert found.mischief == (HIDDEN,)


def test_a_name_out_of_the_memo(tmp_path):
    data = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94Nh\x00h\x01\x93."
    assert probe(archive(tmp_path / "memo.pt", data)).mischief == ("os.system",)


def test_every_pickle_of_an_archive_is_read(tmp_path):
    path = archive(tmp_path / "two.pt", pickle.dumps({"a": 1}), "model/data.pkl")
    with zipfile.ZipFile(path, "a") as stream:
        stream.writestr("other/data.pkl", pickle.dumps(Runs(tmp_path / "m"), 2))
    assert probe(path).mischief


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("torch.nn.modules.conv Conv2d", True),
        ("torch FloatStorage", True),
        ("__builtin__ getattr", True),
        ("ultralytics.nn.tasks PoseModel", True),
        ("torch.nn.modules.module.functools partial", False),
        ("somebody.models Net", False),
        ("torch.storage _load_from_bytes", False),
        ("builtins eval", False),
    ],
)
def test_what_is_known(tmp_path, name, known):
    module, _, last = name.partition(" ")
    data = f"c{module}\n{last}\n.".encode()
    assert probe(archive(tmp_path / "one.pt", data)).known is known


def test_broken_instructions_are_not_known(tmp_path):
    whole = pickle.dumps({"a": list(range(50))}, 2)
    assert not probe(archive(tmp_path / "cut.pt", whole[:40])).known
    assert probe(archive(tmp_path / "whole.pt", whole)).known


def test_no_pickle_wants_nothing(tmp_path):
    for name, data in (("empty.pt", b""), ("text.pt", b"no weights")):
        (tmp_path / name).write_bytes(data)
        assert probe(tmp_path / name).wanted == ()
    with pytest.raises(FileProblem):
        probe(tmp_path / "none.pt")


def test_a_changed_file_is_read_again(tmp_path):
    path = archive(tmp_path / "a.pt", pickle.dumps({}))
    before = fingerprint(path)
    assert probe(path).known
    archive(path, pickle.dumps(Runs(tmp_path / "m"), 2))
    assert not probe(path).known
    assert fingerprint(path) != before


def test_which_files_a_job_opens(tmp_path):
    run = tmp_path / "run"
    (run / "weights").mkdir(parents=True)
    for path in (run / "weights" / "best.pt", tmp_path / "a.pth", tmp_path / "store" / "named.pt"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    options = {"a": str(run), "list": [str(tmp_path / "a.pth")], "pretrained": "named.pt",
               "epochs": 3, "yaml": "model.yaml", "text": "a\nb"}  # fmt: skip
    assert set(checkpoints_in(options, [tmp_path / "store"])) == {
        run / "weights" / "best.pt", tmp_path / "a.pth", tmp_path / "store" / "named.pt",
    }  # fmt: skip


def test_who_may_open(tmp_path, monkeypatch):
    path = archive(tmp_path / "a.pt", pickle.dumps({}))
    monkeypatch.delenv(AGREED, raising=False)
    assert may_unpickle(path)
    monkeypatch.setenv(AGREED, "")
    assert not may_unpickle(path)
    monkeypatch.setenv(AGREED, f"0000,{fingerprint(path)}")
    assert may_unpickle(path)


def test_probing_imports_nothing_heavy():
    code = (
        "import sys; from pathlib import Path; from studio.io.trust import probe\n"
        f"probe(Path({str(SAMPLE)!r})) if Path({str(SAMPLE)!r}).is_file() else None\n"
        "print([m for m in ('torch', 'ultralytics', 'cv2', 'numpy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_the_lists_name_what_exists():
    """A misspelt name in the list of what is known would let nothing through, silently."""
    import importlib

    missing = []
    for name in trust._PLAIN:
        module, _, last = name.rpartition(".")
        try:
            found = hasattr(importlib.import_module(module), last)
        except ImportError:
            found = False
        if not found:
            missing.append(name)
    # Names of other versions of Python and numpy.
    assert set(missing) <= {"pathlib._local.PosixPath", "pathlib._local.WindowsPath",
                            "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"}  # fmt: skip
