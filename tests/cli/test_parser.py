"""The command line is made from declarations; these tests drive the real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from studio.cli import main
from studio.cli.commands import COMMANDS
from studio.cli.parser import add_options, command_parser, given_values, joined_bools
from studio.registry.jobs import JOBS
from tests.core.test_options import Sample

ROOT = Path(__file__).parents[2]


def parse(*words: str) -> dict:
    parser = command_parser("sample", "Sample.")
    add_options(parser, Sample, positional=("mode",))
    return given_values(Sample, parser.parse_args(joined_bools(words, [Sample])))


def test_flags_of_every_kind() -> None:
    values = parse(
        "b", "--data", "d", "--epochs", "5", "--half", "--no-int8", "--formats", "coco,yolo",
        "--inputs", "x", "a,b",
    )  # fmt: skip
    assert values == {
        "mode": "b", "data": "d", "epochs": "5", "half": True, "int8": False,
        "formats": ("coco", "yolo"), "inputs": [Path("x"), Path("a,b")],
    }  # fmt: skip
    assert Sample.from_mapping(values).inputs == (Path("x"), Path("a,b"))


def test_booleans_as_some_guides_write_them() -> None:
    assert parse("a", "--half", "true")["half"] is True
    assert parse("a", "--half=false")["half"] is False
    assert parse("--half", "b") == {"half": True, "mode": "b"}


def test_a_spelling_of_two_words_is_one_flag() -> None:
    from studio.core.requests.predict import PredictOptions

    def values(*words: str) -> dict:
        parser = command_parser("predict", "Predict.")
        add_options(parser, PredictOptions)
        whole = ["--model", "m", "--source", "s", *words]
        given = given_values(
            PredictOptions, parser.parse_args(joined_bools(whole, [PredictOptions]))
        )
        return {k: v for k, v in given.items() if "json" in k}

    assert values("--save-json", "alphapose") == {"alphapose_json": True}
    assert values("--save_json=alphapose") == {"alphapose_json": True}
    assert values("--save-json") == {"save_json": True}
    assert values("--save-json", "--save-json", "alphapose", "--no-draw") == {
        "save_json": True, "alphapose_json": True,
    }  # fmt: skip


@pytest.mark.parametrize("command", [c for c in COMMANDS if c not in ("train", "export")])
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--help"]) == 0
    assert f"pose-studio {command}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "--help"], "yolo-pose"),
        (["train", "yolo-pose", "--help"], "--dataset-root"),
        (["export", "--help"], "openvino"),
        (["export", "--target", "openvino", "--help"], "--half"),
        (["export", "--target", "list"], "openvino"),
        (["--help"], "convert"),
        (["--version"], "Pose Studio"),
        (["plugins"], "yolo_pose"),
        (["skeletons"], "coco17"),
    ],
)
def test_help_and_lists(words, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 0
    assert said in capsys.readouterr().out


def test_every_job_has_a_command() -> None:
    assert set(JOBS) - {"toy", "judge", "convert-heads", "describe"} <= set(COMMANDS)


def test_lists_as_json(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["skeletons", "--json"]) == 0
    rows = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert {"coco17", "hand21", "face5"} <= {row["name"] for row in rows}


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        (["no-such-folder-or-command"], 2, "no folder and no command"),
        (["train", "banana", "--data", "x"], 1, "no family called 'banana'"),
        (["train"], 2, "family"),
        (["convert", "--nonsense"], 2, "--nonsense"),
        (
            ["convert", "--input", "a", "--output", "b", "--ratio", "7"],
            2,
            "--ratio must be at most",
        ),
        (["job", "missing.json"], 1, ""),
    ],
)
def test_bad_usage_is_one_clear_line(words: list[str], status: int, said: str, tmp_path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "studio", *words],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        text=True,
        capture_output=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
