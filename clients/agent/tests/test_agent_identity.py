"""One agent on a state folder, and a new one soon after the old one died."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from equinode_agent import identity
from equinode_agent.errors import StateError


def test_a_second_agent_is_kept_off_at_once(tmp_path: Path) -> None:
    with identity.lock(tmp_path), pytest.raises(StateError, match="already running"):
        identity.lock(tmp_path)


def test_a_new_agent_waits_for_the_last_of_a_killed_one(tmp_path: Path) -> None:
    dying = identity.lock(tmp_path)
    threading.Timer(0.3, dying.close).start()
    identity.lock(tmp_path, patience=10).close()
