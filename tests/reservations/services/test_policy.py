from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from common import clock
from common.access import NotAllowed
from common.ranges import between
from ledger.models import Entry
from reservations.domain.exact_json import moment
from reservations.domain.policy import Policy as Rules
from reservations.errors import NoPolicy, PolicyRefused
from reservations.models import Policy
from reservations.selectors import policies
from reservations.services.policy import call_off_policy, publish_policy
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
        "half_life_hours": (
            "A half-life of 0 hours forgets nearly everything at once: fair share would be off."
            " At least 24 hours."
        ),
        "longest_hours": "10,000 hours is longer than “Horizon” allows; at most 672 hours.",
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
    for begins in (at, at - timedelta(seconds=1)):
        with pytest.raises(PolicyRefused, match="has to begin after that"):
            publish_policy(rules=Rules(longest_hours=96), reason="Shorter.", at=begins)


# --- announced for a moment to come ------------------------------------------------------------------
SHORTER = Rules(longest_hours=96)
A_WEEK = timedelta(days=7)


def published(rules: Rules = Rules(), **fields: Any) -> Policy:  # noqa: B008 - it is frozen
    return publish_policy(rules=rules, reason="Because.", **fields)


@pytest.mark.django_db
def test_an_announced_policy_takes_effect_when_it_says_and_ends_the_one_before_then() -> None:
    first = published(at=clock.now() - timedelta(days=1))
    at = clock.now()
    second = published(SHORTER, at=at, effective_from=at + A_WEEK)
    first.refresh_from_db()
    assert (first.effective.upper, second.begins, second.published_at) == (at + A_WEEK, at + A_WEEK, at)
    assert policies.in_force(at + A_WEEK - timedelta(microseconds=1))[0] == first
    assert policies.in_force(at + A_WEEK) == (second, SHORTER)
    assert policies.announced(at) == second
    assert policies.announced(at + A_WEEK) is None
    body = Entry.objects.get(pk=second.entry_id).fact["body"]
    assert (body["policy"], body["effective_from"], body["reason"]) == (2, moment(at + A_WEEK), "Because.")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("begins", "sentence"),
    [
        (-timedelta(microseconds=1), "A policy takes effect now or later;"),
        (-A_WEEK, "A policy takes effect now or later;"),
        (timedelta(days=366, seconds=1), "This is more than 366 days ahead"),
    ],
)
def test_a_policy_is_not_dated_in_the_past_nor_far_ahead(begins: timedelta, sentence: str) -> None:
    at = clock.now()
    published(at=at - timedelta(days=30))
    with pytest.raises(PolicyRefused, match=sentence) as refusal:
        published(SHORTER, at=at, effective_from=at + begins)
    assert refusal.value.field == "effective_from"
    assert Policy.objects.count() == 1


@pytest.mark.django_db
def test_one_is_announced_at_a_time() -> None:
    published(at=clock.now() - timedelta(days=1))
    at = clock.now()
    published(SHORTER, at=at, effective_from=at + A_WEEK)
    for begins in (None, at + timedelta(days=1), at + 2 * A_WEEK):
        with pytest.raises(PolicyRefused, match="Version 2 is announced for"):
            published(Rules(longest_hours=48), at=at + timedelta(hours=1), effective_from=begins)


@pytest.mark.django_db
def test_an_announced_policy_is_called_off_with_its_reason_and_the_one_in_force_goes_on() -> None:
    steward = factories.make_user(is_steward=True)
    first = published(at=clock.now() - timedelta(days=1))
    at = clock.now()
    second = published(SHORTER, at=at, effective_from=at + A_WEEK, by=steward)
    later = at + timedelta(hours=1)
    call_off_policy(policy=second, reason="Projects need longer slots.", by=steward, at=later)
    first.refresh_from_db()
    second.refresh_from_db()
    assert first.effective.upper is None
    assert (second.effective.isempty, second.begins, second.called_off_at) == (True, at + A_WEEK, later)
    assert policies.in_force(at + 2 * A_WEEK)[0] == first
    fact = Entry.objects.get(pk=second.called_off_entry_id).fact
    assert fact["kind"] == "policy_called_off"
    assert fact["body"] == {
        "policy": 2, "effective_from": moment(at + A_WEEK), "continues": 1,
        "reason": "Projects need longer slots.",
    }  # fmt: skip
    with pytest.raises(PolicyRefused, match="called off already"):
        call_off_policy(policy=second, reason="Again.", by=steward, at=later)
    third = published(SHORTER, at=later, effective_from=at + A_WEEK)  # its number stays its own
    assert third.version == 3


