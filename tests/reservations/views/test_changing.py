"""Changing a slot on its pages and over the API: as a stranger, as a member, as the right person."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from common import clock
from common.ranges import between, bounds
from nodes.models import Hold, Node
from reservations.domain.policy import standard
from reservations.models import RefusedChange, Reservation
from reservations.selectors.decision import decision_page, decisions_of
from reservations.services import booking, dispatch, no_shows
from tests import factories
from tests.api.test_writing import call
from tests.reservations.services.test_runs import queue
from tests.reservations.services.worlds import Lab, in_days, make_lab, make_open_node

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def lab(db: None) -> Lab:
    factories.make_policy(**vars(standard()))
    return make_lab()


@pytest.fixture
def steward(db: None) -> User:
    steward = factories.make_user(is_steward=True)
    factories.give_second_factor(steward)
    return steward


def slot_of(lab: Lab, *, days: float = 3, devices: int = 1) -> Reservation:
    return lab.book(list(make_open_node(devices=2).devices.all())[:devices], in_days(days))


def begun(lab: Lab, *, ago: timedelta = HOUR) -> Reservation:
    """A slot that has run for some time already, as if it had been booked before."""
    slot = slot_of(lab)
    start, _end = bounds(slot.during)
    back = start - (clock.now() - ago)
    during = between(start - back, start - back + 2 * HOUR)
    Reservation.objects.filter(pk=slot.pk).update(during=during)
    Hold.objects.filter(reference=slot.reference).update(during=during)
    slot.refresh_from_db()
    return slot


def seen(lab: Lab, slot: Reservation, method: str, page: str, data: dict[str, Any] | None = None) -> Any:
    return signed_in(lab.member, method, f"/reservations/{slot.uid}/{page}", data)


def signed_in(user: User | None, method: str, address: str, data: dict[str, Any] | None = None) -> Any:
    client = Client()
    if user is not None:
        client.force_login(user)
    return getattr(client, method)(address, data or {})


def typed(moment: datetime) -> str:
    """As a clock of everybody in these tests shows it."""
    return f"{moment.astimezone(ZoneInfo('Europe/Paris')):%Y-%m-%dT%H:%M}"


PAGES = ("move/", "extend/", "release/", "hand-over/")


# --- who may ------------------------------------------------------------------------
def test_who_may_change_a_slot(lab: Lab) -> None:
    slot, colleague, lead = slot_of(lab), lab.join(), lab.join("lead")
    stranger = make_lab().member
    base = f"/reservations/{slot.uid}/"
    for page in PAGES:
        for method in ("get", "post"):
            said = [signed_in(who, method, base + page).status_code for who in (None, stranger, colleague)]
            assert said == [302, 404, 403], (page, method)
        assert signed_in(lead, "get", base + page).status_code == 200
    for page in ("check-in/", "appeal/"):
        said = [signed_in(who, "post", base + page).status_code for who in (None, stranger)]
        assert said == [302, 404], page
    assert signed_in(colleague, "post", base + "appeal/").status_code == 403
    for path in ("move", "move/preview", "extend", "extend/preview", "release", "hand-over", "appeal"):
        said = [
            call(who, "POST", f"reservations/{slot.uid}/{path}", {}).status_code
            for who in (None, stranger, colleague)
        ]
        assert said == [401, 404, 403], path
    assert call(stranger, "POST", f"reservations/{slot.uid}/check-in").status_code == 404
    assert call(colleague, "POST", f"reservations/{slot.uid}/check-in").status_code == 409  # not begun


# --- moving -------------------------------------------------------------------------
def test_a_slot_is_previewed_and_moved_on_its_page(lab: Lab) -> None:
    slot = slot_of(lab)
    start, end = bounds(slot.during)
    device = slot.devices.get().device
    form = {"device": str(device.uid), "start": typed(start + HOUR), "end": typed(end + 2 * HOUR)}
    page = seen(lab, slot, "get", "move/").content.decode()
    assert f'value="{device.uid}" checked' in page
    assert "is given up at no charge" in page
    page = seen(lab, slot, "get", "move/", form).content.decode()
    assert "Move it so" in page
    assert Reservation.objects.count() == 1
    answer = seen(lab, slot, "post", "move/", form)
    moved = Reservation.objects.get(change="moved")
    assert (answer.status_code, answer.url) == (302, moved.get_absolute_url())
    old = seen(lab, slot, "get", "").content.decode()
    assert "Moved to" in old
    assert moved.get_absolute_url() in old
    new = seen(lab, moved, "get", "").content.decode()
    assert "Moved here from" in new
    assert slot.get_absolute_url() in new


def test_a_move_that_cannot_be_is_refused_in_place(lab: Lab) -> None:
    slot = slot_of(lab)
    start, end = bounds(slot.during)
    device = slot.devices.get().device
    form = {"device": str(device.uid), "start": typed(start + HOUR), "end": typed(end + 2 * HOUR)}
    assert seen(lab, slot, "post", "move/", form).status_code == 302
    moved = Reservation.objects.get(change="moved")
    for bad in ({"start": ""}, {"end": "soon"}, {"device": "no"}, {"device": ""}):
        assert seen(lab, moved, "post", "move/", form | bad).status_code == 400
    again = seen(lab, slot, "post", "move/", form)
    assert again.status_code == 409
    assert "cancelled already" in again.content.decode()
    refused = seen(lab, moved, "post", "move/", form | {"end": form["start"]})
    assert refused.status_code == 409
    assert "Nothing has changed." in refused.content.decode()


def test_a_move_on_a_node_that_takes_no_new_bookings_is_refused_in_words(lab: Lab) -> None:
    slot = slot_of(lab)
    node = slot.devices.get().device.node
    Node.objects.filter(pk=node.pk).update(state=Node.State.DRAINED, drained_at=clock.now())
    address = f"/reservations/{slot.uid}/move/"
    page = signed_in(lab.member, "get", address)
    own = str(slot.devices.get().device.uid)
    assert own in page.content.decode()  # still there to be chosen
    start = in_days(4)
    asked = {"device": own, "start": typed(start), "end": typed(start + HOUR)}
    said = signed_in(lab.member, "get", address, asked).content.decode()
    assert f"{node.name} takes no new bookings now." in said


def test_what_would_work_instead_of_a_refused_move_is_another_move(lab: Lab) -> None:
    """A slot booked beside the one that is held would be a second one."""
    slot = slot_of(lab)
    device, (_start, end) = slot.devices.get().device, bounds(slot.during)
    make_lab().book([device], end + HOUR, 2)
    form = {"device": str(device.uid), "start": typed(end + HOUR), "end": typed(end + 3 * HOUR)}
    page = seen(lab, slot, "post", "move/", form).context["page"]
    urls = [page.nearest.url, *(offer.url for offer in page.offers)]
    assert len(urls) > 2
    assert all(url.startswith(f"{slot.get_absolute_url()}move/?device=") for url in urls)
    assert signed_in(lab.member, "get", urls[0]).context["preview"].is_granted


def test_a_slot_is_moved_over_the_api(lab: Lab) -> None:
    slot = slot_of(lab, devices=2)
    start, end = bounds(slot.during)
    one, two = (str(held.device.uid) for held in slot.devices.all())
    body = {"devices": [one], "start": start.isoformat(), "end": end.isoformat()}
    address = f"reservations/{slot.uid}/move"
    told = call(lab.member, "POST", f"{address}/preview", body).json()
    assert (told["is_granted"], len(told["told"])) == (True, 1)
    same = call(lab.member, "POST", address, body | {"devices": [one, two]})
    assert (same.status_code, same.json()["code"]) == (409, "change_refused")
    made = call(lab.member, "POST", address, body)
    moved = made.json()
    assert (made.status_code, moved["devices"], moved["change"]) == (201, [one], "moved")
    assert moved["descendant_of"] == f"/api/v1/reservations/{slot.uid}"
    old = call(lab.member, "GET", f"reservations/{slot.uid}").json()
    assert old["descendants"] == [{"change": "moved", "reservation": f"/api/v1/reservations/{moved['uid']}"}]
    past = body | {"start": (start - timedelta(days=9)).isoformat()}
    refused = call(lab.member, "POST", f"reservations/{moved['uid']}/move", past)
    assert (refused.status_code, refused.json()["code"]) == (409, "refused")
    assert {rule["code"] for rule in refused.json()["rules"] if rule["verdict"] == "refuse"} >= {"past"}


# --- extending ------------------------------------------------------------------------
def test_a_slot_is_previewed_and_extended(lab: Lab) -> None:
    slot = slot_of(lab)
    _start, end = bounds(slot.during)
    page = seen(lab, slot, "get", "extend/").content.decode()
    assert "Nobody has these devices after" in page
    page = seen(lab, slot, "get", "extend/", {"end": typed(end + HOUR)}).content.decode()
    assert "Extend it so" in page
    assert seen(lab, slot, "post", "extend/", {"end": ""}).status_code == 400
    answer = seen(lab, slot, "post", "extend/", {"end": typed(end + HOUR)})
    longer = Reservation.objects.get(change="extended")
    assert (answer.status_code, answer.url) == (302, longer.get_absolute_url())
    twice = seen(lab, slot, "post", "extend/", {"end": typed(end + 2 * HOUR)})
    assert twice.status_code == 409
    assert "extend the one that follows it" in twice.content.decode()
    body = {"end": (end + 2 * HOUR).isoformat()}
    told = call(lab.member, "POST", f"reservations/{longer.uid}/extend/preview", body).json()
    assert told["is_granted"]
    made = call(lab.member, "POST", f"reservations/{longer.uid}/extend", body)
    assert (made.status_code, made.json()["change"]) == (201, "extended")


def test_a_preview_of_a_move_counts_the_slot_that_is_given_up_as_the_move_does(lab: Lab) -> None:
    slot = slot_of(lab)
    start, end = bounds(slot.during)
    device = slot.devices.get().device
    form = {"device": str(device.uid), "start": typed(start), "end": typed(end + 2 * HOUR)}
    page = seen(lab, slot, "get", "move/", form)
    told = {rule.code: rule for rule in page.context["preview"].rules}["budget"]
    seen(lab, slot, "post", "move/", form)
    moved = Reservation.objects.get(change="moved")
    decided = decision_page(decision=decisions_of(lab.member).get(pk=moved.decision_id))
    assert told == {rule.code: rule for rule in decided.rules}["budget"]
    assert "more than the slot that you have, which costs" in page.content.decode()


def test_a_refused_preview_leads_to_what_would_work(lab: Lab) -> None:
    slot = slot_of(lab)
    device, (_start, end) = slot.devices.get().device, bounds(slot.during)
    make_lab().book([device], end + HOUR, 2)
    form = {"device": str(device.uid), "start": typed(end + HOUR), "end": typed(end + 3 * HOUR)}
    page = seen(lab, slot, "get", "move/", form).content.decode()
    assert f'href="{slot.get_absolute_url()}move/?device=' in page
    assert "/book/?project" not in page


def test_fewer_added_hours_instead_of_a_refused_extension_are_an_extension(lab: Lab) -> None:
    slot = slot_of(lab)
    device, (_start, end) = slot.devices.get().device, bounds(slot.during)
    make_lab().book([device], end + HOUR, 2)
    page = seen(lab, slot, "post", "extend/", {"end": typed(end + 2 * HOUR)}).context["page"]
    urls = [offer.url for offer in page.offers]
    assert any(url.startswith("/book/?") for url in urls)
    (shorter,) = {url for url in [page.nearest.url, *urls] if "/extend/" in url}
    assert signed_in(lab.member, "get", shorter).context["preview"].is_granted


# --- releasing ------------------------------------------------------------------------
def test_what_releasing_costs_is_told_before_it_is_done(lab: Lab) -> None:
    slot = begun(lab)
    page = seen(lab, slot, "get", "release/").content.decode()
    assert "Release it now" in page
    assert "stay set aside until" in page
    rest = call(lab.member, "GET", f"reservations/{slot.uid}/release").json()
    assert float(rest["kept_price"]) + float(rest["rest_price"]) == pytest.approx(float(slot.quoted_price))
    assert seen(lab, slot, "post", "release/", {"when": "tomorrow"}).status_code == 400
    queue(slot, lab.member)
    assert "Release it when the jobs are over" in seen(lab, slot, "get", "release/").content.decode()
    assert seen(lab, slot, "post", "release/", {"when": "after_runs"}).status_code == 302
    asked = call(lab.member, "GET", f"reservations/{slot.uid}").json()
    assert asked["release_asked_at"] is not None
    assert call(lab.member, "DELETE", f"reservations/{slot.uid}/release").json()["release_asked_at"] is None
    kept = seen(lab, slot, "post", "release/", {"when": "keep"})
    assert kept.status_code == 409
    assert seen(lab, slot, "post", "release/", {"when": "now"}).status_code == 302
    page = seen(lab, slot, "get", "").content.decode()
    assert "Released early" in page
    again = call(lab.member, "POST", f"reservations/{slot.uid}/release", {"when": "now"})
    assert (again.status_code, again.json()["code"]) == (409, "change_refused")


# --- handing over -----------------------------------------------------------------------
def test_a_slot_is_handed_over_on_its_page_and_back_over_the_api(lab: Lab) -> None:
    slot = slot_of(lab)
    assert "has no other member" in seen(lab, slot, "get", "hand-over/").content.decode()
    colleague, stranger = lab.join(), factories.make_user()
    assert "Only this slot goes over" not in seen(lab, slot, "get", "hand-over/").content.decode()
    assert (
        seen(lab, slot, "post", "extend/", {"end": typed(bounds(slot.during)[1] + HOUR)}).status_code == 302
    )
    assert "Only this slot goes over" in seen(lab, slot, "get", "hand-over/").content.decode()
    assert seen(lab, slot, "post", "hand-over/", {"to": str(stranger.uid)}).status_code == 400
    assert seen(lab, slot, "post", "hand-over/", {"to": str(colleague.uid)}).status_code == 302
    page = seen(lab, slot, "get", "").content.decode()
    assert f"Handed over from {lab.member} to {colleague}" in page
    assert "Move or resize" not in page  # it is theirs no more
    body = {"to": str(lab.member.uid)}
    assert call(colleague, "POST", f"reservations/{slot.uid}/hand-over", body).status_code == 200
    slot.refresh_from_db()
    assert slot.booked_by == lab.member
    assert call(lab.member, "POST", f"reservations/{slot.uid}/hand-over", body).status_code == 409
    body = {"to": str(stranger.uid)}
    assert call(lab.member, "POST", f"reservations/{slot.uid}/hand-over", body).status_code == 404


# --- read later ---
def test_an_address_that_changes_something_leads_back_to_the_slot_when_it_is_read(lab: Lab) -> None:
    """A refusal is shown there: whoever loads it again comes to the page that it was about."""
    slot = begun(lab, ago=MINUTE)
    run = queue(slot, lab.member)
    for address in (
        f"{slot.get_absolute_url()}cancel/", f"{slot.get_absolute_url()}check-in/",
        f"{slot.get_absolute_url()}runs/", f"{slot.get_absolute_url()}appeal/", f"/runs/{run.uid}/stop/",
    ):  # fmt: skip
        answer = signed_in(lab.member, "get", address)
        assert (answer.status_code, answer.url) == (302, slot.get_absolute_url()), address
        assert signed_in(make_lab().member, "get", address).status_code == 404, address
    slot.refresh_from_db()
    run.refresh_from_db()
    assert (slot.state, slot.checked_in_at, run.state) == ("booked", None, "queued")


def test_what_was_done_with_a_slot_costs_no_query_of_its_own(lab: Lab) -> None:
    slot = begun(lab, ago=MINUTE)
    queue(slot, lab.member)
    dispatch.dispatch_due(at=clock.now())
    no_shows.check_in(reservation=slot, by=lab.join(), at=clock.now())
    client = Client()
    client.force_login(lab.member)
    client.get(f"/reservations/{slot.uid}/")
    with CaptureQueriesContext(connection) as queries:
        page = client.get(f"/reservations/{slot.uid}/").content.decode()
    seen = [str(query["sql"])[:110] for query in queries if "django_session" not in str(query["sql"])]
    assert len(seen) <= 8, seen
    assert "What was done with it" in page


def test_a_refused_change_leads_back_to_the_change_however_late_it_is_read(lab: Lab) -> None:
    """From the list of decisions, too: what is offered was worked out with the slot given up."""
    slot = slot_of(lab)
    device, (_start, end) = slot.devices.get().device, bounds(slot.during)
    make_lab().book([device], end + HOUR, 2)
    form = {"device": str(device.uid), "start": typed(end + HOUR), "end": typed(end + 3 * HOUR)}
    for page, asked in (("move", form), ("extend", {"end": typed(end + 2 * HOUR)})):
        refusal = seen(lab, slot, "post", f"{page}/", asked)
        address = refusal.context["page"].decision.get_absolute_url()
        read = signed_in(lab.member, "get", address)
        told = read.context["page"]
        assert told.again_url.startswith(f"{slot.get_absolute_url()}{page}/?"), page
        assert f'to {page} a slot, which stays as it is: <a href="{slot.get_absolute_url()}">' in " ".join(
            read.content.decode().split()
        )
        said = call(lab.member, "GET", address.strip("/")).json()
        change = {"move": "moved", "extend": "extended"}[page]
        assert said["refused_change"] == {"reservation": str(slot.uid), "change": change}
        again = signed_in(lab.member, "get", told.again_url)
        assert again.context["preview"].start == told.start, page
    booking.cancel(reservation=slot, by=lab.member, at=clock.now())
    assert signed_in(lab.member, "get", address).context["page"].again_url.startswith("/book/?")
    assert call(lab.member, "GET", f"decisions/{slot.decision.uid}").json()["refused_change"] is None


def test_which_slot_a_refused_decision_was_about_is_kept_for_good(lab: Lab) -> None:
    slot = slot_of(lab)
    _start, end = bounds(slot.during)
    make_lab().book([slot.devices.get().device], end, 2)
    seen(lab, slot, "post", "extend/", {"end": typed(end + HOUR)})
    with pytest.raises(ProgrammingError, match="Cannot update or delete"), transaction.atomic():
        RefusedChange.objects.update(change="moved")
