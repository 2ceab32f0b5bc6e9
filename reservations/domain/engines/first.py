"""Engine 1. What it decided replays, so its rules stay as they are; a changed rule has a new function."""

from __future__ import annotations

from reservations.domain.engines.engine import Engine
from reservations.domain.rules.budget import budget
from reservations.domain.rules.devices import free, price
from reservations.domain.rules.fairness import model_half, room_left
from reservations.domain.rules.membership import member_cap, project_standing
from reservations.domain.rules.timing import grid, horizon, length, order, past

FIRST = Engine(
    version="1",
    rules=(
        grid, order, past, length, horizon, project_standing, free, price, room_left, model_half, member_cap,
        budget,
    ),
    eased_by_shortening=(project_standing, room_left, model_half, member_cap, budget),
)  # fmt: skip
