from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Organisation, Project
from common import clock
from pricing.domain.grants import Cover, Part, Period, cover
from pricing.errors import GrantExhausted, GrantRefused
from pricing.models import Encumbrance, Grant
from pricing.services import grants as service
from tests import factories

D = Decimal
HOUR = timedelta(hours=1)


def slot(hours: int = 1) -> Period:
    start = clock.now()
    return Period(start, start + hours * HOUR)


def set_aside(project: Project, reference: str, price: str = "1", devices: int = 1) -> list[Encumbrance]:
    with transaction.atomic():
        grants = service.lock_grants(project_id=project.pk)
        answer = cover(grants, hours=slot(), price_per_hour=D(price), devices=devices)
        return service.encumber(grants=grants, cover=answer, reference=reference)


@pytest.mark.django_db
def test_what_is_set_aside_is_no_longer_left() -> None:
    grant = factories.make_grant(factories.make_project(), "10")
    set_aside(grant.project, "reservation-1", price="4")
    grant.refresh_from_db()
    assert (grant.encumbered, grant.used, grant.left) == (4, 0, 6)
    with pytest.raises(GrantExhausted, match="EUR\xa01.00 short") as refused:
        set_aside(grant.project, "reservation-2", price="7")
    assert refused.value.details["short"] == 1


@pytest.mark.django_db
def test_setting_aside_is_one_statement(django_assert_num_queries) -> None:
    grant = factories.make_grant(factories.make_project(), "10")
    answer = cover([grant], hours=slot(), price_per_hour=D(1))
    with django_assert_num_queries(1):
        service.encumber(grants=[grant], cover=answer, reference="reservation-1")
    assert grant.left == 9


@pytest.mark.django_db
def test_device_hours_are_set_aside_with_the_money() -> None:
    grant = factories.make_grant(factories.make_project(), "100", hours=D(10))
    set_aside(grant.project, "reservation-1", price="4", devices=8)
    grant.refresh_from_db()
    assert (grant.hours_encumbered, grant.hours_left, grant.left) == (8, 2, 96)
    refusal = "EUR\xa03.00 and 6.00 device-hours short"
    with pytest.raises(GrantExhausted, match=refusal) as refused:
        set_aside(grant.project, "reservation-2", price="4", devices=8)
    assert (refused.value.details["short"], refused.value.details["short_hours"]) == (3, 6)
    service.release_encumbrance(reference="reservation-1", at=clock.now())
    grant.refresh_from_db()
    assert (grant.hours_encumbered, grant.hours_left, grant.left) == (0, 10, 100)


@pytest.mark.django_db
def test_the_database_has_the_last_word_on_the_hours_of_a_grant() -> None:
    grant = factories.make_grant(factories.make_project(), "100", hours=D(2))
    promise = Cover(D(1), (Part(grant.pk, D(1), D(3)),), D(0))
    with pytest.raises(GrantExhausted, match="1.00 device-hours"):
        service.encumber(grants=[grant], cover=promise, reference="reservation-1")
    raised = Grant.objects.filter(pk=grant.pk)
    with pytest.raises(IntegrityError, match="grant_hours_are_not_overspent"), transaction.atomic():
        raised.update(hours_encumbered=D("2.00000001"))
    with pytest.raises(IntegrityError, match="grant_hours_are_not_overspent"), transaction.atomic():
        raised.update(hours_used=D(-1))


@pytest.mark.django_db
def test_releasing_gives_everything_back_once() -> None:
    grant = factories.make_grant(factories.make_project(), "10")
    set_aside(grant.project, "reservation-1")
    set_aside(grant.project, "reservation-2")
    for _ in range(2):
        service.release_encumbrance(reference="reservation-1", at=clock.now())
    grant.refresh_from_db()
    assert grant.encumbered == 1
    assert Encumbrance.objects.get(settled_at=None).reference == "reservation-2"


@pytest.mark.django_db
def test_the_database_has_the_last_word_on_a_grant() -> None:
    grant = factories.make_grant(factories.make_project(), "10")
    promise = Cover(total=D(11), parts=(Part(grant.pk, D(11)),), short=D(0))
    with pytest.raises(GrantExhausted):
        service.encumber(grants=[grant], cover=promise, reference="reservation-1")
    assert not Encumbrance.objects.exists()
    with pytest.raises(IntegrityError, match="grant_is_not_overspent"), transaction.atomic():
        Grant.objects.update(used=11)


def ask_at_once(project: Project, callers: int = 8, devices: int = 1) -> Counter[str]:
    barrier = Barrier(callers)

    def ask(number: int) -> str:
        try:
            barrier.wait()
            set_aside(project, f"reservation-{number}", devices=devices)
        except GrantExhausted as exc:
            return f"short {exc.details['short']}"
        finally:
            connection.close()
        return "granted"

    with ThreadPoolExecutor(callers) as pool:
        return Counter(pool.map(ask, range(callers)))


@pytest.mark.django_db(transaction=True)
def test_eight_who_ask_at_once_for_a_grant_for_one_get_it_once() -> None:
    project = factories.make_project()
    factories.make_grant(project, "1.5")
    assert ask_at_once(project) == {"granted": 1, "short 0.500000": 7}
    grant = Grant.objects.get()
    assert (grant.encumbered, Encumbrance.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_two_grants_for_three_slots_pay_three_slots_however_many_ask_at_once() -> None:
    """The second slot needs a part of each, which only who waits for the lock can know."""
    project = factories.make_project()
    for _ in range(2):
        factories.make_grant(project, "1.5")
    assert ask_at_once(project) == {"granted": 3, "short 1.000000": 5}
    assert [grant.left for grant in Grant.objects.all()] == [0, 0]


@pytest.mark.django_db(transaction=True)
def test_the_hours_of_a_grant_are_not_exceeded_however_many_ask_at_once() -> None:
    """Seen to fail without FOR NO KEY UPDATE in lock_grants: the database refuses, with an error."""
    project = factories.make_project()
    factories.make_grant(project, "1000", hours=D(7))
    assert ask_at_once(project, devices=2) == {"granted": 3, "short 0.500000": 5}
    grant = Grant.objects.get()
    assert (grant.hours_encumbered, grant.hours_left, grant.encumbered) == (6, 1, 3)


@pytest.mark.django_db
def test_only_a_verified_funder_gives() -> None:
    now = clock.now()
    fields = {
        "project": factories.make_project(), "name": "Grant", "purpose": "Research", "valid_from": now,
        "valid_until": now + HOUR, "amount": D(10), "at": now,
    }  # fmt: skip
    funder = factories.make_organisation(Organisation.Kind.FUNDER)
    assert service.create_grant(funder=funder, **fields).left == 10
    with pytest.raises(GrantRefused, match="not a verified funder"):
        service.create_grant(funder=factories.make_organisation(), **fields)
    funder.verified_at = None
    with pytest.raises(GrantRefused, match="not a verified funder"):
        service.create_grant(funder=funder, **fields)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("field", "value"), [("amount", D(0)), ("amount", D("Infinity")), ("valid_until", None)]
)
def test_a_grant_of_nothing_is_refused(field: str, value: D | None) -> None:
    now = clock.now()
    fields = {"valid_from": now, "valid_until": now + HOUR, "amount": D(10)} | {field: value or now}
    if field == "amount":
        fields["amount"] = value
    with pytest.raises(GrantRefused) as refused:
        service.create_grant(
            project=factories.make_project(), funder=factories.make_organisation(Organisation.Kind.FUNDER),
            name="Grant", purpose="Research", at=now, **fields,
        )  # fmt: skip
    assert refused.value.field == field
