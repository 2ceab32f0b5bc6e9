"""Settings, closing, suspending and ending a project, as everybody who might come there."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import ClassGrant
from reservations.services import shares
from tests import factories
from tests.reservations.services.worlds import in_days
from tests.reservations.views.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
LEADS_ONLY = {"steward": 404, "stranger": 302, "outsider": 404, "member": 403}
STEWARDS_ONLY = {"stranger": 302, "outsider": 404, "member": 404, "lead": 404}


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast(name="Atlas")


def own(cast: Cast, rest: str) -> str:
    return f"/projects/{cast.project.slug}/{rest}"


def stewards(cast: Cast, rest: str = "") -> str:
    return f"/steward/projects/{cast.project.slug}/{rest}"


# --- settings and closing ---
def test_only_leads_name_and_close_a_project(cast: Cast) -> None:
    assert cast.statuses("get", own(cast, "settings/")) == {**LEADS_ONLY, "lead": 200}
    data: dict[str, object] = {"name": "Atlas of floods", "summary": ""}
    assert cast.statuses("post", own(cast, "settings/"), data) == {**LEADS_ONLY, "lead": 302}
    assert cast.statuses("post", own(cast, "close/")) == {**LEADS_ONLY, "lead": 302}
    cast.project.refresh_from_db()
    assert cast.project.name == "Atlas of floods"
    assert cast.project.expires_at is not None


@pytest.mark.parametrize("name", ["", "Atlas\r\nBcc: eve@example.org", "a\u202eb", "x" * 151])
def test_a_name_stands_on_one_line(cast: Cast, name: str) -> None:
    answer = cast.signed_in("lead").post(own(cast, "settings/"), {"name": name, "summary": "One\nTwo"})
    assert answer.status_code == 400
    cast.project.refresh_from_db()
    assert cast.project.name == "Atlas"


def test_a_new_name_stands_in_the_share_tree_too(cast: Cast) -> None:
    vertex = factories.make_vertex(cast.project)
    other = factories.make_vertex(factories.make_project(name="Twin", slug="twin"))
    cast.signed_in("lead").post(own(cast, "settings/"), {"name": "Twin", "summary": ""})
    vertex.refresh_from_db()
    assert vertex.name == f"Twin ({cast.project.slug})"
    assert other.name == "Twin"


def test_the_place_of_a_personal_project_never_gets_a_person_s_name(cast: Cast) -> None:
    """Decisions keep it for good, and it could not be erased."""
    own = factories.make_project(lead=cast.lead, personal_to=cast.lead, name="Own")
    vertex = factories.make_vertex(own)
    cast.signed_in("lead").post(f"/projects/{own.slug}/settings/", {"name": "Leo Martin", "summary": ""})
    own.refresh_from_db()
    vertex.refresh_from_db()
    assert (own.name, vertex.name) == ("Leo Martin", "Own")


def test_closing_says_first_which_slots_are_cancelled(cast: Cast) -> None:
    cast.book()
    client = cast.signed_in("lead")
    text = client.get(own(cast, "settings/")).content.decode()
    assert "1 slot that has not begun is cancelled, at no charge." in text
    answer = client.post(own(cast, "close/"), follow=True)
    assert "The project is closed. 1 slot was cancelled." in answer.content.decode()
    assert client.post(own(cast, "close/")).status_code == 409


# --- the steward's page ---
def test_only_stewards_hold_a_project(cast: Cast) -> None:
    assert cast.statuses("get", stewards(cast)) == {**STEWARDS_ONLY, "steward": 200}
    for rest, data in (
        ("suspend/", {"reason": "Mining"}),
        ("resume/", {}),
        ("end/", {"ends": f"{in_days(9):%Y-%m-%d}"}),
        (
            "class/",
            {"project_class": "citizen", "class_expires_at": f"{in_days(9):%Y-%m-%d}", "reason": "Seen"},
        ),
    ):
        assert cast.statuses("post", stewards(cast, rest), data) == {**STEWARDS_ONLY, "steward": 302}, rest
    assert cast.signed_in("steward").get("/steward/projects/no-such/").status_code == 404


def test_suspending_says_first_what_it_cancels_and_the_members_read_why(cast: Cast) -> None:
    cast.book()
    client = cast.signed_in("steward")
    text = client.get(stewards(cast)).content.decode()
    assert "1 slot that has not begun is cancelled, at no charge." in text
    assert client.post(stewards(cast, "suspend/"), {"reason": " "}).status_code == 400
    answer = client.post(stewards(cast, "suspend/"), {"reason": "<b>Mining</b> {{ 7 }}"}, follow=True)
    assert "Suspended. 1 slot was cancelled." in answer.content.decode()
    assert client.post(stewards(cast, "suspend/"), {"reason": "Again"}).status_code == 409
    page = cast.signed_in("member").get(own(cast, "")).content.decode()
    assert "&lt;b&gt;Mining&lt;/b&gt; {{ 7 }}" in page
    client.post(stewards(cast, "resume/"))
    assert client.post(stewards(cast, "resume/")).status_code == 409


def test_an_end_is_asked_about_before_it_is_set(cast: Cast) -> None:
    cast.book(3)
    client = cast.signed_in("steward")
    day = f"{in_days(2):%Y-%m-%d}"
    text = client.get(stewards(cast), {"ends": day}).content.decode()
    assert "1 slot that has not begun and ends later is cancelled, at no charge." in text
    assert f'name="ends" value="{day}"' in text
    assert cast.project.reservations.get().state == "booked"  # reading changes nothing
    client.post(stewards(cast, "end/"), {"ends": day})
    assert cast.project.reservations.get().state == "cancelled"
    cast.project.refresh_from_db()
    assert f"{cast.project.expires_at:%Y-%m-%d %H:%M}" == f"{day} 00:00"
    client.post(stewards(cast, "end/"), {"ends": ""})
    cast.project.refresh_from_db()
    assert cast.project.expires_at is None


@pytest.mark.parametrize("ends", ["2020-01-01", "soon", "9999-99-99", "0001-01-01"])
def test_an_end_is_a_day_to_come(cast: Cast, ends: str) -> None:
    answer = cast.signed_in("steward").post(stewards(cast, "end/"), {"ends": ends})
    assert answer.status_code in (400, 409)
    assert cast.signed_in("steward").get(stewards(cast), {"ends": ends}).status_code == 200


def test_a_class_is_given_with_its_reason_and_end(cast: Cast) -> None:
    client = cast.signed_in("steward")
    data = {"project_class": "citizen", "class_expires_at": "", "reason": "Statutes seen"}
    answer = client.post(stewards(cast, "class/"), data)
    assert answer.status_code == 400
    assert "Say until when the class holds." in answer.content.decode()
    data["class_expires_at"] = f"{in_days(100):%Y-%m-%d}"
    client.post(stewards(cast, "class/"), data)
    assert ClassGrant.objects.get().given_by == cast.steward
    assert "Statutes seen" in client.get(stewards(cast)).content.decode()


# --- its place ---
def test_a_place_is_asked_about_then_given_by_stewards_alone(cast: Cast) -> None:
    leaf = factories.make_vertex(cast.project)
    assert leaf.parent is not None
    account = shares.create_account(parent=leaf.parent, name="Universities", shares=3)
    steward = cast.signed_in("steward")
    form = steward.get(stewards(cast), {"place": "1"}).content.decode()
    assert "Universities" in form
    asked = steward.get(stewards(cast), {"account": account.pk, "shares": 2}).content.decode()
    assert "now it is" in asked
    assert "What it used and what is booked go with it" in asked
    leaf.refresh_from_db()
    assert leaf.parent != account
    data: dict[str, object] = {"account": account.pk, "shares": 2, "reason": ""}
    unsaid = steward.post(stewards(cast, "place/"), data)
    assert unsaid.status_code == 400
    assert "now it is" in unsaid.content.decode()
    data["reason"] = "The laboratory joined."
    assert cast.statuses("post", stewards(cast, "place/"), data) == {**STEWARDS_ONLY, "steward": 302}
    leaf.refresh_from_db()
    assert (leaf.parent, leaf.shares) == (account, 2)
    page = steward.get(stewards(cast)).content.decode()
    assert "All (1) → Universities (2). The laboratory joined." in page
    again = steward.post(stewards(cast, "place/"), data)
    assert again.status_code == 400
    assert "with 2 shares already" in again.content.decode()


def test_an_account_that_is_none_is_refused(cast: Cast) -> None:
    leaf = factories.make_vertex(cast.project)
    answer = cast.signed_in("steward").get(stewards(cast), {"account": leaf.pk, "shares": "many"})
    assert answer.status_code == 200
    assert "now it is" not in answer.content.decode()


def test_the_steward_s_page_does_not_grow_its_queries(cast: Cast) -> None:
    for days in (2, 3, 4):
        cast.book(days)
    client = cast.signed_in("steward")
    client.get(stewards(cast))
    with CaptureQueriesContext(connection) as queries:
        client.get(stewards(cast))
    assert len(queries) <= 8, [query["sql"][:90] for query in queries]
