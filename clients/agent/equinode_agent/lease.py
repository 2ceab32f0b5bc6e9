"""What a lease says and whether it may be trusted. Pure: no clock, no disk, no network."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import rfc8785

from equinode_agent import keys
from equinode_agent.errors import LeaseForged, LeaseRejected, LeaseUnsigned
from equinode_agent.notes import note

# The site's own ceiling is far lower; this only keeps a damaged answer from filling memory.
LARGEST_PAYLOAD = 4 << 20
RUNNERS = ("bubblewrap", "podman", "docker")
NETWORKS = ("none", "internet", "list")
ENVIRONMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Limits:
    memory_bytes: int
    processes: int
    disk_bytes: int
    log_bytes: int
    file_bytes: int
    wall_seconds: float | None
    cpus: float | None = None


@dataclass(frozen=True)
class Device:
    index: int
    kind: str
    model: str


@dataclass(frozen=True)
class ResumedFile:
    """One of the files that a job goes on from."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Specification:
    script: str
    environment: Mapping[str, str]
    bring_back: tuple[str, ...]
    limits: Limits
    network: str
    on_disconnect: str
    runner: str
    image: str | None
    retry: str = "never"
    # Patterns of the files that the job goes on from, should its node fail.
    checkpoint: tuple[str, ...] = ()
    # Those that an attempt before left.
    resumed: tuple[ResumedFile, ...] = ()


@dataclass(frozen=True)
class Lease:
    """A verified lease. Its durations count from the moment the answer that brought it was received."""

    lease: str
    fence: int
    reference: str
    devices: tuple[Device, ...]
    starts_in: float
    ends_in: float
    terminate_before_end: float
    kill_before_end: float
    expires_in: float
    raw_specification: Mapping[str, Any]
    specification_digest: str


@dataclass(frozen=True)
class SignedLease:
    payload: str
    signature: str

    @classmethod
    def load(cls, received: object) -> SignedLease:
        if not isinstance(received, Mapping):
            raise LeaseForged("A lease is not an object.")
        payload, signature = received.get("payload"), received.get("signature")
        if not isinstance(payload, str) or not isinstance(signature, str):
            raise LeaseForged("A lease has no payload or no signature.")
        if len(payload) > LARGEST_PAYLOAD:
            raise LeaseForged("A lease is larger than 4 MiB.")
        return cls(payload=payload, signature=signature)

    def verified(self, *, site_key: str, node: str) -> Lease:
        """The lease, if the pinned key signed it for this node. The fence is the journal's to judge."""
        if not keys.is_signed_by(site_key, self.payload, self.signature):
            raise LeaseUnsigned("A lease does not carry the site's signature.")
        try:
            payload = json.loads(self.payload)
            if payload["node"] != node:
                raise LeaseForged("A lease is for another node.")
            return _lease(payload)
        except (KeyError, TypeError, ValueError) as exc:
            raise LeaseForged(f"A lease does not follow the protocol: {exc!r}.") from exc


def _lease(payload: Mapping[str, Any]) -> Lease:
    devices = tuple(
        Device(index=int(d["index"]), kind=str(d["kind"]), model=str(d["model"])) for d in payload["devices"]
    )
    if not devices:
        raise ValueError("no devices")
    return Lease(
        # Parsed, since it becomes the name of a folder.
        lease=str(uuid.UUID(payload["lease"])),
        fence=int(payload["fence"]),
        reference=str(payload["reference"]),
        devices=devices,
        starts_in=float(payload["starts_in"]),
        ends_in=float(payload["ends_in"]),
        terminate_before_end=float(payload["terminate_before_end"]),
        kill_before_end=float(payload["kill_before_end"]),
        expires_in=float(payload["expires_in"]),
        raw_specification=dict(payload["specification"]),
        specification_digest=str(payload["specification_digest"]),
    )


def specification_of(lease: Lease) -> Specification:
    """The job, if its digest is the signed one and this agent can do all it asks for."""
    digest = hashlib.sha256(rfc8785.dumps(dict(lease.raw_specification))).hexdigest()
    if digest != lease.specification_digest:
        raise LeaseRejected(note("digest"))
    try:
        specification = _specification(lease.raw_specification)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise LeaseRejected(f"The job does not follow the protocol: {exc!r}.") from exc
    if specification.runner not in RUNNERS:
        raise LeaseRejected(note("no_runner", runner=specification.runner))
    if specification.network not in NETWORKS:
        raise LeaseRejected(note("no_network", network=specification.network))
    return specification


def _resumed(raw: Mapping[str, Any]) -> ResumedFile:
    name, size = str(raw["name"]), int(raw["size"])
    path = PurePosixPath(name)
    # The site checks names as well; here each becomes a place on this machine.
    if not name or "\0" in name or path.is_absolute() or ".." in path.parts or size < 0:
        raise ValueError(f"{name!r} is no file in the job's folder")
    return ResumedFile(name=name, size=size, sha256=str(raw["sha256"]))


def _specification(raw: Mapping[str, Any]) -> Specification:
    limits = raw["limits"]
    wall = limits.get("wall_seconds")
    resumed = (raw.get("resume") or {}).get("files", [])
    environment = {str(name): str(value) for name, value in raw.get("environment", {}).items()}
    for name, value in environment.items():
        if not ENVIRONMENT_NAME.fullmatch(name) or "\0" in value:
            raise ValueError(f"{name!r} is not the name of a variable, or its value holds a zero byte")
    specification = Specification(
        script=str(raw["script"]),
        environment=environment,
        bring_back=tuple(str(pattern) for pattern in raw.get("bring_back", [])),
        limits=Limits(
            memory_bytes=int(limits["memory_bytes"]),
            processes=int(limits["processes"]),
            disk_bytes=int(limits["disk_bytes"]),
            log_bytes=int(limits["log_bytes"]),
            file_bytes=int(limits["file_bytes"]),
            wall_seconds=None if wall is None else float(wall),
            cpus=None if limits.get("cpus") is None else float(limits["cpus"]),
        ),
        network=str(raw.get("network", "none")),
        on_disconnect=str(raw.get("on_disconnect", "keep")),
        runner=str(raw.get("runner", "bubblewrap")),
        retry=str(raw.get("retry", "never")),
        checkpoint=tuple(str(pattern) for pattern in raw.get("checkpoint", [])),
        resumed=tuple(_resumed(file) for file in resumed),
        image=None if raw.get("image") is None else str(raw["image"]),
    )
    amounts = specification.limits
    if min(amounts.memory_bytes, amounts.processes, 1 if amounts.cpus is None else amounts.cpus) <= 0:
        raise ValueError("limits must be positive")
    return specification
