"""The stewards' front page: what waits, whether the site is well, in few queries."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from accounts.models import Notice, Organisation, Project, User
from common import clock, error_counts, formats
from reservations.domain import sweeps
from reservations.domain.policy import standard
from reservations.models import Application, NoShow, Sweep
from reservations.services.policy import publish_policy
from tests import factories
from tests.reservations.services.worlds import in_days, make_lab, make_open_node


@pytest.fixture
def stella(client: Client, db: None) -> User:
    user = factories.make_user("stella", is_steward=True)
    client.force_login(user)
    return user


@pytest.fixture(autouse=True)
def _no_errors_before() -> Iterator[None]:
    redis = error_counts.connected(settings.REDIS_URL)
    for key in redis.scan_iter(f"{settings.ERRORS_PREFIX}:*"):
        redis.delete(key)
    yield
    redis.close()


def ask(client: Client) -> str:
    answer = client.get("/steward/")
    assert answer.status_code == 200
    return str(answer.content.decode())


def notice(user: User, number: int, mail: str, due: timedelta) -> None:
    now = clock.now()
    Notice.objects.create(
        user=user, kind="job_lost", dedupe=str(number), created_at=now, mail_due_at=now + due, mail=mail
    )


def test_queues_show_their_length_and_who_waits_longest(client: Client, stella: User, ada: User) -> None:
    for number in range(7):
        Application.objects.create(
            applicant=ada, name=f"Atlas {number}", slug=f"atlas-{number}", wanted_class="research",
            purpose="x", submitted_at=clock.now(),
        )  # fmt: skip
        Organisation.objects.create(slug=f"lab-{number}", name=f"Lab {number}", kind="lab", country="FR")
    html = ask(client)
    for name in ("Atlas 0", "Atlas 4", "Lab 0", "Lab 4"):
        assert f">{name}</a>" in html
    assert "Atlas 5" not in html
    assert html.count("2 more") == 2


def test_what_is_answered_waits_no_longer(client: Client, stella: User, ada: User) -> None:
    factories.make_organisation(name="Verified lab")
    Application.objects.create(
        applicant=ada, name="Atlas", slug="atlas", wanted_class="research", purpose="x", state="withdrawn",
        submitted_at=clock.now(),
    )  # fmt: skip
    html = ask(client)
    assert "Atlas" not in html
    assert "Verified lab" not in html


def test_classes_that_end_soon_are_named(client: Client, stella: User) -> None:
    now = clock.now()
    for name, days in (("Soon", 10), ("Later", 90), ("Over", -1)):
        factories.make_project(name=f"{name} project", class_expires_at=now + timedelta(days=days))
    html = ask(client)
    assert "Soon project" in html
    assert "Later project" not in html
    assert "Over project" not in html


def test_an_appeal_waits_and_the_policy_that_comes_is_named_with_its_year(
    client: Client, stella: User, django_assert_max_num_queries: Any
) -> None:
    node, lab, now = make_open_node(), make_lab(), clock.now()
    assert "Policy announced" not in ask(client)
    slot = lab.book([node.devices.all()[0]], in_days(1))
    appeal = NoShow.objects.create(
        reservation=slot, person=lab.member, verdict=True, reason=NoShow.Reason.UNUSED,
        warned_at=now, judged_at=now, appeal="I was there.", appealed_at=now,
    )  # fmt: skip
    factories.make_project(name="Soon project", class_expires_at=now + timedelta(days=10))
    begins = (now + timedelta(days=20)).replace(hour=0, minute=0, second=0, microsecond=0)
    publish_policy(rules=standard(), reason="Rules.", at=now, effective_from=begins)
    with django_assert_max_num_queries(8):
        html = ask(client)
    assert f'href="/steward/no-shows/{appeal.uid}/">{lab.project.name}</a>' in html
    assert 'href="/policy/2/">Version 2</a>' in html
    with timezone.override(stella.time_zone):
        assert formats.moment_with_year(begins) in html
        assert formats.moment_with_year(now + timedelta(days=10)) in html


def test_a_late_sweep_is_an_alarm(client: Client, stella: User) -> None:
    now = clock.now()
    for name in sweeps.EVERY:
        Sweep.objects.create(name=name, finished_at=now, took_ms=3)
    assert "is late" not in ask(client)
    Sweep.objects.filter(name="send_mail").update(finished_at=now - timedelta(hours=1))
    assert "1 sweep is late." in ask(client)


def test_mail_that_went_wrong_is_said(client: Client, stella: User, ada: User) -> None:
    notice(ada, 1, "sending", -timedelta(seconds=10))  # on its way
    notice(ada, 2, "waiting", -timedelta(seconds=10))
    notice(ada, 3, "waiting", timedelta(hours=4))  # tried again later
    assert "mail" not in ask(client).lower().split("<main")[1].split("send mail")[0]
    notice(ada, 4, "failed", -timedelta(hours=1))
    notice(ada, 5, "sending", -timedelta(hours=1))
    notice(ada, 6, "waiting", -timedelta(hours=1))
    html = ask(client)
    for sentence in ("1 mail was given up.", "1 mail perhaps went out", "Mail has been waiting since"):
        assert sentence in html


def test_errors_of_the_last_day_are_shown(client: Client, stella: User) -> None:
    assert "ZeroDivisionError" not in ask(client)
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        logging.getLogger("reservations.services.settle").exception("slot %s could not be settled", 17)
    html = ask(client)
    assert "ZeroDivisionError" in html
    assert "slot %s could not be settled" in html
    assert "17 could" not in html


def test_without_redis_the_page_says_so(
    client: Client, stella: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = error_counts.connected("redis://127.0.0.1:9/0")
    monkeypatch.setattr("reservations.selectors.steward_front._redis", lambda: away)
    assert "Redis does not answer" in ask(client)


def test_who_pays_the_allowance_is_shown_with_how_long_it_lasts(client: Client, stella: User) -> None:
    assert "No line pays the universal allowance now." in ask(client)
    factories.make_line(amount="1000", allowance_hours=Decimal(20), allowance_amount=Decimal(30))
    html = ask(client)
    assert "EUR\xa01,000.00 left" in html
    assert "for 33 people" in html


def test_it_takes_eight_queries_however_much_waits(
    client: Client, stella: User, ada: User, django_assert_max_num_queries: Any
) -> None:
    test_queues_show_their_length_and_who_waits_longest(client, stella, ada)
    Project.objects.update(class_expires_at=clock.now() + timedelta(days=3))
    with django_assert_max_num_queries(8):
        ask(client)
