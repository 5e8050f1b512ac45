"""One file over https, whole or not at all; only ever on a person's word."""

from __future__ import annotations

import http.client
import ipaddress
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from studio.core.errors import FileProblem, StudioError
from studio.io.files import part_path, problem_of, replace

Progress = Callable[[int, int], None]

LARGEST = 2_000_000_000
_SILENCE_SECONDS = 30
_BLOCK = 256 * 1024


def _untold(_done: int, _total: int) -> None:
    """Progress that nobody asked for."""


class DownloadProblem(StudioError):
    """The file could not be fetched; nothing of it was kept."""


def download(
    url: str,
    target: Path,
    *,
    accept: Callable[[Path], str] = lambda _path: "",
    progress: Progress = _untold,
    hint: str = "",
) -> Path:
    """Fetch `url` to `target`, which stands there only once it is whole and accepted.

    accept: looks at the fetched file; what it says is wrong with it, or "". progress: bytes so
    far and in all (0: not known); it may raise to end. hint: what else a person can do.
    Raises DownloadProblem, FileProblem.
    """
    _need_secure(url)
    part = part_path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with _open(url, hint) as response, part.open("xb") as stream:
            total = int(response.headers.get("Content-Length") or 0)
            got = _copy(response, stream, total, progress)
        if total and got != total:
            raise DownloadProblem(
                f"The download broke off after {got} of {total} bytes.", where=url, hint=hint
            )
        wrong = accept(part)
        if wrong:
            raise DownloadProblem(f"What came is not what was asked for: {wrong}", where=url)
        replace(part, target)
    except (TimeoutError, ConnectionError, http.client.HTTPException) as error:
        raise DownloadProblem(
            f"The download broke off: {error or type(error).__name__}.", where=url, hint=hint
        ) from error
    except OSError as error:
        raise problem_of(error, target, "write") from error
    finally:
        part.unlink(missing_ok=True)
    return target


def _copy(response: Any, stream: IO[bytes], total: int, progress: Progress) -> int:
    got = 0
    progress(0, total)
    while block := response.read(_BLOCK):
        stream.write(block)
        got += len(block)
        if got > LARGEST:
            raise DownloadProblem(f"The file is larger than {LARGEST // 10**9} GB; it was left.")
        progress(got, total)
    return got


def _open(url: str, hint: str) -> Any:
    # `_need_secure` has looked at the scheme.
    request = urllib.request.Request(url, headers={"User-Agent": "pose-studio"})  # noqa: S310
    try:
        return urllib.request.build_opener(_Redirects).open(request, timeout=_SILENCE_SECONDS)
    except urllib.error.HTTPError as error:
        with error:
            raise DownloadProblem(
                f"The server answers {error.code} {error.reason}.", where=url, hint=hint
            ) from error
    except urllib.error.URLError as error:
        raise DownloadProblem(
            f"The server cannot be reached: {error.reason}.", where=url, hint=hint
        ) from error


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to another place, but not away from https."""

    def redirect_request(
        self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> Any:
        _need_secure(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _need_secure(url: str) -> None:
    """https, or http to this very machine. Raises FileProblem."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and _is_here(parts.hostname or "")):
        return
    raise FileProblem(
        "Only https addresses are fetched from.", where=url, hint="Check the base address."
    )


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
