"""A TorchScript file is a program: a network passes, one that wants files is asked about."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from studio.io.trust import AGREED, checkpoints_in, fingerprint, probe

NETWORK = """
class Net(Module):
  def forward(self: __torch__.Net, x: Tensor) -> Tensor:
    conv = self.conv
    return torch.relu((conv).forward(torch.add(x, ops.prim.NumToTensor(1), ), ))
"""


def archive(path: Path, code: str) -> Path:
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("net/code/__torch__.py", code)
    return path


def test_a_network_passes(tmp_path: Path) -> None:
    found = probe(archive(tmp_path / "net.torchscript", NETWORK))
    assert found.known
    assert "torch.relu" in found.wanted


@pytest.mark.parametrize(
    "line",
    ["torch.save(x, 'f')", "torch . save(x, 'f')", "x.save('f')", "'f'.from_file(None, 3)",
     "torch.from_file('f', None, 3)", "ops.aten.save(x, 'f')", "ops.image.read_file('f')"],
)  # fmt: skip
def test_a_program_that_wants_files_is_asked_about(line: str, tmp_path: Path) -> None:
    path = archive(tmp_path / "net.torchscript", f"{NETWORK}    y = {line}\n")
    assert not probe(path).known
    assert checkpoints_in({"model": str(path)}) == [path]
    assert checkpoints_in({"model": str(tmp_path)}) == [path]


def test_nobody_agreed_so_it_stays_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from studio.core.artifact import InputSpec, ModelArtifact
    from studio.core.errors import ModelError
    from studio.io.skeletons import load_skeleton
    from studio.runtime.opening import open_engine

    del torch
    path = archive(tmp_path / "net.torchscript", f"{NETWORK}    y = torch.save(x, 'f')\n")
    artifact = ModelArtifact("toy", "pose", path, InputSpec(size=(32, 32)), load_skeleton("coco17"))
    monkeypatch.setenv(AGREED, "")
    with pytest.raises(ModelError, match="runs code of its author"):
        open_engine(artifact, device="cpu")
    # Agreed to, it is opened, and turns out to be no whole file.
    monkeypatch.setenv(AGREED, fingerprint(path))
    with pytest.raises(ModelError, match="cannot open this TorchScript file"):
        open_engine(artifact, device="cpu")
