"""The engines that decide: the one in use, and those before it for what they decided.

Each stored decision names its engine, and comes out of it again bit for bit.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from reservations.domain.asking import Request, Snapshot
from reservations.domain.decision import Answer
from reservations.domain.engines.engine import Engine
from reservations.domain.engines.first import FIRST
from reservations.domain.engines.second import SECOND
from reservations.domain.policy import Policy

__all__ = ["CURRENT", "ENGINES", "Engine", "decide", "engine_of"]

ENGINES: Mapping[str, Engine] = MappingProxyType({engine.version: engine for engine in (FIRST, SECOND)})
CURRENT = "2"


def engine_of(version: str) -> Engine:
    """LookupError where there is none of that number."""
    try:
        return ENGINES[version]
    except KeyError:
        raise LookupError(f"engine {version}") from None


def decide(request: Request, snapshot: Snapshot, policy: Policy, *, engine: str = CURRENT) -> Answer:
    """The answer of the engine in use, or of another one."""
    return engine_of(engine).decide(request, snapshot, policy)
