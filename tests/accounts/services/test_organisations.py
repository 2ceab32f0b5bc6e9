from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from accounts.errors import OrganisationDecided, RegistrationRefused, SlugTaken, StewardActRefused
from accounts.models import Notice, Organisation, User
from accounts.services import organisations as service
from common import clock
from tests import factories

pytestmark = pytest.mark.django_db


def register(by: User, **fields: Any) -> Organisation:
    fields = {
        "name": "Centre for Eddies", "kind": "funder", "country": "FR", "website": "https://example.org",
        "evidence": "Register of associations, W751 000 001", "at": clock.now(),
    } | fields  # fmt: skip
    return service.register(by=by, **fields)


def make_steward(name: str = "") -> User:
    return factories.make_user(name, is_steward=True)


def test_who_registers_leads_it_and_stewards_are_told() -> None:
    steward, ada = make_steward(), factories.make_user()
    organisation = register(ada)
    assert (organisation.slug, organisation.verified_at) == ("centre-for-eddies", None)
    assert list(Organisation.objects.led_by(ada).waiting()) == [organisation]
    (notice,) = Notice.objects.all()
    assert (notice.user, notice.kind) == (steward, "organisation_registered")
    assert notice.url == "/steward/organisations/centre-for-eddies/"


def test_the_same_name_gets_another_address() -> None:
    slugs = [register(factories.make_user(), name=name).slug for name in ("Eddies", "eddies!", "Eddies")]
    assert slugs == ["eddies", "eddies-2", "eddies-3"]


@pytest.mark.parametrize(("name", "slug"), [("Register", "register-2"), ("研究所", "organisation")])
def test_an_address_is_never_another_page_nor_empty(name: str, slug: str) -> None:
    assert register(factories.make_user(), name=name).slug == slug


def test_a_page_of_its_own_is_no_address() -> None:
    with pytest.raises(SlugTaken):
        service.create_organisation(slug="register", name="Register", kind="lab", country="FR")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "Centre\r\nBcc: all@example.org"}, "name"),
        ({"name": "  "}, "name"),
        ({"evidence": " "}, "evidence"),
    ],
)
def test_what_a_steward_could_not_check_is_refused(fields: dict[str, str], field: str) -> None:
    with pytest.raises(RegistrationRefused) as refused:
        register(factories.make_user(), **fields)
    assert refused.value.field == field


def test_nobody_fills_the_queue() -> None:
    ada = factories.make_user()
    waiting = [register(ada) for _ in range(3)]
    with pytest.raises(RegistrationRefused, match="3 organisations of yours wait"):
        register(ada)
    service.verify(organisation=waiting[0], by=make_steward(), at=clock.now())
    register(ada)


def test_verifying_tells_its_leads() -> None:
    ada, steward = factories.make_user(), make_steward()
    organisation = service.verify(organisation=register(ada), by=steward, at=clock.now())
    organisation.refresh_from_db()
    assert organisation.verified_at is not None
    assert organisation.decided_by == steward
    notice = Notice.objects.get(user=ada)
    assert (notice.kind, notice.params["outcome"]) == ("organisation_decided", "verified")


def test_declining_says_why_and_one_may_ask_again() -> None:
    ada, steward = factories.make_user(), make_steward()
    organisation = register(ada)
    with pytest.raises(RegistrationRefused, match="Say why"):
        service.decline(organisation=organisation, by=steward, at=clock.now(), reason=" ")
    declined = service.decline(organisation=organisation, by=steward, at=clock.now(), reason="No such number")
    assert declined.decision_reason == "No such number"
    assert not Organisation.objects.waiting().exists()
    again = service.ask_again(
        organisation=organisation, website="https://example.org", evidence="W751 000 002", by=ada,
        at=clock.now() + timedelta(minutes=2),
    )  # fmt: skip
    assert (again.evidence, again.declined_at, again.decision_reason) == ("W751 000 002", None, "")
    assert Organisation.objects.waiting().get() == organisation
    assert Notice.objects.filter(user=steward, kind="organisation_registered").count() == 2


@pytest.mark.parametrize("role", ["lead", "member"])
@pytest.mark.parametrize("answer", [service.verify, service.decline])
def test_a_steward_answers_no_organisation_of_their_own(role: str, answer: Any) -> None:
    steward, other = make_steward(), make_steward()
    organisation = register(factories.make_user())
    organisation.memberships.create(user=steward, role=role)
    with pytest.raises(StewardActRefused, match="You belong to Centre for Eddies: another steward answers"):
        answer(organisation=organisation, by=steward, at=clock.now(), reason="I know them")
    organisation.refresh_from_db()
    assert (organisation.verified_at, organisation.declined_at) == (None, None)
    answer(organisation=organisation, by=other, at=clock.now(), reason="Seen in the register")


def test_only_who_was_declined_asks_again() -> None:
    ada = factories.make_user()
    with pytest.raises(OrganisationDecided, match="waits for a steward"):
        service.ask_again(organisation=register(ada), website="", evidence="Another", by=ada, at=clock.now())


@pytest.mark.django_db(transaction=True)
def test_of_stewards_who_answer_at_once_one_decides() -> None:
    """Seen to fail without the lock in _undecided: the last to write decides."""
    organisation = register(factories.make_user())
    stewards = [make_steward() for _ in range(8)]
    barrier = Barrier(8)

    def answer(number: int) -> str:
        decide = service.verify if number % 2 else service.decline
        try:
            barrier.wait()
            decide(organisation=organisation, by=stewards[number], at=clock.now(), reason=f"{number}")
        except OrganisationDecided as exc:
            return "was" if " by " in exc.message else exc.message
        finally:
            connection.close()
        return "decided"

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(answer, range(8))) == {"decided": 1, "was": 7}
    organisation.refresh_from_db()
    assert organisation.decided_by == stewards[int(organisation.decision_reason)]
    assert Notice.objects.filter(kind="organisation_decided").count() == 1
