from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from nodes.domain import lease

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("state", lease.NEXT_STATES)
@pytest.mark.parametrize("reported", lease.NEXT_STATES)
def test_states_lead_forward_only(state: str, reported: str) -> None:
    order = ["waiting", "staged", "running", "ended"]
    is_live = state in order[:3]
    forward = reported == "lost" or (reported in order and state in order
                                     and order.index(reported) > order.index(state))  # fmt: skip
    assert lease.leads_forward(state, reported) == (is_live and forward)


def test_a_lease_lives_ten_minutes_and_never_past_its_slot() -> None:
    assert lease.expiry(NOW, NOW + 60 * MINUTE) == NOW + 10 * MINUTE
    assert lease.expiry(NOW, NOW + 3 * MINUTE) == NOW + 3 * MINUTE


@pytest.mark.parametrize(
    ("minutes", "terminate", "kill"), [(60, 90, 30), (30, 90, 30), (10, 30, 10), (1, 3, 1)]
)
def test_short_slots_stop_later_in_proportion(minutes: int, terminate: int, kill: int) -> None:
    assert lease.stop_offsets(minutes * MINUTE) == (timedelta(seconds=terminate), timedelta(seconds=kill))


def test_a_job_that_is_kept_is_lost_only_after_its_slot() -> None:
    lost_from = lease.lost_from(on_disconnect="keep", expires_at=NOW, ends_at=NOW + 60 * MINUTE)
    assert lost_from == NOW + 70 * MINUTE


def test_a_job_that_stops_is_lost_once_its_agent_must_have_stopped_it() -> None:
    lost_from = lease.lost_from(on_disconnect="stop", expires_at=NOW, ends_at=NOW + 60 * MINUTE)
    assert lost_from == NOW + 2 * MINUTE
