"""Atomic writing: the old file or the new one, never half, whatever goes wrong."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.core.errors import FileProblem, FormatError
from studio.io import files


def test_write_keeps_the_old_files_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    path.chmod(0o640)
    files.atomic_write_text(path, "新しい\n")
    assert path.read_text(encoding="utf-8") == "新しい\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_new_file_gets_the_umasks_permissions(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_text("x")
    files.atomic_write_bytes(tmp_path / "deep" / "er" / "a.bin", b"x")
    assert (tmp_path / "deep/er/a.bin").stat().st_mode == plain.stat().st_mode


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(FileProblem, match="disk is full") as caught:
        files.atomic_write_text(path, "new")
    assert "Free some space" in caught.value.hint
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_a_really_full_file_system(tmp_path: Path) -> None:
    """A process whose files may hold 4 KiB stands for a disk that is full."""
    if sys.platform == "win32":
        pytest.skip("needs RLIMIT_FSIZE")
    code = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from studio.io.files import atomic_folder\n"
        "from studio.core.errors import FileProblem\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try:\n"
        "    with atomic_folder(Path(sys.argv[1])) as folder:\n"
        "        (folder / 'ok').write_bytes(b'x')\n"
        "        (folder / 'big').write_bytes(b'x' * 10000)\n"
        "except FileProblem as error:\n"
        "    print(error)\n"
    )
    target = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-c", code, str(target)], capture_output=True, text=True, check=True
    )
    assert "Cannot write this: File too large" in done.stdout
    assert not list(tmp_path.iterdir())


def test_folder_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out"

    def fail() -> None:
        with files.atomic_folder(target) as folder:
            (folder / "half").write_text("x")
            assert not target.exists()
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert not list(tmp_path.iterdir())
    with files.atomic_folder(target) as folder:
        (folder / "a").write_text("1")
    assert (target / "a").read_text() == "1"
    with pytest.raises(FileProblem, match="already something"), files.atomic_folder(target):
        pass
    with files.atomic_folder(target, overwrite=True) as folder:
        (folder / "b").write_text("2")
    assert [p.name for p in target.iterdir()] == ["b"]
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_leftovers_of_a_killed_process_go(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from studio.io.files import atomic_folder\n"
        "with atomic_folder(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'half').write_text('x')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    if sys.platform == "win32":
        pytest.skip("needs SIGKILL")
    target = tmp_path / "out"
    subprocess.run([sys.executable, "-c", code, str(target)], check=False)
    assert not target.exists()
    assert len(list(tmp_path.iterdir())) == 1
    with files.atomic_folder(target) as folder:
        (folder / "whole").write_text("x")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_what_a_damaged_json_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{\n "a": [1,\n')
    with pytest.raises(FormatError, match="ends too early") as caught:
        files.read_json(path)
    assert str(path) in str(caught.value)
    path.write_bytes(b'{\n "a": 1,\n "b": nix\n}\n')
    with pytest.raises(FormatError, match="Line 3, column"):
        files.read_json(path)
    path.write_bytes(b'{"a": NaN}')
    with pytest.raises(FormatError, match="not finite"):
        files.read_json(path)
    path.write_bytes(b"")
    with pytest.raises(FormatError, match="empty"):
        files.read_json(path)
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}')
    assert files.read_json(path) == {"a": 1}
    with pytest.raises(FileProblem, match="not there"):
        files.read_json(tmp_path / "none.json")


def test_list_images(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.txt", ".hidden.jpg", "sub/d.jpeg", ".studio/e.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert [p.name for p in files.list_images(tmp_path)] == ["a.png", "b.JPG"]
    names = [p.name for p in files.list_images(tmp_path, recursive=True)]
    assert names == ["a.png", "b.JPG", "d.jpeg"]
