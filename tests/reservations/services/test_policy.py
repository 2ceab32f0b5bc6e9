from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import DatabaseError, transaction

from common import clock
from common.ranges import between
from ledger.models import Entry
from reservations.domain.policy import Policy as Rules
from reservations.errors import NoPolicy, PolicyRefused
from reservations.models import Policy
from reservations.selectors import policies
from reservations.services.policy import publish_policy
from tests import factories
from tests.races import at_once, split


@pytest.mark.django_db
def test_a_policy_is_published_numbered_and_entered_with_its_reason() -> None:
    at = clock.now()
    row = publish_policy(rules=Rules(), reason="To begin with.", at=at)
    assert (row.version, row.effective.lower, row.effective.upper) == (1, at, None)
    body = Entry.objects.get(pk=row.entry_id).fact["body"]
    assert body["rules"] == Rules().to_json()
    assert body["reason"] == "To begin with."
    assert policies.in_force(at) == (row, Rules())


@pytest.mark.django_db
def test_the_next_one_ends_the_one_before() -> None:
    first = publish_policy(rules=Rules(), reason="To begin with.", at=clock.now() - timedelta(days=3))
    at = clock.now()
    second = publish_policy(rules=Rules(longest_hours=96), reason="Shorter queues.", at=at)
    first.refresh_from_db()
    assert second.version == 2
    assert first.effective.upper == at
    assert policies.in_force(at - timedelta(seconds=1))[1] == Rules()
    assert policies.in_force(at)[1].longest_hours == 96


@pytest.mark.django_db
def test_a_degenerate_policy_is_refused_with_a_sentence_per_fault() -> None:
    with pytest.raises(PolicyRefused) as refusal:
        publish_policy(rules=Rules(half_life_hours=0, longest_hours=10_000), reason="Oh.", at=clock.now())
    assert refusal.value.message == "This policy has 2 faults and was not published."
    assert refusal.value.details["faults"] == {
        "half_life_hours": "A half-life of 0 hours forgets everything at once: fair share would be off.",
        "longest_hours": "This is longer than horizon_days.",
    }
    assert not Policy.objects.exists()
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_numbers_already_in_force_are_not_published_again() -> None:
    publish_policy(rules=Rules(), reason="To begin with.", at=clock.now() - timedelta(days=1))
    with pytest.raises(PolicyRefused):
        publish_policy(rules=Rules(), reason="Again.", at=clock.now())


@pytest.mark.django_db
def test_before_the_first_policy_there_is_none() -> None:
    with pytest.raises(NoPolicy):
        policies.in_force(clock.now())


@pytest.mark.django_db
def test_the_database_keeps_a_published_policy_as_it_is() -> None:
    row = publish_policy(rules=Rules(), reason="To begin with.", at=clock.now())
    with pytest.raises(DatabaseError), transaction.atomic():
        Policy.objects.filter(pk=row.pk).update(reason="Another.")
    with pytest.raises(DatabaseError), transaction.atomic():
        row.delete()


@pytest.mark.django_db
def test_a_policy_ends_at_the_moment_that_was_read_before_the_transaction_began() -> None:
    first = publish_policy(rules=Rules(), reason="To begin with.", at=clock.now() - timedelta(days=1))
    an_hour_ago = between(first.published_at, clock.now() - timedelta(hours=1))
    with pytest.raises(DatabaseError, match="cannot be changed"), transaction.atomic():
        Policy.objects.filter(pk=first.pk).update(effective=an_hour_ago)
    read_at = clock.now() - timedelta(seconds=5)
    assert publish_policy(rules=Rules(longest_hours=96), reason="Shorter.", at=read_at).version == 2


@pytest.mark.django_db
def test_a_policy_begins_after_the_one_before() -> None:
    at = clock.now()
    publish_policy(rules=Rules(), reason="To begin with.", at=at)
    for moment in (at, at - timedelta(seconds=1)):
        with pytest.raises(PolicyRefused, match="has to begin after that"):
            publish_policy(rules=Rules(longest_hours=96), reason="Shorter.", at=moment)


@pytest.mark.django_db(transaction=True)
def test_two_published_at_once_get_two_numbers() -> None:
    """Without the advisory lock both take number 1, and the database refuses one with no sentence."""
    at = clock.now()
    calls = [
        partial(
            publish_policy,
            rules=Rules(longest_hours=hours),
            reason="At once.",
            at=at + timedelta(seconds=hours),
        )
        for hours in (24, 25)
    ]
    done, failed = split(at_once(*calls))
    # Who comes second may be earlier by its own clock, and is then told so.
    assert sorted(row.version for row in done) == list(range(1, len(done) + 1))
    assert [type(refusal) for refusal in failed] == [PolicyRefused] * (2 - len(done))
    assert Policy.objects.count() == len(done) >= 1


@pytest.mark.django_db(transaction=True)
def test_the_database_takes_one_of_two_policies_written_at_once_for_one_moment() -> None:
    """Past the service: seen to fail without the exclusion constraint, where both rows stay."""
    now = clock.now()
    both = [
        Policy(
            version=number, effective=between(now, None), rules=Rules().to_json(), reason="At once.",
            digest=Rules().digest, entry=factories.make_entry(), published_at=now,
        )
        for number in (1, 2)
    ]  # fmt: skip
    _written, failed = split(at_once(*(partial(Policy.objects.bulk_create, [row]) for row in both)))
    assert len(failed) == 1
    # Each may have to wait for the other; the database then ends one of the two.
    assert "policies_do_not_overlap" in str(failed[0]) or "deadlock" in str(failed[0])
    assert Policy.objects.count() == 1
