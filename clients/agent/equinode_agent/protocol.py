"""Calls to the site: signed, over one kept connection per thread, each refusal with its code."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import ssl
import threading
import urllib.parse
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from equinode_agent import __version__, keys, versions
from equinode_agent.errors import AgentError, Refused, SiteAway

PREFIX = "/agent/v1/"
CALL_SECONDS = 15.0
UPLOAD_SECONDS = 120.0
# An answer holds leases with their scripts, never more.
LARGEST_ANSWER = 16 << 20
# What RFC 3986 lets stand in a path: the same set that Django leaves alone, so both sign one spelling.
SAFE_IN_PATH = "/:@&+$,-_.!~*'()"
PIECE = 1 << 20
# The site is busy, restarting, or behind a proxy that finds it away.
TRY_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


Take = Callable[[http.client.HTTPResponse], dict[str, Any]]


class Address:
    """Where the site is, taken apart once."""

    def __init__(self, url: str) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AgentError(f"“{url}” is not the address of a site. It looks like https://equinode.example.")
        self.secure = parts.scheme == "https"
        self.host = parts.hostname
        self.port = parts.port or (443 if self.secure else 80)
        self.base = parts.path.rstrip("/") + PREFIX

    def connect(self, timeout: float) -> http.client.HTTPConnection:
        if not self.secure:
            return http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        context = ssl.create_default_context()
        return http.client.HTTPSConnection(self.host, self.port, timeout=timeout, context=context)


def enrol(site: str, *, token: str, public_key: str, inventory: Mapping[str, Any]) -> dict[str, Any]:
    """Trade the one-time token for this node's identity. The only call without a signature."""
    body = json.dumps(
        {"token": token, "public_key": public_key, "version": __version__, "inventory": inventory}
    ).encode()
    address = Address(site)
    connection = address.connect(CALL_SECONDS)
    try:
        headers = {"Content-Type": "application/json", versions.HEADER: versions.spoken()}
        connection.request("POST", address.base + "enrol", body, headers)
        return _answer(connection.getresponse())
    except (OSError, http.client.HTTPException) as exc:
        raise SiteAway(f"{site} does not answer: {exc}.") from exc
    finally:
        connection.close()


