"""Exceptions to the policy on pages: what everybody reads, what stewards do, what members are shown."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Project, ProjectMembership
from accounts.selectors import pseudonym
from common import clock
from reservations.models import PolicyException
from tests import factories
from tests.reservations.services.test_exceptions import end, grant
from tests.reservations.services.worlds import Lab, in_days, make_open_node
from tests.reservations.views.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
STEWARDS_ONLY = {"stranger": 302, "outsider": 404, "member": 404, "lead": 404}
MARKUP = "<img src=x onerror=alert(1)> {{7*7}}"
FORMULA = "=cmd|'/C calc'!A0"


@pytest.fixture
def cast(db: None) -> Cast:
    factories.make_policy()
    return make_cast(name="Ocean eddies", slug="eddies")


PAGE = "/steward/projects/eddies/exceptions/"


def day(days: int) -> str:
    return (clock.now() + timedelta(days=days)).date().isoformat()


def filled(**changes: object) -> dict[str, object]:
    return {
        "number": "longest_hours", "value": "336", "effective_from": "", "effective_until": day(30),
        "reason": "It cannot be stopped.", **changes,
    }  # fmt: skip


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return str(answer.content.decode())


# --- what stewards do -----------------------------------------------------------------------------
def test_it_is_granted_and_ended_by_stewards_alone(cast: Cast) -> None:
    factories.make_vertex(cast.project)
    assert cast.statuses("get", PAGE) == {**STEWARDS_ONLY, "steward": 200}
    assert cast.statuses("get", "/steward/exceptions/") == {**STEWARDS_ONLY, "steward": 200}
    assert cast.statuses("post", PAGE, filled()) == {**STEWARDS_ONLY, "steward": 302}
    granted = PolicyException.objects.get()
    assert (granted.number, granted.value, granted.granted_by) == ("longest_hours", "336", cast.steward)
    own = f"/steward/exceptions/{granted.uid}/"
    assert cast.statuses("get", own) == {**STEWARDS_ONLY, "steward": 200}
    assert cast.statuses("post", own, {"reason": "Over."}) == {**STEWARDS_ONLY, "steward": 302}
    granted.refresh_from_db()
    assert (granted.end_reason, granted.ended_by) == ("Over.", cast.steward)


def test_without_a_second_factor_a_steward_only_reads(cast: Cast) -> None:
    client = Client()
    client.force_login(factories.make_user(is_steward=True))
    assert client.get(PAGE).status_code == 200
    assert client.post(PAGE, filled()).status_code == 403
    assert client.post(f"/steward/exceptions/{grant(cast.project).uid}/", {"reason": "x"}).status_code == 403


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"value": "168"}, "the policy says 7\xa0d, and 7\xa0d would not ease it"),
        ({"value": "1000"}, "at most 28\xa0d, as far as the project’s horizon"),
        ({"value": "many"}, "Write a number such as 336, 0.75 or 3/4."),
        ({"effective_from": day(-2)}, "is past"),
        ({"effective_until": day(-2)}, "before it begins"),
        ({"effective_until": day(400)}, "within 366 days"),
        ({"reason": ""}, "Write why: it is public for good."),
        ({"reason": "Asked by ada@example.org"}, "no e-mail address"),
        ({"number": "half_life_hours"}, "Select a valid choice"),
    ],
)
def test_what_is_refused_is_said_in_place_and_nothing_typed_is_lost(
    cast: Cast, changes: dict[str, object], said: str
) -> None:
    answer = cast.signed_in("steward").post(PAGE, filled(**changes))
    html = answer.content.decode()
    assert answer.status_code in (400, 409)
    assert said in html.replace("&#x27;", "'")
    if "reason" not in changes:
        assert "It cannot be stopped." in html
    assert not PolicyException.objects.exists()


def test_a_part_is_written_with_a_point_a_comma_or_as_a_fraction(cast: Cast) -> None:
    client = cast.signed_in("steward")
    for value in ("0.75", "0,75", "3/4"):
        assert client.post(PAGE, filled(number="model_share", value=value)).status_code == 302
        granted = PolicyException.objects.get(ended_at=None)
        assert granted.value == "3/4"
        end(granted)


def test_today_is_at_once_and_another_day_begins_at_midnight(cast: Cast) -> None:
    client = cast.signed_in("steward")
    assert client.post(PAGE, filled(effective_from=day(0))).status_code == 302
    now = PolicyException.objects.get(number="longest_hours")
    assert now.effective.lower == now.granted_at
    later = filled(number="model_share", value="3/4", effective_from=day(2))
    assert client.post(PAGE, later).status_code == 302
    then = PolicyException.objects.get(number="model_share").effective.lower
    assert then is not None
    assert then == datetime.fromisoformat(f"{day(2)}T00:00:00Z").astimezone(UTC)


def test_nobody_eases_the_policy_for_their_own_project(cast: Cast) -> None:
    granted = grant(cast.project)
    ProjectMembership.objects.create(project=cast.project, user=cast.steward, role="member")
    client, own = cast.signed_in("steward"), f"/steward/exceptions/{granted.uid}/"
    for address in (PAGE, own):
        html = text_of(client, address)
        assert "another steward does this" in html
        assert '<form class="stack" method="post"' not in html
    assert "another steward" in client.post(PAGE, filled(number="exempt_hours")).content.decode()
    refused = client.post(own, {"reason": "x"})
    assert refused.status_code == 409
    assert "another steward" in refused.content.decode()
    granted.refresh_from_db()
    assert granted.ended_at is None


def test_it_is_not_ended_twice_nor_without_a_reason(cast: Cast) -> None:
    granted, client = grant(cast.project), cast.signed_in("steward")
    own = f"/steward/exceptions/{granted.uid}/"
    assert client.post(own, {"reason": ""}).status_code == 400
    assert client.post(own, {"reason": "Over."}).status_code == 302
    again = client.post(own, {"reason": "Over."})
    assert again.status_code == 409
    assert "ended already" in again.content.decode()
    assert "It is over." in again.content.decode()


def test_a_project_is_found_by_a_part_of_its_name(cast: Cast) -> None:
    client = cast.signed_in("steward")
    assert PAGE in text_of(client, "/steward/exceptions/?q=EDD")
    assert PAGE not in text_of(client, "/steward/exceptions/?q=%25")
    assert "No project has a name" in text_of(client, "/steward/exceptions/?q=nothing")


def test_the_front_page_lists_those_in_force_the_next_to_end_first(cast: Cast) -> None:
    grant(cast.project)
    grant(cast.project, "exempt_hours", "48", effective_until=clock.now() + timedelta(days=3))
    end(grant(cast.project, "horizon_days", "60"))
    html = text_of(cast.signed_in("steward"), "/steward/")
    assert html.index("Ocean eddies: Hours that need no room") < html.index("Ocean eddies: Longest slot")
    assert "Ocean eddies: Horizon" not in html


# --- what everybody reads -------------------------------------------------------------------------
def test_everybody_reads_all_of_them(client: Client, cast: Cast) -> None:
    assert "None: the policy holds for everybody alike." in text_of(client, "/exceptions/")
    Project.objects.filter(pk=cast.project.pk).update(uses_public_money=True)
    granted = grant(cast.project)
    ended = end(grant(cast.project, "model_share", "2/3", reason="One model fits."), reason="Too much.")
    html = text_of(client, "/exceptions/")
    for said in ("Ocean eddies", "Longest slot", "7\xa0d", "14\xa0d", "It cannot be stopped.", "2/3", "50",
                 "One model fits.", "Too much.", f'id="e-{granted.uid}"', f'id="e-{ended.uid}"'):  # fmt: skip
        assert said in html, said
    found = client.get("/exceptions.json").json()
    assert [one["state"] for one in found["exceptions"]] == ["over", "in_force"]
    assert found["exceptions"][1] | {"effective_from": "", "effective_until": "", "granted_at": ""} == {
        "exception": str(granted.uid), "to": "policy", "project": "Ocean eddies", "number": "longest_hours",
        "policy": 1, "policy_value": "168", "value": "336", "effective_from": "", "effective_until": "",
        "state": "in_force", "reason": "It cannot be stopped.", "granted_at": "", "ledger_entry": None,
        "ended_at": None, "end_reason": "", "end_ledger_entry": None,
    }  # fmt: skip
    rows = list(csv.DictReader(StringIO(client.get("/exceptions.csv").content.decode())))
    assert [row["value"] for row in rows] == ["2/3", "336"]
    assert rows[0]["end_reason"] == "Too much."
    assert set(rows[0]) == set(found["exceptions"][0])


def test_no_person_and_of_a_private_project_no_name_is_public(client: Client, cast: Cast) -> None:
    granted = end(grant(cast.project, by=cast.steward))
    month = pseudonym(str(cast.project.uid), granted.granted_at)
    for address in ("/exceptions/", "/exceptions.json", "/exceptions.csv", "/api/v1/exceptions"):
        told = text_of(client, address)
        assert month in told, address
        for hidden in ("Ocean eddies", "eddies", str(cast.project.uid), "stella", str(cast.steward.uid)):
            assert hidden not in told, (address, hidden)


def test_the_name_of_the_month_of_the_grant_stays(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a name of each month in turn, one row would tell which names belong together."""
    granted = grant(cast.project)
    later = clock.now() + timedelta(days=60)
    monkeypatch.setattr(clock, "now", lambda: later)
    html = text_of(Client(), "/exceptions/")
    assert pseudonym(str(cast.project.uid), granted.granted_at) in html
    assert pseudonym(str(cast.project.uid), later) not in html


