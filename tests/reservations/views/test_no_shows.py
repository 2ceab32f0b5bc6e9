"""No-shows on their pages and over the API: saying that one came, appealing, answering."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Notice, User
from common import clock
from reservations.domain.policy import standard
from reservations.models import NoShow, SlotChange
from reservations.selectors import appeals
from reservations.services import no_shows
from tests import factories
from tests.api.test_writing import call
from tests.reservations.services.test_no_shows import heard
from tests.reservations.services.worlds import Lab, make_lab
from tests.reservations.views.test_changing import begun, seen, signed_in

MINUTE = timedelta(minutes=1)


@pytest.fixture
def lab(db: None) -> Lab:
    factories.make_policy(**vars(standard()))
    return make_lab()


@pytest.fixture
def steward(db: None) -> User:
    steward = factories.make_user(is_steward=True)
    factories.give_second_factor(steward)
    return steward


def test_a_member_says_that_it_is_in_use(lab: Lab) -> None:
    slot = begun(lab, ago=MINUTE)
    page = seen(lab, slot, "get", "").content.decode()
    assert "I am using it" in page
    assert "the rest is released on" in page
    assert signed_in(lab.join(), "post", f"/reservations/{slot.uid}/check-in/").status_code == 302
    page = seen(lab, slot, "get", "").content.decode()
    assert "I am using it" not in page
    told = call(lab.member, "POST", f"reservations/{slot.uid}/check-in").json()
    assert told["checked_in_at"] is not None
    assert SlotChange.objects.filter(kind="checked_in").count() == 1


def no_show(lab: Lab) -> NoShow:
    slot = begun(lab)
    node = slot.devices.get().device.node
    for at in (clock.now() - 40 * MINUTE, clock.now() - 20 * MINUTE):
        heard(node, at)
        no_shows.look(at=at)
    return NoShow.objects.get(reservation=slot)


def test_a_no_show_is_appealed_against_and_answered_on_its_pages(lab: Lab, steward: User) -> None:
    found = no_show(lab)
    slot, colleague = found.reservation, lab.join()
    page = seen(lab, slot, "get", "").content.decode()
    for text in ("Whether anybody came", "Appeal to a steward", "None was queued", "1 of your slots"):
        assert text in page
    others = signed_in(colleague, "get", f"/reservations/{slot.uid}/").content.decode()
    assert "Whether anybody came" in others
    assert "Appeal to a steward" not in others
    empty = seen(lab, slot, "post", "appeal/", {"text": ""})
    assert empty.status_code == 400
    assert "a steward reads it" in empty.content.decode()
    assert seen(lab, slot, "post", "appeal/", {"text": "I was there."}).status_code == 302
    assert "I was there." in seen(lab, slot, "get", "").content.decode()
    assert "I was there." not in signed_in(colleague, "get", f"/reservations/{slot.uid}/").content.decode()


def test_an_appeal_is_answered_by_a_steward_on_its_page(lab: Lab, steward: User) -> None:
    found = no_show(lab)
    slot, colleague = found.reservation, lab.join()
    seen(lab, slot, "post", "appeal/", {"text": "I was there."})
    address = f"/steward/no-shows/{found.uid}/"
    for who, status in ((None, 302), (lab.member, 404), (colleague, 404)):
        assert signed_in(who, "get", address).status_code == status
        assert signed_in(who, "get", "/steward/no-shows/").status_code == status
    assert str(lab.member) in signed_in(steward, "get", "/steward/no-shows/").content.decode()
    page = signed_in(steward, "get", address).content.decode()
    assert "I was there." in page
    assert "selected" not in page.split('name="outcome"')[1].split("</select>")[0].replace(
        'value="" selected', ""
    )
    assert signed_in(steward, "post", address, {"outcome": "upheld"}).status_code == 400
    answer = {"outcome": "upheld", "reason": "The log says so."}
    assert signed_in(lab.member, "post", address, answer).status_code == 404
    assert signed_in(steward, "post", address, answer).status_code == 302
    assert signed_in(steward, "post", address, answer).status_code == 409
    page = seen(lab, slot, "get", "").content.decode()
    assert "The log says so." in page
    assert "No no-show" in page


def test_a_no_show_is_appealed_against_and_answered_over_the_api(lab: Lab, steward: User) -> None:
    found = no_show(lab)
    (mine,) = call(lab.member, "GET", "no-shows").json()["items"]
    assert (mine["verdict"], mine["reason"], mine["evidence"]["runs"]) == (True, "unused", [])
    assert call(lab.join(), "GET", "no-shows").json()["items"] == []
    address = f"reservations/{found.reservation.uid}/appeal"
    assert call(lab.member, "POST", address, {"text": ""}).status_code == 400
    assert call(lab.member, "POST", address, {"text": "I came."}).json()["appeal"] == "I came."
    assert call(lab.member, "POST", address, {"text": "I came."}).json()["code"] == "appeal_refused"
    assert call(lab.member, "GET", "no-shows/appeals").status_code == 404
    assert len(call(steward, "GET", "no-shows/appeals").json()["items"]) == 1
    answer = {"is_upheld": False, "reason": "Nobody was there."}
    assert call(lab.member, "POST", f"no-shows/{found.uid}/answer", answer).status_code == 404
    told = call(steward, "POST", f"no-shows/{found.uid}/answer", answer).json()
    assert (told["verdict"], told["is_upheld"], told["answer"]) == (True, False, "Nobody was there.")


def test_whoever_has_left_the_project_still_appeals_over_the_api(lab: Lab) -> None:
    found = no_show(lab)
    lab.project.memberships.filter(user=lab.member).delete()
    assert seen(lab, found.reservation, "get", "").status_code == 404
    assert [one["uid"] for one in call(lab.member, "GET", "no-shows").json()["items"]] == [str(found.uid)]
    address = f"reservations/{found.reservation.uid}/appeal"
    assert call(make_lab().member, "POST", address, {"text": "I came."}).status_code == 404
    assert call(lab.member, "POST", address, {"text": "I came."}).json()["appeal"] == "I came."


def test_whoever_has_left_the_project_appeals_on_a_page_that_the_mail_leads_to(lab: Lab) -> None:
    found, colleague = no_show(lab), lab.join("lead")
    address = Notice.objects.get(user=lab.member, kind="no_show_judged").url
    assert address == f"/reservations/{found.reservation.uid}/appeal/"
    for who, status in ((None, 302), (make_lab().member, 404), (colleague, 403)):
        assert signed_in(who, "get", address).status_code == status
    assert "You have left the project" not in signed_in(lab.member, "get", address).content.decode()
    lab.project.memberships.filter(user=lab.member).delete()
    page = signed_in(lab.member, "get", address).content.decode()
    for text in ("You have left the project", "None was queued", "1 of your slots", "Send the appeal"):
        assert text in page
    empty = signed_in(lab.member, "post", address, {"text": ""})
    assert (empty.status_code, "a steward reads it" in empty.content.decode()) == (400, True)
    sent = signed_in(lab.member, "post", address, {"text": "I was there."})
    assert (sent.status_code, sent.url) == (302, address)
    page = signed_in(lab.member, "get", address).content.decode()
    assert ("I was there." in page, "Send the appeal" in page) == (True, False)
    twice = signed_in(lab.member, "post", address, {"text": "I was there."})
    assert (twice.status_code, "there is one appeal" in twice.content.decode()) == (409, True)


def test_stewards_find_every_slot_that_was_looked_at_part_by_part(
    lab: Lab, steward: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Answered or not, appealed against or not, however long ago."""
    monkeypatch.setattr(appeals, "PART", 1)
    first, second = no_show(lab), no_show(lab)
    NoShow.objects.filter(pk=first.pk).update(judged_at=clock.now() - timedelta(days=400))
    seen(lab, second.reservation, "post", "appeal/", {"text": "I was there."})
    page = signed_in(steward, "get", "/steward/no-shows/")
    told = page.context["page"]
    assert [one.appeal for one in told.judged] == ["Waits for an answer"]
    assert (told.newer, told.older) == (0, 2)
    assert 'href="?part=2#al"' in page.content.decode()
    told = signed_in(steward, "get", "/steward/no-shows/?part=2").context["page"]
    assert [one.url for one in told.judged] == [f"/steward/no-shows/{first.uid}/"]
    assert (told.newer, told.older, told.judged[0].appeal) == (1, 0, "")
    assert signed_in(steward, "get", "/steward/no-shows/?part=x").context["page"].older == 2
    NoShow.objects.filter(pk=first.pk).update(verdict=None, reason="node_away")
    assert signed_in(steward, "get", "/steward/no-shows/").context["page"].older == 0
    told = signed_in(steward, "get", "/steward/no-shows/?all=1&part=2").context["page"]
    assert [one.reason for one in told.judged] == ["A node did not answer, so nothing can be said."]
    uids = [one["uid"] for one in call(steward, "GET", "no-shows/appeals?state=all").json()["items"]]
    assert uids == [str(second.uid), str(first.uid)]
