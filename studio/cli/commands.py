"""What each command does: reads its options, runs the job here, tells how it went."""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from studio import RESOURCES
from studio.cli.parser import add_options, command_parser, given_values, joined_bools
from studio.core.errors import FormatError, UsageError
from studio.core.job import JobSpec
from studio.core.options import Options
from studio.registry import contributions, find
from studio.registry.jobs import JOBS, JobEntry

HELP_FLAGS = frozenset({"-h", "--help"})
# As `studio.gui.presets` has them: presets/<job>/<plugin>/<name>.toml.
PRESETS = RESOURCES / "presets"
POSITIONAL: Mapping[str, tuple[str, ...]] = {
    "train": ("family",),
    "search": ("family",),
    "compare": ("a", "b"),
    "tools": ("name",),
}

COMMANDS: dict[str, str] = {
    "demo": "the whole way, no window: sample, training, judging, export, prediction",
    "sample": "make the sample project: synthetic people and two photographs",
    "frames": "frames of a video as pictures to annotate",
    "convert": "annotations into training sets, several formats in one pass",
    "train": "train a model of a family",
    "search": "find the best options of a training by many of them",
    "evaluate": "judge a model on a dataset",
    "predict": "find people in pictures, videos, a camera or a stream",
    "live": "watch a camera, a video or a stream without a window: record it, send results out",
    "track": "give stored predictions of a video their identities",
    "prelabel": "let a model propose people on pictures, to be accepted or corrected",
    "track-points": "follow the joints of an annotated frame through its clip",
    "quality": "look annotations through for what is probably wrong",
    "export": "make a device's artefact from a model",
    "tools": "install the tools that a target runs in, list or remove them",
    "compare": "hold two artefacts of one model against each other",
    "benchmark": "measure an artefact's latency and throughput",
    "plugins": "list the plugins, with the reason where one cannot be used",
    "skeletons": "list the skeletons",
    "runs": "list the training runs of a project",
    "job": "run a job spec, events on stdout",
}


def run_command(name: str, words: Sequence[str]) -> int:
    """Run the command called `name`; the exit status. Raises StudioError and SystemExit."""
    if name == "job":
        return _job(words)
    if name in ("plugins", "skeletons", "runs"):
        from studio.cli.lists import run_list

        return run_list(name, words, COMMANDS[name])
    named = any(not word.startswith("-") for word in words) or HELP_FLAGS & set(words)
    if name == "tools" and (not named or "--list" in words):
        from studio.cli.lists import list_tools

        return list_tools(words, COMMANDS[name])
    return _run_job_command(name, words)


def _job(words: Sequence[str]) -> int:
    parser = command_parser("job", COMMANDS["job"])
    parser.add_argument("spec", type=Path, help="the job's spec.json")
    parser.add_argument("--owner-pid", type=int, help="end, saved, when this process is gone")
    known = parser.parse_args(words)
    from studio.jobs.host import run_spec_file

    return run_spec_file(known.spec, known.owner_pid)


def _run_job_command(name: str, words: Sequence[str]) -> int:
    parser = command_parser(name, COMMANDS[name])
    if name == "convert":
        # One command with two forms: people into datasets, or heads into a head-pose set.
        if _asks_for_heads(words):
            name = "convert-heads"
        else:
            parser.epilog = _heads_text()
    if name == "evaluate":
        # One command with two forms: a model is judged, or predictions that were stored.
        if any(w.partition("=")[0] in _stored_flags() for w in words):
            name = "judge"
        else:
            parser.epilog = _judge_text()
    if name == "tools":
        parser.epilog = "without a name, or with --list: the tools that there are"
    entry = JOBS[name]
    declared: list[type[Options]] = [entry.options_class()]
    bundled = PRESETS / name
    add_options(parser, declared[0], positional=POSITIONAL.get(name, ()))
    if entry.plugin_kind:
        if _asks_for_list(entry.plugin_key, words):
            from studio.cli.lists import list_contributions

            return list_contributions(entry.plugin_kind, as_json="--json" in words)
        named = _plugin_named(name, entry.plugin_key, words)
        plugin = named or _usual(entry)
        if named is None:
            parser.epilog = _plugins_text(entry.plugin_kind)
        if plugin is not None:
            contribution = find(entry.plugin_kind, plugin)
            declared.append(contribution.options_class())
            add_options(parser, declared[1], title=contribution.title)
            _add_preset(parser)
            bundled = PRESETS / name / contribution.id
    namespace = parser.parse_args(joined_bools(words, declared))
    values = _preset_values(getattr(namespace, "preset", None), declared, bundled)
    for options in declared:
        values |= given_values(options, namespace)
    project = namespace.project_dir or _project_here()
    return _run(JobSpec(name, values, project=project), namespace)


