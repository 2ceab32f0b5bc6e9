"""Engine 2: all rules there are now, and what is offered instead of what is refused."""

from __future__ import annotations

from reservations.domain import rules
from reservations.domain.engines.engine import Engine

SECOND = Engine(version="2", rules=rules.ALL, eased_by_shortening=rules.EASED_BY_SHORTENING)
