"""An agent that signs its calls as docs/agent-protocol.md says, and a lease for it to carry out."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.http import HttpResponse
from django.test import Client

from common import clock
from common.ranges import between
from nodes.models import Agent, Lease, Node
from nodes.services import leases, occupancy
from nodes.services.occupancy import WantedHold
from tests import factories
from tests.nodes import messages

HOUR = timedelta(hours=1)
SPECIFICATION = {
    "script": "echo hello", "environment": {}, "bring_back": [], "network": "none", "retry": "never",
    "on_disconnect": "keep", "runner": "bubblewrap",
    "limits": {"memory_bytes": 2**30, "log_bytes": 1000, "file_bytes": 5000, "wall_seconds": None},
}  # fmt: skip


# The calls that are answered something; the others are answered {}.
ANSWERED = {"GET work", "GET site-key", "POST enrol", "POST heartbeat", "POST log", "POST again"}


class SigningAgent:
    """Speaks the protocol by hand: no code of the site or of the real agent signs here."""

    def __init__(self, node: Node | None = None) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.client = Client()
        self.row = Agent.objects.create(
            node=node or factories.make_node(), public_key=self.public_key, version="0.1.0",
            enrolled_at=clock.now(),
        )  # fmt: skip

    @property
    def public_key(self) -> str:
        return base64.b64encode(self.key.public_key().public_bytes_raw()).decode()

    def token(self, method: str, target: str, digest: str, **changes: Any) -> str:
        now = clock.now().timestamp()
        claims = {
            "iss": str(self.row.uid), "aud": settings.SITE_ORIGIN, "iat": now, "exp": now + 60,
            "jti": str(uuid4()), "htm": method, "htu": target, "bdh": digest,
        } | changes  # fmt: skip
        return jwt.encode(claims, self.key, algorithm="EdDSA", headers={"kid": str(self.row.uid)})

    def headers(self, method: str, target: str, body: bytes = b"", **changes: Any) -> dict[str, str]:
        digest = hashlib.sha256(body).hexdigest()
        return {"Authorization": f"Bearer {self.token(method, target, digest, **changes)}"}

    def get(self, path: str, **changes: Any) -> Any:
        target = f"/agent/v1/{path}"
        return _as_published(
            "GET", path, self.client.get(target, headers=self.headers("GET", target, **changes))
        )

    def post(self, path: str, body: object, **changes: Any) -> Any:
        target, raw = f"/agent/v1/{path}", json.dumps(body).encode()
        answer = self.client.post(
            target, raw, content_type="application/json", headers=self.headers("POST", target, raw, **changes)
        )
        return _as_published("POST", path, answer)

    def put(self, path: str, body: bytes, *, fence: int, **headers: str) -> Any:
        target = f"/agent/v1/{path}"
        told = {"X-Fence": str(fence), "X-Content-SHA256": hashlib.sha256(body).hexdigest()} | headers
        signed = {"Authorization": f"Bearer {self.token('PUT', target, told['X-Content-SHA256'])}"}
        return self.client.put(target, body, content_type="application/octet-stream", headers=told | signed)


def _as_published(method: str, path: str, answer: Any) -> Any:
    """Every answer that an agent of these tests gets is held against its schema."""
    said = str(answer.headers["Content-Type"])
    if said.startswith("application/problem+json"):
        assert messages.fault("problem", json.loads(answer.content), closed=False) is None
    elif said == "application/json" and not answer.streaming:
        name = path.partition("?")[0].rpartition("/")[2]
        shape = f"{name}.answer" if f"{method} {name}" in ANSWERED else "empty.answer"
        fault = messages.fault(shape, json.loads(answer.content))
        assert fault is None, fault
    return answer


def code(response: HttpResponse) -> str:
    """The status and the code of a refusal, as one thing to compare."""
    return f"{response.status_code} {json.loads(response.content)['code']}"


def make_lease(
    node: Node, *, reference: str = "run-1", start: datetime | None = None, length: timedelta = HOUR,
    at: datetime | None = None, **specification: Any,
) -> Lease:  # fmt: skip
    """A lease on all devices of the node, held since `start`, given at `at`."""
    at = at or clock.now()
    start = start or at
    holds = occupancy.hold_devices(
        wanted=[WantedHold(device.pk) for device in node.devices.all()],
        during=between(start, start + length), reference=f"reservation-{reference}",
        kind="reservation", at=at,
    )  # fmt: skip
    return leases.create_lease(
        node_id=node.pk, reference=reference, holds=[(hold.device_id, hold.uid) for hold in holds],
        not_before=start, ends_at=start + length, specification=SPECIFICATION | specification, at=at,
    )  # fmt: skip