@pytest.mark.django_db
def test_what_has_taken_effect_is_not_called_off() -> None:
    steward = factories.make_user(is_steward=True)
    published(at=clock.now() - timedelta(days=1))
    at = clock.now()
    second = published(SHORTER, at=at, effective_from=at + A_WEEK)
    with pytest.raises(PolicyRefused, match="has taken effect"):
        call_off_policy(policy=second, reason="Too late.", by=steward, at=at + A_WEEK)


@pytest.mark.django_db
def test_only_stewards_publish_and_call_off() -> None:
    member, at = factories.make_user(), clock.now()
    published(at=at - timedelta(days=1))
    second = published(SHORTER, at=at, effective_from=at + A_WEEK)
    with pytest.raises(NotAllowed):
        published(Rules(longest_hours=48), at=at, by=member)
    with pytest.raises(NotAllowed):
        call_off_policy(policy=second, reason="Mine.", by=member, at=at)


@pytest.mark.django_db
def test_a_policy_is_published_after_a_look_at_what_it_changes() -> None:
    at = clock.now()
    published(at=at - timedelta(days=2))
    published(SHORTER, at=at - timedelta(seconds=5))
    with pytest.raises(PolicyRefused, match="Version 2 was published meanwhile"):
        published(Rules(longest_hours=48), at=at, follows=1)
    assert published(Rules(longest_hours=48), at=at, follows=2).version == 3


@pytest.mark.django_db
def test_the_database_keeps_what_is_announced_too() -> None:
    """Each past the service; the first two only the exclusion constraint and the trigger keep."""
    at = clock.now()
    first = published(at=at - timedelta(days=1))
    second = published(SHORTER, at=at, effective_from=at + A_WEEK)
    changes: list[tuple[Policy, dict[str, Any]]] = [
        (first, {"effective": between(first.begins, None)}),
        (first, {"effective": between(first.begins, at + timedelta(days=1))}),
        (second, {"effective": between(at + timedelta(days=1), None)}),
        (second, {"rules": first.rules}),
        (second, {"effective": DateTimeTZRange(empty=True)}),
        (second, {"called_off_reason": "No.", "would_have_begun": at, "called_off_at": at}),
    ]
    for row, change in changes:
        with pytest.raises(DatabaseError), transaction.atomic():
            Policy.objects.filter(pk=row.pk).update(**change)
    with pytest.raises(DatabaseError, match="a_policy_is_not_dated_in_the_past"), transaction.atomic():
        Policy.objects.create(
            version=9, effective=between(at - A_WEEK, at - timedelta(days=2)), rules=Rules().to_json(),
            reason="Before.", digest=Rules().digest, entry=factories.make_entry(), published_at=at,
        )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_calling_off_and_publishing_at_once_leave_one_line_of_succession() -> None:
    """Without the advisory lock the third is numbered and dated beside one that is being called off."""
    steward, at = factories.make_user(is_steward=True), clock.now()
    published(at=at - timedelta(days=1))
    second = published(SHORTER, at=at, effective_from=at + A_WEEK)
    later = at + timedelta(minutes=1)
    answers = at_once(
        partial(call_off_policy, policy=second, reason="No.", by=steward, at=later),
        partial(published, Rules(longest_hours=48), at=later),
        partial(call_off_policy, policy=second, reason="No.", by=steward, at=later),
    )
    assert {type(answer) for answer in answers} == {Policy, PolicyRefused}
    standing = [*Policy.objects.standing().order_by("version")]
    assert second not in standing
    ends = [*(row.begins for row in standing[1:]), None]
    assert [row.effective.upper for row in standing] == ends


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