class SiteClient:
    """Signed calls for one agent. Safe to share between threads: each keeps its own connection."""

    def __init__(self, *, site: str, origin: str, agent: str, key: Ed25519PrivateKey) -> None:
        self._address = Address(site)
        self._site, self._origin, self._agent, self._key = site, origin, agent, key
        self._local = threading.local()
        # What to add to this machine's clock to get the site's, once it said they differ.
        self._clock_offset = 0.0
        self._told_offset: float | None = None

    def get(self, path: str, *, timeout: float = CALL_SECONDS) -> dict[str, Any]:
        return self._call("GET", path, b"", keys.EMPTY_DIGEST, {}, timeout)

    def post(self, path: str, body: Mapping[str, Any], *, timeout: float = CALL_SECONDS) -> dict[str, Any]:
        raw = json.dumps(body).encode()
        digest = hashlib.sha256(raw).hexdigest()
        return self._call("POST", path, raw, digest, {"Content-Type": "application/json"}, timeout)

    def put_file(self, path: str, file: Path, *, size: int, sha256: str, fence: int) -> dict[str, Any]:
        """Stream a file; the token is signed over its digest, so neither side holds it in memory."""
        headers = {
            "Content-Type": "application/octet-stream",
            "Content-Length": str(size),
            "X-Fence": str(fence),
            "X-Content-SHA256": sha256,
        }
        with file.open("rb") as content:
            return self._call("PUT", path, content, sha256, headers, UPLOAD_SECONDS)

    def get_file(self, path: str, into: Path, *, size: int, sha256: str) -> None:
        """Stream a file to disk. SiteAway where what came is not what was announced: ask again."""

        def take(response: http.client.HTTPResponse) -> dict[str, Any]:
            if response.status != 200:
                return _answer(response)
            _take_file(response, into, size=size, sha256=sha256)
            return {}

        self._call("GET", path, b"", keys.EMPTY_DIGEST, {}, UPLOAD_SECONDS, take)

    @property
    def clock_offset(self) -> float | None:
        """What to add to this machine's wall clock to get the site's; None before the first answer."""
        return self._told_offset

    def heard(self, server_time: str) -> None:
        """The site's clock, as an answer that came just now told it."""
        with contextlib.suppress(ValueError):
            theirs = datetime.fromisoformat(server_time)
            self._told_offset = round((theirs - datetime.now(tz=theirs.tzinfo)).total_seconds(), 3)

    def close(self) -> None:
        """Close the calling thread's connection."""
        connection = getattr(self._local, "connection", None)
        self._local.connection = None
        if connection is not None:
            connection.close()

    def _call(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes],
        digest: str,
        headers: dict[str, str],
        timeout: float,
        take: Take | None = None,
    ) -> dict[str, Any]:
        take = take or _answer
        try:
            return self._attempt(method, path, body, digest, headers, timeout, take)
        except Refused as exc:
            if exc.code != "clock_skew" or not self._learn_clock(exc):
                raise
        if not isinstance(body, bytes):
            body.seek(0)
        return self._attempt(method, path, body, digest, headers, timeout, take)

    def _learn_clock(self, refusal: Refused) -> bool:
        """Take the site's clock for signing. Slots do not depend on it: they are counted in durations."""
        try:
            theirs = datetime.fromisoformat(str(refusal.details["server_time"]))
        except (KeyError, ValueError):
            return False
        ours = datetime.now(tz=theirs.tzinfo)
        self._clock_offset = (theirs - ours).total_seconds()
        return True

    def _attempt(
        self,
        method: str,
        path: str,
        body: bytes | IO[bytes],
        digest: str,
        headers: dict[str, str],
        timeout: float,
        take: Take,
    ) -> dict[str, Any]:
        target = self._address.base + path
        reused = getattr(self._local, "connection", None) is not None
        try:
            return self._send(method, target, body, digest, headers, timeout, take)
        except (OSError, http.client.HTTPException) as exc:
            self.close()
            if not reused:
                raise SiteAway(f"{self._site} does not answer: {exc or type(exc).__name__}.") from exc
        # The kept connection had gone stale. Every call may be repeated, with a fresh token.
        if not isinstance(body, bytes):
            body.seek(0)
        try:
            return self._send(method, target, body, digest, headers, timeout, take)
        except (OSError, http.client.HTTPException) as exc:
            self.close()
            raise SiteAway(f"{self._site} does not answer: {exc or type(exc).__name__}.") from exc

    def _send(
        self,
        method: str,
        target: str,
        body: bytes | IO[bytes],
        digest: str,
        headers: dict[str, str],
        timeout: float,
        take: Take,
    ) -> dict[str, Any]:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._address.connect(timeout)
        connection.timeout = timeout
        if connection.sock is not None:
            connection.sock.settimeout(timeout)
        token = keys.bearer(
            self._key,
            agent=self._agent,
            audience=self._origin,
            method=method,
            target=target,
            body_digest=digest,
            clock_offset=self._clock_offset,
        )
        connection.request(
            method,
            target,
            body or None,
            {
                **headers,
                "Authorization": f"Bearer {token}",
                "Accept": "application/json",
                "User-Agent": f"equinode-agent/{__version__}",
                versions.HEADER: versions.spoken(),
            },
        )
        response = connection.getresponse()
        try:
            return take(response)
        finally:
            if response.will_close or not response.isclosed():  # half read, it would spoil the next answer
                self.close()


def _answer(response: http.client.HTTPResponse) -> dict[str, Any]:
    raw = response.read(LARGEST_ANSWER + 1)
    if len(raw) > LARGEST_ANSWER:
        raise SiteAway("The site's answer is larger than 16 MiB.")
    try:
        content = json.loads(raw) if raw.strip() else {}
    except ValueError:
        content = None
    if 200 <= response.status < 300:
        versions.require(response.headers.get(versions.HEADER), status=response.status)
        if not isinstance(content, dict):
            raise SiteAway(f"The site answered {response.status} with something else than JSON.")
        return content
    problem = content if isinstance(content, dict) else {}
    if response.status in TRY_LATER or 300 <= response.status < 400:
        raise SiteAway(f"The site answered {response.status} {response.reason}.")
    code = str(problem.get("code", ""))
    detail = str(problem.get("detail", f"The site answered {response.status} {response.reason}."))
    raise Refused(detail, status=response.status, code=code, details=problem)


def _take_file(response: http.client.HTTPResponse, into: Path, *, size: int, sha256: str) -> None:
    """To disk, and in its place only once it is whole and what was announced."""
    beside, digest, taken = into.with_name(into.name + ".part"), hashlib.sha256(), 0
    with beside.open("wb") as file:
        while piece := response.read(min(PIECE, size + 1 - taken)):
            digest.update(piece)
            file.write(piece)
            taken += len(piece)
            if taken > size:
                break
        file.flush()
        os.fsync(file.fileno())
    if taken != size or digest.hexdigest() != sha256:
        beside.unlink()
        raise SiteAway("A file did not come as it was announced.")
    beside.replace(into)
