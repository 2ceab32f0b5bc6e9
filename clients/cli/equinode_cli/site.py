"""Calls to one site: with its token, in your language, again where that helps, each refusal with its code."""

from __future__ import annotations

import json
import ssl
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import httpx

from equinode_cli import __version__
from equinode_cli.errors import CliError, Misused, NotFound, NotSignedIn, Refused, SiteAway
from equinode_cli.patience import Patience, retry_after
from equinode_cli.words import _, language

PREFIX = "/api/v1/"
ANSWER_SECONDS, CONNECT_SECONDS = 60.0, 10.0
# Busy, restarting, or behind a proxy that finds it away.
ASK_AGAIN = frozenset({429, 502, 503, 504})
# Our own call from before a broken connection is still being answered.
IN_USE = "idempotency_key_in_use"
UNREADABLE = frozenset(
    {"invalid", "parameters_invalid", "parse_error", "unsupported_media_type", "body_too_large"}
)
_MOST_ROWS = 200  # of one page

Query = Mapping[str, Any]


class Site:
    """One site for one command. Every write carries a key, so that asking again never does it twice."""

    def __init__(
        self,
        address: str,
        token: str | None,
        *,
        on_wait: Callable[[float], None] | None = None,
        patience: float = 60.0,
        connect_patience: float = 8.0,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self.address, self.has_token = address, token is not None
        self._on_wait = on_wait
        self._patience, self._connect_patience = patience, connect_patience
        headers = {
            "Accept": "application/json",
            "Accept-Language": language(),
            "User-Agent": f"equinode/{__version__}",
        }
        if token is not None:
            headers["Authorization"] = f"Bearer {_sendable(token)}"
        timeout = httpx.Timeout(answer_seconds, connect=min(CONNECT_SECONDS, answer_seconds))
        self._http = httpx.Client(headers=headers, timeout=timeout)

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    # --- what commands call ---------------------------------------------------
    def get(self, path: str, **query: Any) -> Any:
        return self._json(self._send("GET", path, query=query))

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, key: str = "") -> Any:
        return self._json(self._send("POST", path, body=body or {}, key=key))

    def delete(self, path: str) -> Any:
        return self._json(self._send("DELETE", path))

    def text(self, path: str, **query: Any) -> httpx.Response:
        """An answer that is no JSON, with its headers."""
        return self._send("GET", path, query=query)

    def rows(self, path: str, *, most: int, **query: Any) -> dict[str, Any]:
        """Page after page of a list, in the form of one: `items`, and `next` where there are more."""
        items: list[Any] = []
        page = self.get(path, limit=min(most, _MOST_ROWS), **query)
        items += page["items"]
        while page["next"] and len(items) < most:
            page = self.get(page["next"], limit=min(most - len(items), _MOST_ROWS))
            items += page["items"]
        return {"items": items, "next": page["next"]}

    @contextmanager
    def stream(self, path: str, *, skip: int = 0) -> Iterator[httpx.Response]:
        """The bytes of a file, from a place on; 206 says that the site begins there."""
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if skip:
            headers["Range"] = f"bytes={skip}-"
        try:
            with self._http.stream("GET", self._url(path), headers=headers) as response:
                if response.status_code not in (200, 206, 416):
                    response.read()
                    self._raise(response)
                yield response
        except httpx.TransportError as exc:
            raise self._away(exc) from exc

    # --- one call -------------------------------------------------------------
    def _url(self, path: str) -> str:
        """A path that the site names, such as `next`, must be one of its API: a token goes nowhere else."""
        if path.startswith(PREFIX):
            return self.address + path
        if path.startswith("/") or "://" in path:
            raise SiteAway(_("%(site)s names an address that is not its own.") % {"site": self.address})
        return self.address + PREFIX + path

    def _send(
        self, method: str, path: str, *, query: Query | None = None, body: Any = None, key: str = ""
    ) -> httpx.Response:
        headers: dict[str, str] = {}
        content = None
        if method != "GET":
            headers["Idempotency-Key"] = key or str(uuid.uuid4())
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        asked = {name: value for name, value in (query or {}).items() if value not in (None, "")}
        url = httpx.URL(self._url(path))
        request = self._http.build_request(
            method, url.copy_merge_params(asked) if asked else url, headers=headers, content=content
        )
        return self._answer(request)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        busy = Patience(self._patience, self._on_wait)
        unreached = Patience(self._connect_patience, self._on_wait)
        while True:
            try:
                response = self._http.send(request)
            except httpx.TransportError as exc:
                fault = self._away(exc)
                if _is_certificate(exc) or isinstance(exc, httpx.UnsupportedProtocol):
                    raise fault from exc
                reached = isinstance(exc, httpx.ReadError | httpx.RemoteProtocolError | httpx.WriteError)
                (busy if reached else unreached).wait_or_raise(fault)
                continue
            if response.status_code in ASK_AGAIN or _problem(response).get("code") == IN_USE:
                wait = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
                busy.wait_or_raise(self._busy(response, wait), wait)
                continue
            if not response.is_success:
                self._raise(response)
            return response

    def _json(self, response: httpx.Response) -> Any:
        if response.status_code == 204:
            return {}
        try:
            return response.json()
        except ValueError as exc:
            raise SiteAway(
                _("%(site)s answered with something else than JSON: it may not be an Equinode site.")
                % {"site": self.address}
            ) from exc

    # --- refusals -------------------------------------------------------------
    def _away(self, exc: httpx.TransportError) -> SiteAway:
        if _is_certificate(exc):
            sentence = _("%(site)s cannot prove that it is that site: %(fault)s")
        elif isinstance(exc, httpx.TimeoutException):
            sentence = _("%(site)s does not answer in time.")
        else:
            sentence = _("%(site)s cannot be reached: %(fault)s")
        return SiteAway(sentence % {"site": self.address, "fault": exc or type(exc).__name__})

    def _busy(self, response: httpx.Response, wait: float | None) -> SiteAway:
        problem = _problem(response)
        sentence = problem.get("detail") or _("%(site)s is busy or away (%(status)d).") % {
            "site": self.address, "status": response.status_code,
        }  # fmt: skip
        if wait is not None:
            sentence += " " + _("It asks for a pause of %(seconds)d s.") % {"seconds": round(wait)}
        return SiteAway(sentence, problem=problem)

    def _raise(self, response: httpx.Response) -> None:
        problem, status = _problem(response), response.status_code
        if response.is_redirect:
            target = str(response.headers.get("Location", ""))[:200]
            raise SiteAway(
                _("%(site)s points to %(target)s. Sign in there if you trust it: equinode login")
                % {"site": self.address, "target": target}
            )
        if not problem:
            kind = NotFound if status == 404 else SiteAway
            raise kind(
                _("%(site)s answered %(status)d: it may not be an Equinode site.")
                % {"site": self.address, "status": status}
            )
        raise _kind(status, str(problem.get("code", "")))(
            str(problem["detail"]), problem=problem, below=self._where(problem)
        )

    def _where(self, problem: Mapping[str, Any]) -> list[str]:
        """The page of the site that leads on, where it names one."""
        path = problem.get("url")
        return [self.address + path] if isinstance(path, str) and path.startswith("/") else []


def _kind(status: int, code: str) -> type[CliError]:
    if status == 401 or code == "scope_missing":
        return NotSignedIn
    if status == 404:
        return NotFound
    if code in UNREADABLE:
        return Misused
    return SiteAway if status >= 500 else Refused


def _problem(response: httpx.Response) -> dict[str, Any]:
    """Problem details (RFC 9457), where the answer has them."""
    if response.is_success or "json" not in response.headers.get("Content-Type", ""):
        return {}
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) and isinstance(problem.get("detail"), str) else {}


def _sendable(token: str) -> str:
    if not token.isascii() or not token.isprintable() or " " in token:
        raise NotSignedIn(_("This is no token: it has characters that none has."))
    return token


def _is_certificate(exc: BaseException | None) -> bool:
    while exc is not None:
        if isinstance(exc, ssl.SSLCertVerificationError):
            return True
        exc = exc.__cause__ or exc.__context__
    return False
