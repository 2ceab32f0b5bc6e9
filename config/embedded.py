"""Where this checkout's own database and broker listen, when no address is given.

Only names places; `bin/servers` starts and stops what lives there.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.getenv("VAR_DIR") or BASE_DIR / "var")
# The kernel takes paths of 107 bytes for a socket (unix(7)); PostgreSQL's has the longest name here.
LONGEST = 107 - len("/.s.PGSQL.5432")


def run_dir(var_dir: Path = VAR_DIR) -> Path:
    """A short, private directory for sockets; below /tmp where TMPDIR is too long for them."""
    key = hashlib.sha256(str(var_dir).encode()).hexdigest()[:8]
    folder = Path(tempfile.gettempdir()) / f"equinode-{os.getuid()}-{key}"
    return folder if len(os.fsencode(folder)) <= LONGEST else Path("/tmp") / folder.name  # noqa: S108


def database_url() -> str:
    return f"postgresql://equinode@{quote(str(run_dir()), safe='')}/equinode"


def redis_url(var_dir: Path = VAR_DIR) -> str:
    return f"unix://{run_dir(var_dir)}/valkey.sock?db=0"


def celery_broker_url(redis_url: str) -> str:
    """Celery spells a Redis socket differently from redis-py."""
    if redis_url.startswith("unix://"):
        path, _, query = redis_url.removeprefix("unix://").partition("?db=")
        return f"redis+socket://{path}?virtual_host={query or 0}"
    return redis_url
