"""A small site for the command line: what it uses of the API, in a thread, and ways to misbehave."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "eqn_" + "a" * 43
UID = "019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa"
RUN = "019306a3-1d00-7a0c-8f66-7d8a3b1c9e21"
TOKEN_UID = "019306b0-9d10-7f7e-8e0b-4c1d2e3f4a5b"
DEVICES = [f"019306a0-77aa-7b1f-9d0a-0f5b0a0a7d1{n}" for n in range(4)]

REFUSING = {
    "code": "length", "verdict": "refuse", "name": "Length", "text": "200 h, of 168 h at most.",
    "limit": "168", "actual": "200", "excess": "32", "remedy": "Book 168 h.",
}  # fmt: skip
PASSING = {
    "code": "budget", "verdict": "pass", "name": "Budget", "text": "EUR 13.42, of EUR 787.50 left.",
    "limit": "787.5", "actual": "13.42", "excess": None, "remedy": "",
}  # fmt: skip


def node(slug: str, price: str, devices: list[str]) -> dict[str, Any]:
    return {
        "slug": slug, "name": slug.title(),
        "owner": {"slug": "lab", "name": "Lab Lyon", "is_public_body": True},
        "site": {"slug": "lyon", "name": "Lyon", "country": "FR"},
        "devices": [
            {"uid": uid, "index": n, "kind": "gpu", "model": "H100 SXM5", "model_key": "h100"}
            for n, uid in enumerate(devices)
        ],
        "price": {"price": price, "fee": "0.1", "to_pay": price, "full_delivered": "2.5"},
        "currency": "EUR",
    }  # fmt: skip


@dataclass
class Request:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


@dataclass
class Answer:
    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None


class FakeSite:
    """`script` holds answers to give, by path, before the usual ones; `drops` breaks connections off."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.script: list[tuple[str, Answer]] = []
        self.drops: list[tuple[str, str]] = []  # path, "before" or "after" it is done
        self.kept: dict[str, Answer] = {}
        self.nodes = [node("dear", "3.0", DEVICES[:2]), node("cheap", "1.5", DEVICES[2:])]
        self.free = set(DEVICES)
        self.refuses = False
        self.booked: list[Any] = []
        self.log = ["step 1\n", "\x1b[31mstep 2\x1b[0m\n"]
        self.exit_code: int | None = 0
        self.files = {"out/result.csv": b"0123456789" * 1000, "log.txt": b""}
        self.has_ranges = True
        self.cut: int | None = None  # break a file's connection off after so many bytes, once
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def asked(self, path: str, method: str | None = None) -> list[Request]:
        return [one for one in self.requests if one.path == path and method in (None, one.method)]

    def refuse(
        self, path: str, status: int, code: str, headers: dict[str, str] | None = None, **more: Any
    ) -> None:
        """The next call of this path is answered with a problem document."""
        body = {"status": status, "code": code, "detail": f"The site says {code}.", **more}
        self.script.append((path, Answer(status, body, headers or {})))

    # --- answers ------------------------------------------------------------------------
    def answer(self, asked: Request) -> Answer:
        for entry in self.script:
            if entry[0] == asked.path:
                self.script.remove(entry)
                return entry[1]
        key = asked.headers.get("idempotency-key", "")
        if key in self.kept:
            return self.kept[key]
        answer = self._usual(asked)
        if key and asked.method != "GET" and answer.status < 500:
            self.kept[key] = answer
        return answer

    def _usual(self, asked: Request) -> Answer:
        if asked.path.split("/")[0] in ("nodes", "prices"):
            return self._public(asked)
        if asked.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(
                401, {"status": 401, "code": "token_unknown", "detail": "This is no token of this site."}
            )
        return self._own(asked)

    def _public(self, asked: Request) -> Answer:
        if asked.path == "prices":
            return Answer(200, {"prices": [], "unit": "EUR per device-hour"})
        if found := re.fullmatch(r"nodes/(\w+)/slots", asked.path):
            uids = [one["uid"] for node in self.nodes if node["slug"] == found[1] for one in node["devices"]]
            free = [{"device": uid, "start": "…", "end": "…"} for uid in uids if uid in self.free]
            return Answer(200, {"items": free, "next": None})
        return self._page(asked, [one for one in self.nodes if asked.query.get("device", "h100") == "h100"])

    def _page(self, asked: Request, rows: list[Any]) -> Answer:
        start, most = int(asked.query.get("cursor", 0)), int(asked.query.get("limit", 50))
        more = (
            f"/api/v1/{asked.path}?limit={most}&cursor={start + most}" if start + most < len(rows) else None
        )
        return Answer(200, {"items": rows[start : start + most], "next": more})

    def _own(self, asked: Request) -> Answer:  # noqa: C901 - a table of addresses
        match asked.method, asked.path:
            case "GET", "me":
                return Answer(200, _ME)
            case "GET", "projects":
                return self._page(asked, [_PROJECT])
            case "POST", "reservations/preview":
                return Answer(200, self._preview())
            case "POST", "reservations":
                return self._book(asked)
            case "GET", "reservations":
                return self._page(asked, self.booked)
            case "GET" | "DELETE", path if path == f"reservations/{UID}":
                cancelled = asked.method == "DELETE"
                at = "2026-11-22T19:00:00Z" if cancelled else None
                return Answer(
                    200, SLOT_SHOWN | {"state": "cancelled" if cancelled else "booked", "cancelled_at": at}
                )
            case "POST", path if path == f"reservations/{UID}/runs":
                return Answer(201, self._run())
            case "GET", path if path == f"reservations/{UID}/runs":
                return Answer(200, {"items": [self._run()], "next": None})
            case "GET" | "POST", path if path in (f"runs/{RUN}", f"runs/{RUN}/stop"):
                return Answer(200, self._run())
            case "GET", path if path == f"runs/{RUN}/log":
                return self._log(int(asked.query.get("after", 0)))
            case "GET", path if path == f"runs/{RUN}/files":
                return Answer(200, {"items": [self._file(name) for name in self.files], "next": None})
            case "GET", path if path.startswith(f"runs/{RUN}/files/"):
                return self._content(asked, unquote(path.removeprefix(f"runs/{RUN}/files/")))
            case "POST", "me/tokens":
                return Answer(201, _TOKEN | {"name": asked.body["name"], "token": "eqn_" + "b" * 43})
            case "GET", "me/tokens":
                return self._page(asked, [_TOKEN])
            case "GET" | "DELETE", path if path == f"me/tokens/{TOKEN_UID}":
                return Answer(200, _TOKEN)
        return Answer(404, {"status": 404, "code": "not_found", "detail": "There is nothing here."})

    def _preview(self) -> dict[str, Any]:
        rules = [PASSING, REFUSING] if self.refuses else [PASSING]
        near = {"start": "2026-11-24T14:00:00Z", "end": "2026-11-24T18:00:00Z", "total": "13.42"}
        return {
            "is_granted": not self.refuses,
            "headline": "Not booked: one rule stands in the way." if self.refuses else "Every rule passes.",
            "rules": rules,
            "quote": {
                "total": "13.42",
                "per_hour": "1.678",
                "payments": [{"name": "Grant 1", "amount": "13.42"}],
            },
            "level": {"before": None, "after": "0.98"},
            "nearest": near if self.refuses else None,
        }

    def _book(self, asked: Request) -> Answer:
        if self.refuses:
            told = {"status": 409, "code": "refused", "detail": "Not booked: one rule stands in the way."}
            return Answer(409, told | {"rules": [PASSING, REFUSING]})
        self.booked.append(SLOT_SHOWN)
        return Answer(201, SLOT_SHOWN | {"devices": asked.body["devices"]})

    def _run(self) -> dict[str, Any]:
        return {
            "uid": RUN, "reservation": UID, "number": 1, "node": "cheap", "state": "ended", "is_over": True,
            "outcome": "The job ended by itself.", "exit_code": self.exit_code, "started_at": None,
        }  # fmt: skip

    def _log(self, after: int) -> Answer:
        """One piece an answer: it has to be followed."""
        text = self.log[after] if after < len(self.log) else ""
        is_last = after + 1 >= len(self.log)
        headers = {
            "Log-Position": str(min(after + 1, len(self.log))),
            "Run-State": "ended" if is_last else "running",
            "Run-Over": "true" if is_last else "false",
            "Content-Type": "text/plain; charset=utf-8",
        }
        return Answer(200, headers=headers, raw=text.encode())

    def _file(self, name: str) -> dict[str, Any]:
        content = self.files[name]
        return {
            "name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(),
            "received_at": "2026-11-24T17:18:04Z", "url": f"/api/v1/runs/{RUN}/files/{name}",
        }  # fmt: skip

    def _content(self, asked: Request, name: str) -> Answer:
        content, headers, status = self.files[name], {}, 200
        wanted = re.fullmatch(r"bytes=(\d+)-", asked.headers.get("range", ""))
        if wanted and self.has_ranges:
            start = int(wanted[1])
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            content, status = content[start:], 206
        return Answer(status, headers=headers | {"Content-Type": "application/octet-stream"}, raw=content)


