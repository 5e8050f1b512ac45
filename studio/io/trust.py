"""What opening a checkpoint would run, found out without opening it.

A `.pt` or `.pth` is a pickle: a small program that names the Python functions and classes it
wants. Known model classes are rebuilt by a restricted loader; anything else runs code of whoever
wrote the file. `probe` reads the pickle's instructions and executes none of them. A `.torchscript`
is a program, too: see `trust_script`.

The window asks a person before a job opens such a file, and hands its jobs what was agreed to in
the environment (`AGREED`); a job of the command line, which has no such variable, warns and goes
on. Nothing heavy is imported here.
"""

from __future__ import annotations

import hashlib
import os
import pickletools
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, Any, TypeVar, cast

from studio.core.errors import FileProblem
from studio.io import trust_script
from studio.registry.plugins import contributions

Fact = TypeVar("Fact")

AGREED = "POSE_STUDIO_AGREED_FILES"
SUFFIXES = frozenset({".pt", ".pth", trust_script.SUFFIX})
HIDDEN = "(a name that is put together while the file is opened)"
DAMAGED = "(instructions that cannot be read)"

_IN_FOLDER = (f"*{trust_script.SUFFIX}", "*.pt", "*.pth", "weights/best.pt", "weights/last.pt")
# A file of PyTorch before 1.6 is a few pickles one after the other, then the numbers.
_OLD_PICKLES = 5
_PLAIN = frozenset(
    {
        "collections.OrderedDict", "collections.defaultdict", "collections.Counter",
        "torch.Size", "torch.device", "torch.dtype", "torch.Tensor", "torch.nn.parameter.Parameter",
        "torch.nn.parameter.Buffer", "torch.serialization._get_layout", "torch.storage.UntypedStorage",
        "numpy.dtype", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar",
        "pathlib.PosixPath", "pathlib.WindowsPath", "pathlib._local.PosixPath",
        "pathlib._local.WindowsPath", "_codecs.encode", "builtins.getattr",
    }
    | {f"builtins.{name}" for name in ("set", "frozenset", "dict", "list", "tuple", "bytearray")}
    | {f"builtins.{name}" for name in ("int", "float", "complex", "bool", "str", "slice")}
)  # fmt: skip
_PLAIN_TORCH = frozenset(
    {"float", "double", "half", "bfloat16", "int", "long", "short", "bool"}
    | {f"{kind}{bits}" for kind in ("float", "int", "uint") for bits in (8, 16, 32, 64)}
)
_PREFIXES = ("torch.nn.modules.",)
# Modules whose very mention in a model's file means mischief.
_MISCHIEF = frozenset(
    {
        "asyncio", "bdb", "code", "commands", "ctypes", "ftplib", "http", "httplib", "imp",
        "importlib", "marshal", "multiprocessing", "nt", "os", "pdb", "pickle", "pip", "platform",
        "popen2", "posix", "pty", "pydoc", "requests", "runpy", "shutil", "signal", "site",
        "smtplib", "socket", "ssl", "subprocess", "sys", "tempfile", "threading", "timeit",
        "trace", "types", "urllib", "urllib2", "webbrowser", "winreg", "zipimport",
    }
)  # fmt: skip
_MISCHIEF_NAMES = frozenset(
    {f"builtins.{n}" for n in ("eval", "exec", "execfile", "compile", "open", "__import__",
                               "globals", "vars", "input", "breakpoint", "delattr", "setattr")}
    | {"operator.attrgetter", "operator.methodcaller", "functools.partial", "functools.reduce",
       "torch.load", "torch.hub.load", "torch.hub.load_state_dict_from_url", "torch.jit.load",
       "numpy.load", "numpy.testing._private.utils.runstring", "codecs.open", "io.open"}
)  # fmt: skip


@dataclass(frozen=True)
class Probe:
    """What one file wants. wanted: every function and class it names, as "module.name".

    unknown: those that are no known part of a model. mischief: those of them that no model needs.
    """

    path: Path
    wanted: tuple[str, ...]
    unknown: tuple[str, ...]
    mischief: tuple[str, ...]

    @property
    def known(self) -> bool:
        """Whether the restricted loader suffices: nothing of the author's runs."""
        return not self.unknown


def probe(path: Path) -> Probe:
    """Read the instructions of a checkpoint; nothing of it is executed or imported.

    A file that is no pickle at all wants nothing. Raises FileProblem where it cannot be read.
    """
    return _of_file(path, _probe)


def _of_file(path: Path, read: Callable[[Path, int, int], Fact]) -> Fact:
    """What `read` finds; known already where size and time of change are the same."""
    try:
        stat = path.stat()
        return read(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise FileProblem(
            f"The weights cannot be read: {error.strerror or error}.", where=path
        ) from error


@lru_cache(maxsize=64)
def _probe(path: Path, _size: int, _changed: int) -> Probe:
    if path.suffix.lower() == trust_script.SUFFIX:
        return _probe_script(path)
    wanted = tuple(dict.fromkeys(_globals_of(path)))
    families = _family_classes()
    unknown = tuple(name for name in wanted if not _is_known(name, families))
    return Probe(path, wanted, unknown, tuple(name for name in unknown if _is_mischief(name)))


def _probe_script(path: Path) -> Probe:
    try:
        wanted = tuple(dict.fromkeys(trust_script.operators(path)))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError):
        wanted = (DAMAGED,)
    unknown = tuple(name for name in wanted if not trust_script.is_plain(name))
    return Probe(path, wanted, unknown, tuple(n for n in unknown if n in trust_script.MISCHIEF))