@pytest.mark.parametrize("address", ["/policy/", "/fairness/"])
def test_the_policy_and_fairness_lead_there(client: Client, cast: Cast, address: str) -> None:
    assert 'href="/exceptions/"' in text_of(client, address)


def test_a_reason_is_text_wherever_it_stands(client: Client, cast: Cast) -> None:
    factories.make_vertex(cast.project)
    granted = grant(cast.project, reason=MARKUP)
    pages = {
        "stranger": ["/exceptions/"], "lead": ["/projects/eddies/"],
        "steward": ["/steward/exceptions/", PAGE, f"/steward/exceptions/{granted.uid}/"],
    }  # fmt: skip
    for who, addresses in pages.items():
        for address in addresses:
            html = text_of(cast.signed_in(who), address)
            assert "&lt;img src=x onerror=alert(1)&gt; {{7*7}}" in html, address
            assert "<img src=x" not in html, address
    grant(cast.project, "exempt_hours", "48", reason=FORMULA)
    rows = csv.DictReader(StringIO(client.get("/exceptions.csv").content.decode()))
    assert [row["reason"] for row in rows] == [f"'{FORMULA}", MARKUP]


# --- what members are shown -----------------------------------------------------------------------
def test_members_see_those_in_force_and_to_come(cast: Cast) -> None:
    factories.make_vertex(cast.project)
    granted = grant(cast.project)
    grant(cast.project, "horizon_days", "60", effective_from=clock.now() + timedelta(days=2))
    end(grant(cast.project, "exempt_hours", "48", reason="Not any more"))
    assert cast.statuses("get", "/projects/eddies/") == {
        "stranger": 302, "outsider": 404, "member": 200, "lead": 200, "steward": 404
    }  # fmt: skip
    html = text_of(cast.signed_in("member"), "/projects/eddies/")
    assert "Longest slot: 14\xa0d" in html
    assert "Horizon: 60 days" in html
    assert f'href="/exceptions/#e-{granted.uid}"' in html
    assert "Not any more" not in html


