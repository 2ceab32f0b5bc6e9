"""What the ledger's tests share: a signing key, and where the published vectors lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

from common.keys import make_key

REPOSITORY = Path(__file__).resolve().parent.parent.parent
VECTORS = REPOSITORY.parent / "shared" / "data" / "tlog"


@pytest.fixture(scope="session", autouse=True)
def _ledger_key() -> None:
    make_key(settings.LEDGER_KEY_FILE)


def vector_text(name: str) -> str:
    """A published vector file, or a skip that says which one is missing."""
    path = VECTORS / name
    if not path.exists():
        pytest.skip(f"published vectors are not on this machine: {path}")
    return path.read_text()


def vector_lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in vector_text(name).splitlines()]