def fingerprint(path: Path) -> str:
    """SHA-256 of the content, as hex. Raises FileProblem."""
    return _of_file(path, _fingerprint)


@lru_cache(maxsize=64)
def _fingerprint(path: Path, _size: int, _changed: int) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def may_unpickle(path: Path) -> bool:
    """Whether this process may run what the file brings: yes where nobody stands before it to
    ask, else only where a person agreed to this very content.
    """
    agreed = os.environ.get(AGREED)
    return agreed is None or fingerprint(path) in agreed.split(",")


def checkpoints_in(options: Mapping[str, Any], folders: Sequence[Path] = ()) -> list[Path]:
    """The checkpoints that a job with these option values may open: files named by themselves,
    after a `name=`, by a model's folder, or by a bare name that stands in one of `folders`.
    """
    found: dict[Path, None] = {}
    for text in _texts(options.values()):
        path = Path(text).expanduser()
        bare = [folder / path.name for folder in folders] if path.suffix.lower() in SUFFIXES else []
        for candidate in (path, *bare):
            if candidate.suffix.lower() in SUFFIXES and candidate.is_file():
                found[candidate.absolute()] = None
                break
            if candidate.is_dir():
                found |= {
                    p.absolute(): None for pattern in _IN_FOLDER for p in candidate.glob(pattern)
                }
                break
    return [path for path in found if path.is_file()]


def _texts(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        if isinstance(value, str | Path) and str(value) and "\n" not in str(value):
            yield str(value)
            # A tracker's options come as text, each with its name.
            _, _, named = str(value).partition("=")
            if named:
                yield named
        elif isinstance(value, list | tuple):
            yield from _texts(cast("Iterable[Any]", value))


def _is_known(name: str, families: tuple[str, ...]) -> bool:
    module, _, last = name.rpartition(".")
    if name in _PLAIN:
        return True
    if name.startswith((*_PREFIXES, *families)):
        # A class; a module's own imports ("....module.functools.partial") are none of its parts.
        return last != last.lower()
    if module == "torch":
        return last in _PLAIN_TORCH or last.endswith("Storage")
    return module == "torch._utils" and last.startswith("_rebuild_")


def _is_mischief(name: str) -> bool:
    return name == HIDDEN or name in _MISCHIEF_NAMES or name.partition(".")[0] in _MISCHIEF


def _family_classes() -> tuple[str, ...]:
    """The name prefixes of the model classes that families declare in their plugin.toml."""
    return tuple(
        str(prefix)
        for contribution in contributions("family")
        for prefix in contribution.extra.get("classes", ())
    )


def _globals_of(path: Path) -> Iterable[str]:
    if zipfile.is_zipfile(path):
        yield from _globals_of_archive(path)
        return
    with path.open("rb") as stream:
        if stream.read(1) != b"\x80":
            return
        stream.seek(0)
        for _ in range(_OLD_PICKLES):
            before = stream.tell()
            yield from _globals_in(stream)
            if stream.read(1) != b"\x80" or stream.tell() <= before:
                return
            stream.seek(-1, os.SEEK_CUR)


def _globals_of_archive(path: Path) -> Iterable[str]:
    """Every pickle in the archive is looked at, whichever a loader would take."""
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                if PurePosixPath(entry.filename).suffix == ".pkl":
                    with archive.open(entry) as stream:
                        yield from _globals_in(stream)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError):
        yield DAMAGED


def _globals_in(stream: IO[bytes]) -> Iterable[str]:
    """The names in one pickle, up to its STOP."""
    strings: list[str | None] = []
    memo: dict[int, str | None] = {}
    try:
        for opcode, argument, _position in pickletools.genops(stream):
            name = opcode.name
            if name in ("GLOBAL", "INST"):
                module, _, last = str(argument).partition(" ")
                yield _plain_name(module, last)
                strings.append(None)
            elif name == "STACK_GLOBAL":
                module, last = (strings[-2], strings[-1]) if len(strings) > 1 else (None, None)
                yield HIDDEN if module is None or last is None else _plain_name(module, last)
                strings.append(None)
            elif name.startswith("EXT"):
                yield HIDDEN
            elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
                memo[cast("int", argument)] = strings[-1] if strings else None
            elif name == "MEMOIZE":
                memo[len(memo)] = strings[-1] if strings else None
            elif name in ("GET", "BINGET", "LONG_BINGET"):
                strings.append(memo.get(cast("int", argument)))
            elif name not in ("PROTO", "FRAME"):
                strings.append(argument if isinstance(argument, str) else None)
            del strings[:-2]
    except (ValueError, IndexError, KeyError, UnicodeDecodeError, zipfile.BadZipFile, EOFError):
        yield DAMAGED


def _plain_name(module: str, name: str) -> str:
    """As Python 3 names it."""
    module = {"__builtin__": "builtins", "copy_reg": "copyreg"}.get(module, module)
    return f"{module}.{name}"