def _add_preset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--preset",
        type=Path,
        metavar="PATH",
        help="a TOML file of options, as the window keeps them and a search writes them, or the "
        "name of one that comes with the studio; what is given besides comes first",
    )


def _preset_values(
    path: Path | None, declared: Sequence[type[Options]], bundled: Path
) -> dict[str, Any]:
    """The options of a preset file, or of the one in `bundled` that is called so. Raises
    FileProblem, FormatError, UsageError.
    """
    if path is None:
        return {}
    named = bundled / f"{path}.toml"
    if path.name == str(path) and not path.exists() and named.is_file():
        path = named
    from studio.io.files import read_text

    try:
        values = tomllib.loads(read_text(path))
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"The preset cannot be read: {error}.", where=path) from error
    # Also what a run keeps of itself: config.toml has them in a table.
    values = dict(values.get("options", values))
    known = {f.name for options in declared for f in options.fields()}
    unknown = sorted(set(values) - known)
    if unknown:
        raise UsageError(f"The preset names no options of this: {', '.join(unknown)}.", where=path)
    return values


def _run(spec: JobSpec, namespace: Any) -> int:
    if spec.job == "predict" and spec.options.get("show"):
        from studio.gui.app import run_app

        shown = ("source", "model", "head_model", "head_draw", "track", "device", "conf", "kp_conf")
        payload = {k: str(v) for k, v in spec.options.items() if k in shown and v is not None}
        return run_app(spec.project, page="live", payload=payload)
    from studio.cli.console import run_in_console

    return run_in_console(spec, as_json=namespace.json, show_traceback=namespace.traceback)


def _plugin_named(command: str, key: str, words: Sequence[str]) -> str | None:
    """The family, target or tracker that `words` name, found before the parser that it decides."""
    if key in POSITIONAL.get(command, ()):
        return words[0] if words and not words[0].startswith("-") else None
    for position, word in enumerate(words):
        if word == f"--{key}" and position + 1 < len(words):
            return words[position + 1]
        if word.startswith(f"--{key}="):
            return word.partition("=")[2]
    return None


def _usual(entry: JobEntry) -> str | None:
    """The plugin that serves a request that names none."""
    fields = {f.name: f for f in entry.options_class().fields()}
    return fields[entry.plugin_key].default or None


def _asks_for_list(key: str, words: Sequence[str]) -> bool:
    joined = " ".join(words)
    return f"--{key} list" in joined or f"--{key}=list" in joined or list(words[:1]) == ["list"]


def _plugins_text(kind: str) -> str:
    title = {"family": "families", "target": "targets", "tracker": "trackers"}[kind]
    rows = contributions(kind)
    if not rows:
        raise UsageError(f"No plugin brings {title}.")
    lines = [
        f"  {row.id:<16} {row.title}{f' ({row.reason})' if row.reason else ''}" for row in rows
    ]
    return f"{title} (each has options of its own, see --help after its name):\n" + "\n".join(lines)


def _stored_flags() -> set[str]:
    """The options that only the judgement of stored predictions has to have."""
    fields = {f.name: f for f in JOBS["judge"].options_class().fields()}
    return {flag for name in ("gt", "pred") for flag in (fields[name].flag, *fields[name].aliases)}


def _asks_for_heads(words: Sequence[str]) -> bool:
    """Whether a conversion's `--to` or `--from` is one of heads."""
    from studio.core.requests.convert_heads import TARGETS

    formats = contributions("head-format")
    sources = {name for c in formats for name in (c.id, *c.aliases)} | {TARGETS[0]}
    for flag, known in (("--to", set(TARGETS)), ("--from", sources)):
        for place, word in enumerate(words):
            name, _, value = word.partition("=")
            if name == flag and (value or " ".join(words[place + 1 : place + 2])) in known:
                return True
    return False


def _heads_text() -> str:
    """The help of `convert`'s second form."""
    parser = command_parser("convert", "")
    title = "heads, with --to headpose or filenames"
    add_options(parser, JOBS["convert-heads"].options_class(), title=title)
    groups = parser.format_help().partition(f"{title}:")
    return "".join(groups[1:])


def _judge_text() -> str:
    """The help of `evaluate`'s second form."""
    parser = command_parser("evaluate", "")
    add_options(parser, JOBS["judge"].options_class(), title="judging stored predictions")
    groups = parser.format_help().partition("judging stored predictions:")
    return "".join(groups[1:])


def _project_here() -> Path | None:
    here = Path.cwd()
    return here if (here / "studio.toml").is_file() else None


def write(text: str) -> None:
    """A line for the person at the console."""
    sys.stdout.write(text + "\n")