def test_a_decision_says_which_exception_lifted_its_rule(cast: Cast) -> None:
    cast.book()  # makes the node, the place and the grant
    granted = grant(cast.project)
    lab = Lab(cast.project, cast.member, factories.make_vertex(cast.project))
    decision = lab.book([make_open_node().devices.get(index=1)], in_days(5), 200).decision
    html = text_of(cast.signed_in("member"), f"/decisions/{decision.uid}/")
    assert "An exception holds for this project until" in html
    assert "“Longest slot” is 14\xa0d instead of 7\xa0d." in html
    assert f'href="/exceptions/#e-{granted.uid}"' in html


def test_the_timetable_reaches_as_far_as_the_projects_horizon(cast: Cast) -> None:
    cast.book()
    other = factories.make_project(cast.member, slug="other")
    week = (clock.now() + timedelta(days=40)).isocalendar()
    address = f"/book/?week={week.year}-W{week.week:02}&project="
    client = cast.signed_in("member")
    assert "Not open yet" in text_of(client, f"{address}eddies")
    grant(cast.project, "horizon_days", "60")
    assert "Not open yet" not in text_of(client, f"{address}eddies")
    assert "Not open yet" in text_of(client, f"{address}{other.slug}")
    assert "Not open yet" in text_of(Client(), f"{address}eddies")


def test_the_preview_says_so_too(cast: Cast) -> None:
    slot = cast.book()
    grant(cast.project)
    device, start = slot.devices.get().device, in_days(5)
    asked: dict[str, Any] = {
        "project": "eddies", "device": str(device.uid), "start": f"{start:%Y-%m-%dT%H:%M}",
        "end": f"{start + timedelta(hours=200):%Y-%m-%dT%H:%M}",
    }  # fmt: skip
    html = cast.signed_in("member").get("/book/preview/", asked).content.decode()
    assert "An exception holds for this project until" in html


# --- how many queries ------------------------------------------------------------------------------
def counted(client: Client, address: str) -> int:
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        client.get(address)
    return sum("django_session" not in str(query["sql"]) for query in queries)


@pytest.mark.parametrize(
    ("who", "address", "most"),
    [("stranger", "/exceptions/", 4), ("stranger", "/exceptions.json", 1), ("stranger", "/exceptions.csv", 1),
     ("stranger", "/api/v1/exceptions", 1), ("steward", "/steward/exceptions/", 8), ("steward", PAGE, 9)],
)  # fmt: skip
def test_a_page_takes_the_same_queries_however_many_there_are(
    cast: Cast, who: str, address: str, most: int
) -> None:
    read: Callable[[], int] = lambda: counted(cast.signed_in(who), address)  # noqa: E731
    grant(cast.project)
    first = read()
    for number in ("exempt_hours", "least_node_hours"):
        end(grant(cast.project, number, "48"))
        grant(factories.make_project(), number, "48")
    assert read() == first <= most
