"""The share tree on the stewards' pages and over the API, as everybody who might come there."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from ledger import wording
from ledger.models import Entry
from reservations.models import Vertex
from reservations.services import shares
from tests import factories
from tests.api.test_writing import call
from tests.reservations.services.test_moving import make_account
from tests.reservations.views.cast import Cast, make_cast

pytestmark = pytest.mark.django_db
STEWARDS_ONLY = {"stranger": 302, "outsider": 404, "member": 404, "lead": 404}
TREE = "/steward/share-accounts/"


@pytest.fixture
def cast(db: None) -> Cast:
    return make_cast()


def test_stewards_alone_see_the_tree_what_a_move_means_and_move_an_account(cast: Cast) -> None:
    north, south = make_account("North", 3), make_account("South", 1)
    assert cast.statuses("get", TREE) == {**STEWARDS_ONLY, "steward": 200}
    page = cast.signed_in("steward").get(TREE).content.decode()
    assert f'href="{TREE}{south.pk}/">South</a>' in page
    assert "25.0" in page
    own = f"{TREE}{south.pk}/"
    asked = {"account": north.pk, "shares": 2}
    assert cast.statuses("get", own, asked) == {**STEWARDS_ONLY, "steward": 200}
    told = cast.signed_in("steward").get(own, asked).context["asked"]
    assert (told.now, told.then) == (0.25, 1.0)
    assert [(one.name, one.then) for one in told.others] == [("North", 1.0)]
    data: dict[str, object] = {**asked, "reason": ""}
    assert cast.statuses("post", own, data) == {**STEWARDS_ONLY, "steward": 400}
    data["reason"] = "It is part of the North now."
    assert cast.statuses("post", own, data) == {**STEWARDS_ONLY, "steward": 302}
    south.refresh_from_db()
    assert south.path == [north.pk, south.pk]
    again = cast.signed_in("steward").post(own, data)
    assert (again.status_code, "with 2 shares already" in again.content.decode()) == (400, True)
    mail = cast.signed_in("steward").post(own, data | {"shares": 4, "reason": "ada@example.org asked."})
    assert "leave out e-mail addresses" in str(mail.context["form"].errors["reason"])
    below_itself = cast.signed_in("steward").post(f"{TREE}{north.pk}/", data | {"account": south.pk})
    assert below_itself.status_code == 400  # it is no choice of the form
    page = cast.signed_in("steward").get(TREE).content.decode()
    assert "It is part of the North now." in page


def test_an_account_is_moved_over_the_api_and_stands_in_the_ledger(cast: Cast) -> None:
    north, south = make_account("North", 3), make_account("South", 1)
    address = f"share-accounts/{south.pk}/place"
    body = {"below": north.pk, "shares": 2, "reason": "Joined."}
    for who, status in ((None, 401), (cast.member, 404)):
        assert call(who, "GET", address).status_code == status
        assert call(who, "POST", address, body).status_code == status
    told = call(cast.steward, "GET", address).json()
    assert (told["path"], told["below"], told["of_all"], told["moves"]) == (
        "South",
        south.parent_id,
        0.25,
        [],
    )
    told = call(cast.steward, "POST", address, body).json()
    assert (told["path"], told["shares"], told["of_account"], told["of_all"]) == (
        "North / South",
        2,
        1.0,
        1.0,
    )
    assert [(one["from_below"], one["below"]) for one in told["moves"]] == [("All", "North")]
    refused = call(cast.steward, "POST", address, body | {"below": south.pk})
    assert (refused.status_code, refused.json()["code"]) == (400, "share_refused")
    assert "itself or below it" in refused.json()["detail"]
    back = call(cast.steward, "POST", address, body | {"below": None}).json()
    assert (back["path"], back["of_account"]) == ("South", 0.4)
    leaf = shares.create_project_vertex(parent=north, project=factories.make_project(), shares=1)
    assert call(cast.steward, "GET", f"share-accounts/{leaf.pk}/place").status_code == 404
    first, last = Entry.objects.filter(kind="account_moved").order_by("pk")
    told = str(wording.summary(first.fact)).replace("\u00a0", " ").replace("\u202f", " ")
    assert told == "South, from below All (25.00 % of everything) to below North (100.00 %): Joined."
    assert str(wording.summary(last.fact)).startswith("South, from below North")


def test_what_stays_where_it_is_says_why(cast: Cast) -> None:
    make_account("North")
    everybody, root = shares.ensure_independent_account(shares=1), Vertex.objects.get(parent=None)
    for account, said in ((everybody, "it stays where it is"), (root, "it is below nothing")):
        page = cast.signed_in("steward").get(f"{TREE}{account.pk}/").content.decode()
        assert said in page
        assert "See what this means" not in page


def test_however_many_accounts_and_projects_there_are_the_pages_ask_as_often(cast: Cast) -> None:
    north = make_account("North")
    shares.create_project_vertex(parent=north, project=factories.make_project(), shares=1)
    client = cast.signed_in("steward")

    def asked(address: str) -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(address).status_code == 200
        return len(queries)

    before = [asked(TREE), asked(f"{TREE}{north.pk}/")]
    for number in range(4):
        city = shares.create_account(parent=north, name=f"City {number}", shares=1)
        shares.create_project_vertex(parent=north, project=factories.make_project(), shares=1)
        shares.create_project_vertex(parent=city, project=factories.make_project(), shares=1)
    assert [asked(TREE), asked(f"{TREE}{north.pk}/")] == before
