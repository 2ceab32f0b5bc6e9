"""The inbox and its preferences, each for whose they are alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from accounts.models import MailPreference, Notice, User
from accounts.services.notices import notify
from tests import factories

MOMENT = datetime(2026, 11, 24, 9, 42, tzinfo=UTC)


def tell(user: User, *, number: int = 1, project: str = "Atlas", url: str = "/me/security/") -> Notice:
    params = {"project": project, "job": number, "node": "Node 3", "outcome": "agent_lost", "again": None}
    notify(
        users=[user], kind="job_lost", params=params,
        url=url, dedupe=f"job:{number}", at=MOMENT + timedelta(minutes=number),
    )  # fmt: skip
    return Notice.objects.get(user=user, dedupe=f"job:{number}")


def ask(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


@pytest.mark.parametrize("address", ["/me/notices/", "/me/notices/preferences/"])
def test_a_stranger_is_led_to_sign_in(client: Client, db: None, address: str) -> None:
    assert client.get(address).url.startswith("/accounts/login/")  # type: ignore[attr-defined]
    assert client.post("/me/notices/read/").url.startswith("/accounts/login/")  # type: ignore[attr-defined]


def test_the_inbox_is_ones_own_and_the_unread_stand_first(client: Client, ada: User, lena: User) -> None:
    tell(lena, project="Borealis")
    tell(ada, number=1)
    tell(ada, number=2)
    Notice.objects.filter(dedupe="job:2").update(read_at=MOMENT)
    client.force_login(ada)
    html = ask(client, "/me/notices/")
    assert "Borealis" not in html
    assert 0 < html.index("Atlas: job 1 was lost") < html.index("Atlas: job 2 was lost")


def test_an_empty_inbox_says_what_it_is_for(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert "Nothing has happened yet" in ask(client, "/me/notices/")


def test_every_page_tells_how_many_are_unread(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert "menu__count" not in ask(client, "/accessibility/")
    tell(ada, number=1)
    tell(ada, number=2)
    assert '<span class="menu__count">2<' in ask(client, "/accessibility/")


def test_the_count_costs_a_page_no_query(client: Client, ada: User, django_assert_num_queries: Any) -> None:
    tell(ada)
    client.force_login(ada)
    ask(client, "/accessibility/")  # the footer is read once
    with django_assert_num_queries(2):  # the session and whose it is
        assert '<span class="menu__count">1<' in ask(client, "/accessibility/")


def test_a_closed_account_has_no_session_left(client: Client, ada: User) -> None:
    client.force_login(ada)
    User.objects.update(is_active=False)
    assert client.get("/me/notices/").status_code == 302


def test_markup_in_a_name_is_text(client: Client, ada: User) -> None:
    tell(ada, project="<script>alert(1)</script>")
    client.force_login(ada)
    html = ask(client, "/me/notices/")
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_opening_one_marks_it_and_leads_there(client: Client, ada: User) -> None:
    notice = tell(ada)
    client.force_login(ada)
    answer = client.post(f"/me/notices/{notice.uid}/read/", {"open": "1"})
    assert answer.url == "/me/security/"  # type: ignore[attr-defined]
    notice.refresh_from_db()
    assert notice.read_at is not None


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)", ""]
)
def test_a_notice_never_leads_off_this_site(client: Client, ada: User, url: str) -> None:
    notice = tell(ada, url=url)
    client.force_login(ada)
    answer = client.post(f"/me/notices/{notice.uid}/read/", {"open": "1"})
    assert answer.url == "/me/notices/"  # type: ignore[attr-defined]


def test_somebody_elses_notice_is_not_there(client: Client, ada: User, lena: User) -> None:
    notice = tell(ada)
    client.force_login(lena)
    assert client.post(f"/me/notices/{notice.uid}/read/").status_code == 404
    notice.refresh_from_db()
    assert notice.read_at is None


def test_all_are_marked_read_and_only_ones_own(client: Client, ada: User, lena: User) -> None:
    tell(ada, number=1)
    tell(ada, number=2)
    tell(lena, number=3)
    client.force_login(ada)
    client.post("/me/notices/read/")
    assert list(Notice.objects.unread().values_list("user__name", flat=True)) == ["Lena"]


def test_looking_marks_nothing(client: Client, ada: User) -> None:
    tell(ada)
    client.force_login(ada)
    ask(client, "/me/notices/")
    assert Notice.objects.unread().count() == 1
    assert client.get("/me/notices/read/").status_code == 405


def test_a_long_inbox_has_pages_in_few_queries(
    client: Client, ada: User, django_assert_max_num_queries: Any
) -> None:
    for number in range(1, 61):
        tell(ada, number=number)
    client.force_login(ada)
    ask(client, "/accessibility/")  # what every page reads once
    with django_assert_max_num_queries(5):
        first = ask(client, "/me/notices/")
    assert "Atlas: job 60 was" in first
    assert 'href="?page=2"' in first
    last = ask(client, "/me/notices/?page=3")
    assert "Atlas: job 1 was" in last
    assert "page=4" not in last


@pytest.mark.parametrize("page", ["0", "-1", "x", "99999999999999999999", "²"])
def test_a_page_that_is_none_is_the_first(client: Client, ada: User, page: str) -> None:
    tell(ada)
    client.force_login(ada)
    assert "Atlas: job 1" in ask(client, f"/me/notices/?page={page}")


def test_preferences_are_kept_only_where_they_differ(client: Client, ada: User) -> None:
    client.force_login(ada)
    html = ask(client, "/me/notices/preferences/")
    assert 'value="job_ended" checked' in html
    assert 'value="slot_settled">' in html
    wanted = [kind for kind in _offered(html) if kind != "job_ended"] + ["slot_settled"]
    client.post("/me/notices/preferences/", {"by_mail": wanted})
    assert dict(MailPreference.objects.values_list("kind", "by_mail")) == {
        "job_ended": False, "slot_settled": True,
    }  # fmt: skip
    html = ask(client, "/me/notices/preferences/")
    assert 'value="job_ended">' in html
    assert 'value="slot_settled" checked' in html


def _offered(html: str) -> list[str]:

    return re.findall(r'value="(\w+)" checked', html)


def test_what_concerns_stewards_is_offered_to_stewards(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert "application_received" not in ask(client, "/me/notices/preferences/")
    client.post("/me/notices/preferences/", {"by_mail": ["application_received"]})
    assert not MailPreference.objects.filter(kind="application_received").exists()
    client.force_login(factories.make_user("stella", is_steward=True))
    assert "application_received" in ask(client, "/me/notices/preferences/")


def test_the_menu_leads_stewards_to_their_page(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert 'href="/steward/"' not in ask(client, "/accessibility/")
    cache.clear()
    client.force_login(factories.make_user("stella", is_steward=True))
    assert 'href="/steward/"' in ask(client, "/accessibility/")
