from __future__ import annotations

import base64
import os
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from ledger.models import Entry
from nodes.errors import (
    BodyInvalid,
    EnrolmentOvertaken,
    EnrolmentTokenExpired,
    EnrolmentTokenUnknown,
    EnrolmentTokenUsed,
)
from nodes.models import Agent, EnrolmentToken
from nodes.services import enrolment
from tests import factories, races

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def issue() -> str:
    return enrolment.issue_token(node=factories.make_node(), by=None, at=AT)


def enrol(token: str, *, key: str | None = None, at: datetime = AT) -> Agent:
    return enrolment.enrol(
        token=token, public_key=new_key() if key is None else key, version="0.1.0", inventory={}, at=at
    )


def key_entries() -> list[tuple[str, str]]:
    bodies = [entry.fact["body"] for entry in Entry.objects.filter(kind="key").order_by("id")]
    return [(body["action"], body["public_key"]) for body in bodies]


@pytest.mark.django_db
def test_a_token_lets_one_agent_in_and_its_key_is_public() -> None:
    token, key = issue(), new_key()
    agent = enrol(token, key=key)
    assert agent.node == EnrolmentToken.objects.get().node
    assert key_entries() == [("added", key)]


@pytest.mark.django_db
def test_a_token_is_kept_as_a_digest_only() -> None:
    token = issue()
    assert token not in str(EnrolmentToken.objects.values().get())


@pytest.mark.django_db
def test_an_unknown_used_or_old_token_lets_nobody_in() -> None:
    with pytest.raises(EnrolmentTokenUnknown):
        enrol("eqn_guess")
    token = issue()
    with pytest.raises(EnrolmentTokenExpired):
        enrol(token, at=AT + timedelta(minutes=15))
    enrol(token, at=AT + timedelta(minutes=14, seconds=59))
    with pytest.raises(EnrolmentTokenUsed):
        enrol(token)
    assert Agent.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_token_used_eight_times_at_once_lets_one_in() -> None:
    token = issue()
    won, refused = races.split(races.at_once(*[partial(enrol, token)] * 8))
    assert len(won) == 1
    assert [type(refusal) for refusal in refused] == [EnrolmentTokenUsed] * 7
    assert Agent.objects.count() == 1


@pytest.mark.parametrize("has_an_agent", [False, True])
@pytest.mark.django_db(transaction=True)
def test_of_agents_that_join_a_node_at_once_one_does_and_the_others_are_told_why(has_an_agent: bool) -> None:
    """Each has a token of its own: seen to answer that the key was in use, which it was not."""
    node = factories.make_node()
    tokens = [enrolment.issue_token(node=node, by=None, at=AT) for _ in range(5)]
    if has_an_agent:
        enrol(tokens[0])
    calls = [partial(enrol, token) for token in tokens[1:]]
    won, refused = races.split(races.at_once(*calls, meeting_at=Agent))
    (agent,) = won
    assert [type(refusal) for refusal in refused] == [EnrolmentOvertaken] * 3
    assert Agent.objects.filter(revoked_at=None).get() == agent
    # Nothing else is left of those who were late: no entry in the ledger, no token used up.
    assert [action for action, _key in key_entries()].count("added") == 1 + has_an_agent
    assert EnrolmentToken.objects.filter(used_at=None).count() == 4 - has_an_agent


@pytest.mark.django_db
def test_a_new_enrolment_shuts_the_agent_before_it_out() -> None:
    node = factories.make_node()
    first_key, second_key = new_key(), new_key()
    first = enrol(enrolment.issue_token(node=node, by=None, at=AT), key=first_key)
    second = enrol(enrolment.issue_token(node=node, by=None, at=AT), key=second_key)
    first.refresh_from_db()
    assert (first.revoked_at, second.revoked_at) == (AT, None)
    assert key_entries() == [("added", first_key), ("revoked", first_key), ("added", second_key)]


@pytest.mark.parametrize(
    "key", ["", "short", base64.b64encode(b"x" * 31).decode(), "é" * 44, "A" * 43 + "\n"]
)
@pytest.mark.django_db
def test_what_is_no_key_is_refused_and_the_token_stays_good(key: str) -> None:
    token = issue()
    with pytest.raises(BodyInvalid):
        enrol(token, key=key)
    enrol(token)


@pytest.mark.django_db
def test_a_key_belongs_to_one_agent() -> None:
    key = new_key()
    enrol(issue(), key=key)
    with pytest.raises(BodyInvalid):
        enrol(issue(), key=key)
    assert len(key_entries()) == 1


@pytest.mark.django_db
def test_a_revoked_agent_is_revoked_once() -> None:
    agent = enrol(issue())
    enrolment.revoke(agent=agent, reason="stolen", at=AT)
    enrolment.revoke(agent=agent, reason="again", at=AT + timedelta(hours=1))
    agent.refresh_from_db()
    assert agent.revoked_at == AT
    assert [action for action, _key in key_entries()] == ["added", "revoked"]


@pytest.mark.django_db
def test_a_rotated_key_replaces_the_old_one_in_public() -> None:
    old, new = new_key(), new_key()
    agent = enrol(issue(), key=old)
    enrolment.rotate_key(agent=agent, public_key=new, at=AT)
    enrolment.rotate_key(agent=agent, public_key=new, at=AT)
    agent.refresh_from_db()
    assert agent.public_key == new
    assert key_entries() == [("added", old), ("revoked", old), ("added", new)]


@pytest.mark.django_db
def test_an_inventory_with_control_characters_is_made_harmless() -> None:
    agent = enrolment.enrol(
        token=issue(),
        public_key=new_key(),
        version="0.1.0",
        inventory={"gpu\x00": "\x1b[1mH100\ud800"},
        at=AT,
    )
    agent.refresh_from_db()
    assert agent.inventory == {"gpu": "H100?"}
