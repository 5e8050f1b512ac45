"""Downloads from a real server on this machine: whole or not at all."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from studio.core.errors import Cancelled, FileProblem
from studio.io.download import DownloadProblem, download
from tests.serving import served

DATA = bytes(range(256)) * 4000


def left_in(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


def test_a_file_comes_whole(tmp_path):
    seen: list[tuple[int, int]] = []
    with served({"/a.bin": DATA}) as (base, _asked):
        target = download(
            f"{base}/a.bin", tmp_path / "deep" / "a.bin", progress=lambda d, t: seen.append((d, t))
        )
    assert target.read_bytes() == DATA
    assert left_in(tmp_path / "deep") == ["a.bin"]
    assert seen[0] == (0, len(DATA))
    assert seen[-1] == (len(DATA), len(DATA))
    assert len(seen) > 3


def test_an_older_file_stays_where_the_new_one_fails(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with served({"/a.bin": DATA}, promise={"/a.bin": len(DATA) * 2}) as (base, _asked):
        with pytest.raises(DownloadProblem, match="broke off"):
            download(f"{base}/a.bin", target)
        with pytest.raises(DownloadProblem, match="answers 404"):
            download(f"{base}/b.bin", target)
    wrong = pytest.raises(DownloadProblem, match="is wrong")
    with served({"/a.bin": DATA}) as (base, _asked), wrong:
        download(f"{base}/a.bin", target, accept=lambda _path: "is wrong")
    assert target.read_bytes() == b"old"
    assert left_in(tmp_path) == ["a.bin"]


def test_what_does_not_please_is_not_kept(tmp_path):
    with served({"/a.bin": DATA}) as (base, _asked):
        seen: list[bytes] = []

        def refuse(path: Path) -> str:
            seen.append(path.read_bytes())
            return "it is no archive."

        with pytest.raises(DownloadProblem, match="it is no archive"):
            download(f"{base}/a.bin", tmp_path / "a.bin", accept=refuse)
    assert seen == [DATA]
    assert left_in(tmp_path) == []


def test_a_cancel_leaves_nothing(tmp_path):
    def cancel(done: int, _total: int) -> None:
        if done:
            raise Cancelled

    with served({"/a.bin": DATA * 8}) as (base, _asked), pytest.raises(Cancelled):
        download(f"{base}/a.bin", tmp_path / "a.bin", progress=cancel)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    "url",
    ["http://example.org/a", "ftp://127.0.0.1/a", "file:///etc/hostname", "http://10.0.0.1/a"],
)
def test_only_https_or_this_machine(tmp_path, url):
    with pytest.raises(FileProblem, match="Only https"):
        download(url, tmp_path / "a")


def test_no_way_leads_away_from_https(tmp_path):
    elsewhere = {"/a": "http://example.org/a", "/b": "file:///etc/hostname", "/c": "/d"}
    with served({"/d": b"data"}, redirect=elsewhere) as (base, _asked):
        for path in ("/a", "/b"):
            with pytest.raises((FileProblem, DownloadProblem)):
                download(base + path, tmp_path / "a")
        assert download(f"{base}/c", tmp_path / "c").read_bytes() == b"data"
    assert left_in(tmp_path) == ["c"]


def test_nobody_answers(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(DownloadProblem, match="cannot be reached") as caught:
        download(f"http://127.0.0.1:{port}/a", tmp_path / "a", hint="Bring it by hand.")
    assert caught.value.hint == "Bring it by hand."
