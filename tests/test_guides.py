"""The help pages "coming from …": each option of the guides has its line, and each line is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio.cli.commands import JOBS, _judge_text
from studio.cli.parser import _spellings
from studio.core.options import Options
from studio.registry import find
from tests.guides.__main__ import why_not
from tests.guides.pages import Command, commands_of, guide_pages
from tests.guides.sample import MAKERS, SMALLER, smaller
from tests.io.data import SHARED
from tests.test_docs import INLINE, OPTION, TO_COME

GUIDES = SHARED.parent / "guides"
# Which guide each page is for, by the number its file begins with.
OF_GUIDE = {
    "000": "coming-from-yolo-openvino",
    "001": "coming-from-yolov8-edge",
    "002": "coming-from-kpnet",
    "003": "coming-from-alphapose",
    "004": "coming-from-6drepnet",
}
# Options of other programs that the guides call on the way: pip, git.
NOT_THE_GUIDES = {"--no-index", "--find-links", "--extra-index-url"}
# What the edge guide quotes of ultralytics' own code, and AlphaPose's program says of itself.
QUOTED = {"--non_verbose", "--verbosity", "--vis_fast", "--save-json"}
PAGES = {p.stem: p for p in guide_pages()}


def declared_for(command: Command) -> list[type[Options]]:
    """Every option set that the command's parser is made of."""
    name = command.words[1]
    found = [JOBS[name].options_class()]
    if name == "train":
        found.append(find("family", command.words[2]).options_class())
    if name == "export":
        target = command.words[command.words.index("--target") + 1]
        found.append(find("target", target).options_class())
    # `predict` takes a tracker's options as text, under the same names.
    for flag in ("--tracker", "--track"):
        if flag in command.words:
            tracker = command.words[command.words.index(flag) + 1]
            found.append(find("tracker", tracker).options_class())
    if name == "evaluate":
        found.append(JOBS["judge"].options_class())
    if name == "convert":
        found.append(JOBS["convert-heads"].options_class())
    return found


def spelt_by(commands: tuple[Command, ...]) -> set[str]:
    """Every spelling that the parsers of these commands take."""
    return {
        spelling
        for command in commands
        for options in declared_for(command)
        for field in options.fields()
        for spelling in _spellings((field.flag, *field.aliases))
    }


def rows_of(page: Path) -> Iterator[tuple[str, str]]:
    """The tables' lines: what was before, what is here."""
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("|---"):
            cells = [c.strip() for c in line.strip("|").split(" | ")]
            yield cells[0].strip("| "), line


def test_each_guide_has_its_page_and_its_sample() -> None:
    assert set(PAGES) == set(OF_GUIDE.values()) == set(MAKERS) == set(SMALLER)
    for page in PAGES.values():
        assert len(commands_of(page)) >= 3


@pytest.mark.parametrize("name", sorted(PAGES))
def test_each_option_of_a_table_is_one_of_the_pages_commands(name: str) -> None:
    """Where a line does not say "not yet", the option before and its counterpart are accepted."""
    page = PAGES[name]
    known = spelt_by(commands_of(page))
    checked = 0
    for before, line in rows_of(page):
        if TO_COME.search(line) or "python " in before:
            continue
        named = {o for code in INLINE.findall(line) for o in OPTION.findall(code)}
        unknown = named - known - {"--show"}
        assert not unknown, line
        checked += len(named)
    assert checked >= 3


@pytest.mark.parametrize(("number", "name"), sorted(OF_GUIDE.items()))
def test_each_option_of_a_guide_is_on_its_page(number: str, name: str) -> None:
    if not GUIDES.is_dir():
        pytest.skip(f"{GUIDES} is not here")
    (guide,) = GUIDES.glob(f"{number}_*.txt")
    asked = set(re.findall(r"(?<![\w-])--[a-zA-Z][\w-]*", guide.read_text(encoding="utf-8")))
    page = PAGES[name].read_text(encoding="utf-8")
    said = set(re.findall(r"(?<![\w-])--[a-zA-Z][\w-]*", page))
    missing = asked - said - NOT_THE_GUIDES - QUOTED
    assert not missing


@pytest.mark.parametrize("name", sorted(PAGES))
def test_what_makes_a_command_small_is_understood(name: str) -> None:
    for command in commands_of(PAGES[name]):
        known = spelt_by((command,)) | {"--no-amp", "--no-flip-test"}
        added = smaller(command.page, command.key, command.words)
        assert {w for w in added if w.startswith("--")} <= known


def test_stored_predictions_are_judged_by_their_own_options() -> None:
    assert "--GT_FOLDER" in _judge_text()


def test_each_guides_exports_are_run_or_said_why_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The exports of the three guides that have some; those in tools of their own where these are."""
    monkeypatch.setenv("POSE_STUDIO_WORKERS", str(tmp_path))
    found = {
        (command.words[command.words.index("--target") + 1], why_not(command, tmp_path))
        for name in (
            "coming-from-yolo-openvino",
            "coming-from-yolov8-edge",
            "coming-from-alphapose",
        )
        for command in commands_of(PAGES[name])
        if command.words[1] == "export"
    }
    assert {target for target, why in found if not why} == {"openvino", "onnx", "ascend310"}
    apart = {target for target, why in found if "are not installed" in why}
    assert apart == {"grove_vision_ai_v2", "xiao_esp32s3", "litert"}
    said = [why_not(c, tmp_path) for c in commands_of(PAGES["coming-from-yolov8-edge"])
            if c.words[1] == "tools"]  # fmt: skip
    assert said == ["installs from the network"] * 2