_PROJECT = {
    "slug": "protein-shapes", "name": "Protein shapes", "role": "lead", "project_class": "research",
    "may_book": True, "expires_at": None,
}  # fmt: skip
_ME = {
    "name": "Ada Moreau", "email": "ada@example.org", "language": "en", "projects": [
        {"slug": "protein-shapes", "name": "Protein shapes", "role": "lead"}
    ], "organisations": [],
    "token": {
        "uid": TOKEN_UID, "name": "laptop", "scopes": ["read", "book"], "project": None,
        "expires_at": "2027-11-22T00:00:00Z",
    },
}  # fmt: skip
_TOKEN = {
    "uid": TOKEN_UID, "name": "laptop", "hint": "eqn_aaaa", "scopes": ["read"], "project": None,
    "state": "live", "expires_at": "2027-11-22T00:00:00Z", "last_used_at": None,
}  # fmt: skip
SLOT_SHOWN: dict[str, Any] = {
    "uid": UID, "url": f"/reservations/{UID}/", "project": "protein-shapes", "state": "booked",
    "start": "2026-11-24T14:00:00Z", "end": "2026-11-24T18:00:00Z", "nodes": ["cheap"],
    "devices": DEVICES[2:], "quoted_price": "13.42", "cancelled_at": None,
}  # fmt: skip


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, site: FakeSite) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site = site


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def do_DELETE(self) -> None:
        self._serve("DELETE")

    def _serve(self, method: str) -> None:
        site = self.server.site
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        asked = Request(
            method, parts.path.removeprefix("/api/v1/"),
            {name: values[-1] for name, values in parse_qs(parts.query).items()},
            {name.lower(): value for name, value in self.headers.items()}, json.loads(raw) if raw else None,
        )  # fmt: skip
        site.requests.append(asked)
        drop = next((one for one in site.drops if one[0] == asked.path), None)
        if drop:
            site.drops.remove(drop)
        if drop and drop[1] == "before":
            self.close_connection = True
            return
        answer = site.answer(asked)
        if drop:  # done, and the answer is lost on the way
            self.close_connection = True
            return
        self._send(site, asked, answer)

    def _send(self, site: FakeSite, asked: Request, answer: Answer) -> None:
        body = answer.raw if answer.raw is not None else json.dumps(answer.body).encode()
        kind = "application/json" if answer.status < 400 else "application/problem+json"
        self.send_response(answer.status)
        for name, value in (
            {"Content-Type": kind, "Content-Length": str(len(body))} | answer.headers
        ).items():
            self.send_header(name, value)
        self.end_headers()
        if site.cut is not None and "/files/" in asked.path:
            body, site.cut = body[: site.cut], None
            self.close_connection = True
        self.wfile.write(body)
