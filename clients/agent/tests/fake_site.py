"""A site in a thread that follows docs/agent-protocol.md, and remembers what it was told."""

from __future__ import annotations

import base64
import hashlib
import json
import select
import socket
import sys
import threading
import time
import urllib.parse
import uuid
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import messages
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

GOOD_TOKEN = "let-me-in"
MIB = 1 << 20


class FakeSite:
    """Strict on purpose: a call that breaks the protocol is refused, and listed in `refusals`."""

    def __init__(self, *, heartbeat_every: float = 0.5) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.node = str(uuid.uuid4())
        self.agent: str | None = None
        self.agent_key: Ed25519PublicKey | None = None
        self.heartbeat_every = heartbeat_every
        self.used_tokens: set[str] = set()
        self.seen_ids: set[str] = set()
        self.refusals: list[tuple[str, str]] = []
        self.beats: list[dict[str, Any]] = []
        self.leases: dict[str, dict[str, Any]] = {}
        self.queue: list[dict[str, str]] = []
        # What an attempt before left: names to contents.
        self.resumable: dict[str, bytes] = {}
        self.chain: list[dict[str, str]] = []
        # As told in the header of each answer, and by agents in that of each call.
        self.speaks, self.heard = "1.1", set[str | None]()
        self.is_revoked = self.has_forged = False
        self.skew = 0.0
        self.is_away = False
        self.changed = threading.Condition()
        self._server = _Server(self)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.is_away = True
        self.notify()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def notify(self) -> None:
        with self.changed:
            self.changed.notify_all()

    @property
    def site_key(self) -> str:
        return base64.b64encode(self.key.public_key().public_bytes_raw()).decode()

    # --- what a test does -----------------------------------------------------
    def sign(self, payload: dict[str, Any], key: Ed25519PrivateKey | None = None) -> dict[str, str]:
        text = rfc8785.dumps(payload).decode()
        signature = (key or self.key).sign(text.encode())
        return {"payload": text, "signature": base64.b64encode(signature).decode()}

    def payload(self, script: str = "true", **changes: Any) -> dict[str, Any]:
        limits = {
            "memory_bytes": 512 * MIB,
            "processes": 64,
            "disk_bytes": 64 * MIB,
            "log_bytes": MIB,
            "file_bytes": 8 * MIB,
            "wall_seconds": None,
        } | changes.pop("limits", {})
        specification = {
            "script": script,
            "environment": {},
            "bring_back": [],
            "limits": limits,
            "network": "none",
            "on_disconnect": "keep",
            "retry": "never",
            "runner": "bubblewrap",
        } | changes.pop("specification", {})
        lease = str(uuid.uuid4())
        return {
            "lease": lease,
            "node": self.node,
            "fence": 1,
            "reference": f"run-{lease}",
            "devices": [{"index": 0, "kind": "host", "model": "test"}],
            "specification": specification,
            "specification_digest": hashlib.sha256(rfc8785.dumps(specification)).hexdigest(),
            "issued_at": "2026-01-01T00:00:00Z",
            "not_before": "2026-01-01T00:00:00Z",
            "ends_at": "2026-01-01T01:00:00Z",
            "starts_in": 0.0,
            "ends_in": 600.0,
            "terminate_before_end": 3.0,
            "kill_before_end": 1.0,
            "expires_in": 600.0,
        } | changes

    def offer(self, payload: dict[str, Any]) -> str:
        """Put a lease in the answers of `work` until it is reported staged; `starts_in` counts from now."""
        with self.changed:
            now = time.monotonic()
            self.leases[payload["lease"]] = {
                "payload": payload,
                "offered": now,
                "moment": now + payload["starts_in"],
                "state": "waiting",
                "reports": [],
                "log": {},
                "files": {},
                "stop": False,
                "known": True,
                "ends": now + payload["ends_in"],
            }
            self.changed.notify_all()
        return str(payload["lease"])

    def offer_raw(self, signed: dict[str, str]) -> None:
        with self.changed:
            self.has_forged = True
            self.queue.append(signed)
            self.changed.notify_all()

    def stop(self, lease: str) -> None:
        with self.changed:
            self.leases[lease]["stop"] = True
            self.changed.notify_all()

    def wait_for(self, lease: str, state: str, seconds: float = 20.0) -> dict[str, Any]:
        """The lease once it is in this state; its last report is `reports[-1]`."""
        with self.changed:
            reached = self.changed.wait_for(lambda: self.leases[lease]["state"] == state, seconds)
            assert reached, f"still {self.leases[lease]['state']}; refusals: {self.refusals}"
            return self.leases[lease]

    def ended(self, lease: str, seconds: float = 20.0) -> dict[str, Any]:
        report: dict[str, Any] = self.wait_for(lease, "ended", seconds)["reports"][-1][1]
        return report

    def log(self, lease: str) -> str:
        chunks = self.leases[lease]["log"]
        return "".join(chunks[seq] for seq in sorted(chunks))

    # --- what the agent calls ---------------------------------------------------
    def enrol(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if body["token"] != GOOD_TOKEN:
            return self._no(403, "enrolment_token_unknown", "No such token.")
        if body["token"] in self.used_tokens:
            return self._no(403, "enrolment_token_used", "Used.")
        self.used_tokens.add(body["token"])
        self.agent = str(uuid.uuid4())
        self.agent_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(body["public_key"]))
        return 201, {
            "agent": self.agent,
            "node": self.node,
            "node_name": "Fake node",
            "origin": "https://equinode.test",
            "site_key": self.site_key,
            "heartbeat_every": self.heartbeat_every,
        }

    def rotate(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.agent_key = Ed25519PublicKey.from_public_bytes(base64.b64decode(body["public_key"]))
        return 200, {}

    def authenticate(self, header: str, method: str, target: str, digest: str) -> str | None:
        assert self.agent_key is not None
        if self.is_revoked:
            return "agent_unknown"
        try:
            claims = jwt.decode(
                header.removeprefix("Bearer "),
                self.agent_key,
                algorithms=["EdDSA"],
                audience="https://equinode.test",
                options={"verify_iat": False, "verify_exp": False},
            )
        except jwt.PyJWTError:
            return "token_invalid"
        if abs(claims["iat"] - (time.time() + self.skew)) > 120:
            return "clock_skew"
        if claims["jti"] in self.seen_ids:
            return "token_replayed"
        self.seen_ids.add(claims["jti"])
        expected = (self.agent, method, target, digest)
        if (claims["iss"], claims["htm"], claims["htu"], claims["bdh"]) != expected:
            return "token_invalid"
        return None if claims["exp"] - claims["iat"] <= 120 else "token_invalid"

    def work(self, wait: float, is_there: Callable[[], bool]) -> tuple[int, dict[str, Any]]:
        """What is said once stays for the next who asks, where an agent was killed that had asked before."""

        def found() -> dict[str, Any]:
            waiting = [entry for entry in self.leases.values() if entry["state"] == "waiting"]
            stops = [
                {"lease": name, "fence": entry["payload"]["fence"]}
                for name, entry in self.leases.items()
                if entry["stop"] and entry["state"] in ("staged", "running")
            ]
            return {"leases": [self._signed_now(entry) for entry in waiting] + self.queue, "stop": stops}

        with self.changed:
            self.changed.wait_for(lambda: any(found().values()) or self.is_away, min(wait, 5.0))
            answer = found()
            if is_there():
                self.queue = []
        return 200, answer | {"server_time": self._server_time()}

    def _signed_now(self, entry: dict[str, Any]) -> dict[str, str]:
        passed = time.monotonic() - entry["offered"]
        payload = entry["payload"]
        return self.sign(
            payload | {"starts_in": payload["starts_in"] - passed, "ends_in": payload["ends_in"] - passed}
        )

    def _server_time(self) -> str:
        return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + self.skew))

    def heartbeat(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.changed:
            self.beats.append(body)
            self.changed.notify_all()
            told = []
            for lease in body["leases"]:
                entry = self.leases.get(lease["lease"])
                known = entry is not None and entry["known"]
                ends_in = entry["ends"] - time.monotonic() if entry else 0.0
                told.append(
                    {
                        "lease": lease["lease"],
                        "fence": lease["fence"],
                        "expires_in": entry["payload"]["expires_in"] if entry else 0.0,
                        "ends_in": ends_in,
                        "stop": bool(entry and entry["stop"]),
                        "known": known,
                    }
                )
        return 200, {"leases": told, "server_time": self._server_time()}

    def report(self, lease: str, verb: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.changed:
            entry = self.leases.get(lease)
            if entry is None:
                return self._no(404, "lease_unknown", "Not here.")
            if body["fence"] != entry["payload"]["fence"] or not entry["known"]:
                return self._no(409, "stale_fence", "Over.")
            if verb == "log":
                if len(body["chunks"]) > 1000:
                    return self._no(400, "body_invalid", "Too many pieces.")
                assert sum(len(chunk["text"].encode()) for chunk in body["chunks"]) <= 64 << 10
                for chunk in body["chunks"]:
                    if chunk["seq"] == len(entry["log"]) + 1:  # what comes after a gap is not kept
                        entry["log"][chunk["seq"]] = chunk["text"]
                return 200, {"next_seq": len(entry["log"]) + 1}
            state = {"staged": "staged", "started": "running", "ended": "ended"}[verb]
            entry["reports"].append((verb, body))
            entry["state"] = state
            # On the test's clock; a report that took long to arrive tells a moment that is too late.
            entry[f"{verb}_at"] = time.monotonic() - body.get("ago", 0.0)
            self.changed.notify_all()
        return 200, {}

    def again(self, lease: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.changed:
            entry = self.leases.get(lease)
            if entry is None:
                return self._no(404, "lease_unknown", "Not here.")
            if entry["state"] not in ("waiting", "staged") or body["fence"] != entry["payload"]["fence"]:
                return self._no(409, "stale_fence", "Over.")
            return 200, self._signed_now(entry)

    def resume(self, lease: str, name: str, query: str) -> tuple[int, Any]:
        with self.changed:
            assert query == f"fence={self.leases[lease]['payload']['fence']}"
            content = self.resumable.get(urllib.parse.unquote(name))
        return (200, content) if content is not None else self._no(404, "file_unknown", "Gone.")

    def new_key(self, *, signed_by: Ed25519PrivateKey | None = None) -> None:
        """Sign with another key from now on; the one before signs for it, or somebody else does."""
        former, public = self.key, self.site_key
        self.key = Ed25519PrivateKey.generate()
        statement = {"purpose": "dispatch", "former": public, "key": self.site_key}
        self.chain.append(self.sign({**statement, "since": self._server_time()}, signed_by or former))

    def put(self, lease: str, name: str, headers: Any, content: bytes) -> tuple[int, dict[str, Any]]:
        with self.changed:
            assert int(headers["X-Fence"]) == self.leases[lease]["payload"]["fence"]
            assert hashlib.sha256(content).hexdigest() == headers["X-Content-SHA256"]
            self.leases[lease]["files"][name] = content
        return 201, {}

    def _no(self, status: int, code: str, detail: str) -> tuple[int, dict[str, Any]]:
        self.refusals.append((code, detail))
        return status, {"status": status, "code": code, "detail": detail, "server_time": self._server_time()}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An agent that was killed in the middle of a call is no fault of this site; all else is."""
        if not isinstance(sys.exception(), ConnectionError):
            self.site.refusals.append(("error", repr(sys.exception())))
            super().handle_error(request, client_address)

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

    def do_PUT(self) -> None:
        self._serve("PUT")

    def _serve(self, method: str) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.server.site.is_away:
            self.close_connection = True
            return
        self.server.site.heard.add(self.headers.get("Equinode-Protocol"))
        status, content = self._route_checked(method, raw)
        answer = content if isinstance(content, bytes) else json.dumps(content).encode()
        kind = "application/json" if status < 400 else "application/problem+json"
        self.send_response(status)
        self.send_header("Equinode-Protocol", self.server.site.speaks)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _is_there(self) -> bool:
        """Whoever has ended leaves nothing more to read; one who waits has said nothing yet."""
        if not select.select([self.connection], [], [], 0)[0]:
            return True
        try:
            return bool(self.connection.recv(1, socket.MSG_PEEK))
        except OSError:
            return False

    def _route_checked(self, method: str, raw: bytes) -> tuple[int, Any]:
        """Both ways against docs/schemas/agent: what the agent says, and what this site answers."""
        site = self.server.site
        name = self.path.partition("?")[0].removeprefix("/agent/v1/").split("/")[-1]
        if method == "POST" and (fault := messages.fault(f"{name}.request", json.loads(raw))):
            return site._no(400, "schema", fault)
        status, content = self._route(method, raw)
        answered = {"GET work", "GET site-key", "POST enrol", "POST heartbeat", "POST log", "POST again"}
        if status < 300 and not isinstance(content, bytes):
            shape = f"{name}.answer" if f"{method} {name}" in answered else "empty.answer"
            # What a test forges is not of any shape.
            honest = content if name != "work" or not site.has_forged else content | {"leases": []}
            assert (fault := messages.fault(shape, honest)) is None, fault
        return status, content

    def _route(self, method: str, raw: bytes) -> tuple[int, Any]:
        site = self.server.site
        path, _, query = self.path.partition("?")
        parts = path.removeprefix("/agent/v1/").split("/")
        if parts == ["enrol"]:
            return site.enrol(json.loads(raw))
        digest = hashlib.sha256(raw).hexdigest()
        code = site.authenticate(self.headers.get("Authorization", ""), method, self.path, digest)
        if code is not None:
            return site._no(401, code, "Not you.")
        told = json.loads(raw) if method == "POST" else {}
        calls: dict[str, Callable[[], tuple[int, Any]]] = {
            "work": lambda: site.work(float(query.removeprefix("wait=")), self._is_there),
            "key": lambda: site.rotate(told),
            "heartbeat": lambda: site.heartbeat(told),
            "inventory": lambda: (200, {}),
            "site-key": lambda: (200, {"site_key": site.site_key, "chain": site.chain}),
        }
        if parts[0] in calls:
            return calls[parts[0]]()
        lease, verb, name = parts[1], parts[2], "/".join(parts[3:])
        about: dict[str, Callable[[], tuple[int, Any]]] = {
            "resume": lambda: site.resume(lease, name, query),
            "again": lambda: site.again(lease, told),
            "files": lambda: site.put(lease, name, self.headers, raw),
        }
        return about[verb]() if verb in about else site.report(lease, verb, told)
