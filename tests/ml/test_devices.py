"""Which devices a training can run on, and how a person is told where it cannot."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from studio.core.errors import DeviceError  # noqa: E402
from studio.ml.devices import device_problem, torch_devices  # noqa: E402


@pytest.mark.parametrize(
    ("device", "words"),
    [
        ("99", "GPU 99 is not there"),
        ("cuda:99", "GPU 99 is not there"),
        ("98,99", "GPU 98 is not there"),
        ("99, 99", "named twice"),
        ("toaster", "no device called 'toaster'"),
        ("auto,0", "cannot train together"),
        ("cpu,0", "cannot train together"),
        ("", "no device called ''"),
    ],
)
def test_what_is_not_there_is_named(device, words):
    problem = device_problem(device)
    assert problem is not None
    assert words in problem.message
    assert problem.where == "device"
    assert problem.hint
    with pytest.raises(DeviceError, match=words[:8]):
        torch_devices(device)


def test_what_is_there():
    first = "cuda:0" if torch.cuda.is_available() else "cpu"
    assert torch_devices("auto") == [first]
    assert torch_devices("cpu") == ["cpu"]
    assert torch_devices("cpu,cpu") == ["cpu", "cpu"]


def test_several_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert torch_devices("0,1") == ["cuda:0", "cuda:1"]
    assert torch_devices("cuda:1") == ["cuda:1"]
    problem = device_problem("0,2")
    assert problem is not None
    assert "there are 2, counted from 0" in problem.message
