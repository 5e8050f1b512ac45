"""The filter language: what it picks, and what it says to a word it does not know."""

from pathlib import Path

import pytest

from studio.core.errors import UsageError
from studio.io.filters import parse_filter
from studio.io.project import Project
from tests.io.projects import make_project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("filters"))
    project.index.rescan()
    return project


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "1 2 3 4 10 dog"),
        ("label:person", "1 2 3 4"),
        ("label:per*", "1 2 3 4"),
        ("-label:person", "10 dog"),
        ("label!=person", "10 dog"),
        ("gid:2", "2"),
        ("gid>=3", "3 4"),
        ("missing:left_eye", "2 3"),
        ("missing>16", "2"),
        ("missing:any", "1 2 3 4"),
        ("occluded>0", "1 4"),
        ("occluded:0", "2 3 10 dog"),
        ("score<0.5", "3"),
        ("score>0.1 score<0.9", "3"),
        ("-score<0.5", "1 2 4 10 dog"),
        ("proposals:1", "3"),
        ("reviewed:yes", "4"),
        ("reviewed:no label:person", "1 2 3"),
        ("state:empty", "10"),
        ("state:problem", "dog"),
        ("state:reviewed", "4"),
        ("split:none", "1 2 3 4 10 dog"),
        ("people>0", "1 2 3 4"),
        ("#2", "2"),
        ("#2-4", "2 3 4"),
        ("#5-", "10 dog"),
        ("#2- label:person reviewed:no", "2 3"),
        ("DOG", "dog"),
        ("img_1", "1 10"),
        (r"img_\d\.", "1 2 3 4"),
        (r"/img_\d\./", "1 2 3 4"),
        ('"a pic"', "dog"),
        ("-img", "dog"),
        ("width:64", "1 2 3 4"),
    ],
)
def test_what_is_picked(project: Project, text: str, names: str) -> None:
    found = project.index.query(text)
    short = [Path(e.path).stem.removeprefix("img_").removesuffix(" a pic") for e in found]
    assert " ".join(short) == names
    assert project.index.count(text) == len(found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("labl:person", "no filter word 'labl'"),
        ("label:", "not finished"),
        ("occluded>many", "'many' is no number"),
        ("reviewed:maybe", "neither yes nor no"),
        ("state:new", "no state 'new'"),
        ("img_(", "no regular expression"),
        ("gid:a", "'a' is no number"),
    ],
)
def test_what_is_not_understood(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        parse_filter(text)
    assert caught.value.hint


def test_values_never_become_sql(project: Project) -> None:
    for text in ("label:'; DROP TABLE pictures; --", "split:'", "missing:')", '"\'; --"'):
        assert project.index.count(text) == 0
    assert project.index.count() == 6
