"""A few threads of bench/interleavings.py: whatever they do at once, no limit is exceeded and none waits for
another in a circle."""

from __future__ import annotations

import pytest

from tests.reservations.services.interleaved import Crowd


@pytest.mark.django_db(transaction=True)
def test_whatever_many_do_at_once_no_limit_is_exceeded_and_no_counter_differs() -> None:
    crowd = Crowd()
    outcome = crowd.run(threads=6, operations=72, seconds=60)
    assert +outcome.broken == {}
    assert outcome.differences == []
    assert outcome.deadlocks == 0
    assert not [name for name in outcome.done if " " in name.partition(": ")[2]]  # no other database error
    assert outcome.done["book"] > 5
    assert outcome.looks > 1
