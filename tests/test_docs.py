"""What the README and the help pages say is so: commands parse, options exist, links lead somewhere."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import studio.cli
from studio import RESOURCES
from studio.cli import commands, lists
from studio.cli.parser import _spellings, command_parser, window_parser
from studio.core.job import JobSpec
from studio.core.options import Options
from studio.registry import contributions
from studio.registry.jobs import JOBS, options_for
from tests.help_pages import LABEL, gui_words

ROOT = Path(__file__).resolve().parents[1]
HELP = RESOURCES / "help"
LANGUAGES = ("en", "ja", "zh_CN")
README = ROOT / "README.md"
PAGES = sorted(HELP.glob("*/*.md"))
DOCUMENTS = [README, *PAGES]

# Options of other programs that the pages name.
FOREIGN = {"--no-index"}
# What lists alone take; their parsers are made as they are called.
OF_LISTS = {"--list"}
SHELL_BLOCK = re.compile(r"```(?:sh|console|bash)\n(.*?)```", re.DOTALL)
ANY_BLOCK = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"(!?)\[[^\]]*\]\(([^)\s]+)\)")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9_-]*")
# The second cell of a table's line on what the studio does not do.
TO_COME = re.compile(r"\| (not yet|not needed|未対応|不要|尚未支持|不需要)[^|]*\|$")
# Words that stand for something else: DIR, SPEC.json, `…`.
STAND_IN = re.compile(r"…|<|\b[A-Z]{3,}\b|\bN\b")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def command_lines(path: Path) -> Iterator[str]:
    """Every command that a document tells to type."""
    text = text_of(path)
    for block in SHELL_BLOCK.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            if line.strip() and not line.startswith("#"):
                yield line.split("  #")[0].strip()
    for code in INLINE.findall(ANY_BLOCK.sub("", text)):
        ours = re.match(r"(pose-studio|python installer/bootstrap\.py) .*--", code)
        if ours and not STAND_IN.search(code):
            yield code


COMMANDS = sorted({(name_of(path), line) for path in DOCUMENTS for line in command_lines(path)})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[JobSpec]:
    """The real parsers, with the work behind them left out; the jobs that would have run."""
    specs: list[JobSpec] = []
    (tmp_path / "photos").mkdir()
    preset = tmp_path / "searches" / "yolo-pose" / "search" / "best.toml"
    preset.parent.mkdir(parents=True)
    preset.write_text("lr0 = 0.001\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(commands, "_run", lambda spec, _names: specs.append(spec) or 0)
    monkeypatch.setattr(lists, "_print", lambda _rows, *, as_json: None)
    monkeypatch.setattr("studio.gui.app.run_app", lambda *_a, **_k: 0)
    return specs


@pytest.mark.parametrize(("document", "line"), COMMANDS)
def test_command_parses(asked: list[JobSpec], document: str, line: str) -> None:
    # On Windows' paths the backslash is no escape.
    words = shlex.split(line.replace("\\", "/"))
    if words[0] in ("python", "python3"):
        check_bootstrap(words)
        return
    if words[0] == "pip":
        return
    assert words[0] == "pose-studio", line
    assert studio.cli.main(words[1:]) == 0
    for spec in asked:
        options_for(spec)


def check_bootstrap(words: list[str]) -> None:
    assert words[1] == "installer/bootstrap.py"
    sys.path.insert(0, str(ROOT / "installer"))
    from pose_setup.command import parser

    parser().parse_known_args(words[2:])


def known_options() -> set[str]:
    """Every spelling that some command takes."""
    declared: list[type[Options]] = []
    for entry in JOBS.values():
        declared.append(entry.options_class())
        if entry.plugin_kind:
            declared += [c.options_class() for c in contributions(entry.plugin_kind)]
    flags = {
        spelling for options in declared for spec in options.fields()
        for spelling in _spellings((spec.flag, *spec.aliases))
    }  # fmt: skip
    flags |= {f"--no-{flag[2:]}" for flag in flags}
    sys.path.insert(0, str(ROOT / "installer"))
    from pose_setup.command import parser

    shared = [window_parser(commands.COMMANDS), command_parser("any", ""), parser()]
    for one in shared:
        for action in one._actions:
            flags |= set(action.option_strings)
            for sub in (action.choices or {}).values() if isinstance(action.choices, dict) else ():
                flags |= {s for a in sub._actions for s in a.option_strings}
    return flags | FOREIGN | OF_LISTS


def without_what_is_to_come(text: str) -> str:
    """A page without the lines of its tables that say "not yet", or that nothing is needed."""
    return "\n".join(line for line in text.splitlines() if not TO_COME.search(line))


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_option_named_exists(path: Path) -> None:
    text = without_what_is_to_come(text_of(path))
    named = {o for code in INLINE.findall(text) for o in OPTION.findall(code)}
    assert named <= known_options()


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_link_leads_somewhere(path: Path) -> None:
    for _, target in LINK.findall(text_of(path)):
        if not target.startswith(("http://", "https://", "#")):
            assert (path.parent / target.partition("#")[0]).exists(), target


def test_pages_exist_in_every_language() -> None:
    english = {p.name for p in (HELP / "en").glob("*.md")}
    for language in LANGUAGES:
        assert {p.name for p in (HELP / language).glob("*.md")} == english


@pytest.mark.parametrize("language", LANGUAGES)
def test_index_leads_to_every_page(language: str) -> None:
    linked = {target for _, target in LINK.findall(text_of(HELP / language / "index.md"))}
    assert {p.name for p in (HELP / language).glob("*.md")} - {"index.md"} <= linked


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_page_has_one_title(path: Path) -> None:
    text = ANY_BLOCK.sub("", text_of(path))
    assert len(re.findall(r"^# \S", text, re.MULTILINE)) == 1
    assert text.startswith("# ")


@pytest.mark.parametrize("path", [p for p in PAGES if p.parent.name != "en"], ids=name_of)
def test_translation_says_as_much_as_the_english_page(path: Path) -> None:
    own, english = text_of(path), text_of(HELP / "en" / path.name)
    assert ANY_BLOCK.findall(own) == ANY_BLOCK.findall(english)
    for mark in (r"^## ", r"^\|", r"^- ", r"^\d+\. "):
        assert len(re.findall(mark, own, re.MULTILINE)) == len(
            re.findall(mark, english, re.MULTILINE)
        ), mark


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_buttons_are_called_as_in_the_window(path: Path) -> None:
    """What stands in *slanted* letters is written on the window, in its language."""
    english = LABEL.findall(text_of(HELP / "en" / path.name))
    language = path.parent.name
    words = gui_words("ja" if language == "en" else language)
    expected = [name if language == "en" and name in words else words.get(name) for name in english]
    assert LABEL.findall(text_of(path)) == expected, "python -m tests.help_pages mends this"


def test_pictures_of_the_readme_are_small() -> None:
    pictures = [target for mark, target in LINK.findall(text_of(README)) if mark == "!"]
    assert pictures
    for target in pictures:
        assert (ROOT / target).stat().st_size <= 200_000, target


@pytest.mark.parametrize("language", LANGUAGES)
def test_filters_of_the_help_are_understood(language: str) -> None:
    from studio.io.filters import parse_filter

    cells = re.findall(r"^\| (`[^|]+) \|", text_of(HELP / language / "annotate.md"), re.MULTILINE)
    filters = [code for cell in cells for code in INLINE.findall(cell)]
    assert len(filters) >= 10
    for text in filters:
        assert parse_filter(text) != parse_filter("")


def test_every_job_has_a_word_in_the_help() -> None:
    text = text_of(HELP / "en" / "command-line.md")
    for name in commands.COMMANDS:
        assert re.search(rf"\bpose-studio {name}\b", text), name
