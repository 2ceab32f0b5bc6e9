"""The state folder: which node this is, at which site, with which keys. Made by enrolling."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from equinode_agent import disk, keys
from equinode_agent.errors import StateError
from equinode_agent.protocol import SiteClient

KEY_FILE = "agent.key"
IDENTITY_FILE = "agent.json"
# On disk, unlike /tmp and /run on many machines, and open to be walked through.
SHARED_SCRATCH = Path("/var/tmp")  # noqa: S108 - the folder made there is checked for its owner


@dataclass(frozen=True)
class Identity:
    """What the site told at enrolment. `site_key` is pinned: only one that it signed for takes its place."""

    site: str
    origin: str
    agent: str
    node: str
    node_name: str
    site_key: str
    heartbeat_every: float


def default_state() -> Path:
    if chosen := os.getenv("EQUINODE_STATE"):
        return Path(chosen)
    if os.geteuid() == 0:
        return Path("/var/lib/equinode-agent")
    base = os.getenv("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local/state") / "equinode-agent"


def make_state(state: Path) -> None:
    state.mkdir(parents=True, exist_ok=True)
    state.chmod(0o700)


def is_enrolled(state: Path) -> bool:
    return (state / IDENTITY_FILE).exists()


def save(state: Path, identity: Identity) -> None:
    disk.write_json(state / IDENTITY_FILE, asdict(identity))


def load(state: Path) -> Identity:
    try:
        return Identity(**json.loads((state / IDENTITY_FILE).read_text()))
    except FileNotFoundError as exc:
        raise StateError(f"{state} holds no enrolment. Run equinode-agent enrol first.") from exc
    except (OSError, TypeError, ValueError) as exc:
        raise StateError(f"{state / IDENTITY_FILE} is damaged: {exc}.") from exc


def client(state: Path, key: Ed25519PrivateKey | None = None) -> SiteClient:
    """Signed calls of the agent enrolled here, with its own key unless another is given."""
    known = load(state)
    return SiteClient(
        site=known.site, origin=known.origin, agent=known.agent, key=key or keys.load_key(state / KEY_FILE)
    )


def lock(state: Path, patience: float = 0) -> IO[str]:
    """Keep a second agent off this state folder for as long as the returned file is open.

    `patience` is how many seconds to wait for a killed agent's last process to be gone.
    """
    deadline = time.monotonic() + patience
    file = (state / "lock").open("w")
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            if time.monotonic() > deadline:
                file.close()
                raise StateError(f"Another agent is already running on {state}.") from exc
            time.sleep(0.1)
        else:
            return file


def mark(state: Path) -> str:
    """Tells what this agent leaves on the machine from what another one on it does."""
    return hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:12]


def scratch_folder(state: Path) -> Path:
    """Where jobs' folders lie. As root, jobs run as another user, who must be able to get there."""
    is_root = os.geteuid() == 0
    chosen = SHARED_SCRATCH / f"equinode-agent-{mark(state)}" if is_root else state / "scratch"
    chosen.mkdir(mode=0o711, exist_ok=True)
    # Anybody may make a folder in /var/tmp: use none that another user prepared.
    if chosen.is_symlink() or chosen.stat().st_uid != os.geteuid():
        raise StateError(f"{chosen} belongs to somebody else. Remove it, then start again.")
    chosen.chmod(0o711)
    return chosen
