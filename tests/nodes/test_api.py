from __future__ import annotations

import json
import logging
import os
from base64 import b64encode
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings
from django.test import Client

from common import clock
from nodes.models import Agent, AgentCall, Lease, LogChunk, OutputFile
from nodes.services import agent_calls, enrolment, leases
from tests import factories
from tests.nodes.cast import SigningAgent, code, make_lease

pytestmark = pytest.mark.django_db


@pytest.fixture
def agent() -> SigningAgent:
    return SigningAgent()


@pytest.fixture
def lease(agent: SigningAgent) -> Lease:
    return make_lease(agent.row.node)


Call = Callable[[SigningAgent, UUID, int], Any]
# Every call that changes something about a lease.
CALLS: dict[str, Call] = {
    "staged": lambda agent, lease, fence: agent.post(f"leases/{lease}/staged", {"fence": fence}),
    "started": lambda agent, lease, fence: agent.post(
        f"leases/{lease}/started", {"fence": fence, "start_delay_ms": 12, "ago": 0.4}
    ),
    "ended": lambda agent, lease, fence: agent.post(
        f"leases/{lease}/ended",
        {"fence": fence, "ago": 0.1, "reason": "finished", "exit_code": 0, "note": "", "peak_memory_bytes": 1,
         "cpu_seconds": 1.5, "log_bytes": 10, "log_truncated": False},
    ),
    "log": lambda agent, lease, fence: agent.post(
        f"leases/{lease}/log", {"fence": fence, "chunks": [{"seq": 1, "ago": 0.2, "text": "hello\n"}]}
    ),
    "file": lambda agent, lease, fence: agent.put(
        f"leases/{lease}/files/out/a%20b.txt", b"result", fence=fence
    ),
}  # fmt: skip
calls = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


def traces() -> list[Any]:
    """Everything a report could change."""
    return [list(table.objects.order_by("pk").values()) for table in (Lease, LogChunk, OutputFile)] + [
        list(Lease.objects.order_by("leased_holds").values_list("leased_holds__is_live", flat=True))
    ]


# --- who may call ------------------------------------------------------------------------
@calls
def test_the_right_agent_is_heard(agent: SigningAgent, lease: Lease, call: Call) -> None:
    before = traces()
    answer = call(agent, lease.uid, lease.fence)
    assert answer.status_code == 200, answer.content
    assert traces() != before


@calls
def test_a_stranger_without_a_token_changes_nothing(agent: SigningAgent, lease: Lease, call: Call) -> None:
    agent.headers = lambda *a, **k: {}  # type: ignore[method-assign]
    agent.token = lambda *a, **k: ""  # type: ignore[method-assign]
    before = traces()
    assert code(call(agent, lease.uid, lease.fence)) == "401 token_missing"
    assert traces() == before


@calls
def test_another_nodes_agent_does_not_even_learn_that_the_lease_exists(lease: Lease, call: Call) -> None:
    other = SigningAgent()
    before = traces()
    assert code(call(other, lease.uid, lease.fence)) == "404 lease_unknown"
    assert code(call(other, uuid4(), 1)) == "404 lease_unknown"
    assert traces() == before


@calls
def test_a_stale_fence_changes_nothing(agent: SigningAgent, lease: Lease, call: Call) -> None:
    before = traces()
    assert code(call(agent, lease.uid, lease.fence + 1)) == "409 stale_fence"
    assert traces() == before


@calls
def test_a_key_that_is_not_the_agents_changes_nothing(agent: SigningAgent, lease: Lease, call: Call) -> None:
    agent.key = Ed25519PrivateKey.generate()
    before = traces()
    assert code(call(agent, lease.uid, lease.fence)) == "401 token_invalid"
    assert traces() == before


@calls
def test_a_revoked_agent_changes_nothing(agent: SigningAgent, lease: Lease, call: Call) -> None:
    enrolment.revoke(agent=agent.row, reason="", at=clock.now())
    before = traces()
    assert code(call(agent, lease.uid, lease.fence)) == "401 agent_unknown"
    assert traces() == before


# --- tokens ------------------------------------------------------------------------------
@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """A clock that stands still: what is told in seconds must not depend on how long the call took."""
    moment = clock.now()
    monkeypatch.setattr(clock, "now", lambda: moment)
    return moment


def test_a_token_is_good_once(agent: SigningAgent, lease: Lease) -> None:
    token_id = str(uuid4())
    assert agent.post("heartbeat", {"leases": []}, jti=token_id).status_code == 200
    assert code(agent.post("heartbeat", {"leases": []}, jti=token_id)) == "401 token_replayed"
    assert AgentCall.objects.count() == 1


@pytest.mark.parametrize("seconds", [-121, 121, -1e6, 1e300])
def test_a_clock_that_is_two_minutes_off_is_refused_told_the_time_and_named_in_the_log(
    agent: SigningAgent, seconds: float, caplog: pytest.LogCaptureFixture, now: datetime
) -> None:
    issued = now.timestamp() + seconds
    answer = agent.post("heartbeat", {"leases": []}, iat=issued, exp=issued + 60)
    assert code(answer) == "401 clock_skew"
    assert datetime.fromisoformat(answer.json()["server_time"]) == now
    assert str(agent.row.uid) in caplog.text
    agent.row.refresh_from_db()
    assert agent.row.last_seen_at is None


@pytest.mark.parametrize("seconds", [-119, 119])
def test_a_clock_that_is_less_off_is_heard(agent: SigningAgent, seconds: float, now: datetime) -> None:
    issued = now.timestamp() + seconds
    assert agent.post("heartbeat", {"leases": []}, iat=issued, exp=issued + 60).status_code == 200


@pytest.mark.parametrize(
    "lie",
    [
        {"aud": "https://other.example"}, {"iss": str(uuid4())}, {"htm": "GET"}, {"htu": "/agent/v1/work"},
        {"htu": "/agent/v1/heartbeat?x=1"}, {"bdh": "0" * 64}, {"jti": "7"}, {"jti": None}, {"iat": "now"},
        {"exp": 0}, {"exp": 1e12}, {"aud": None}, {"htu": 7}, {"htu": "http://[x/agent/v1/heartbeat"},
    ],
)  # fmt: skip
def test_a_token_for_something_else_is_refused(agent: SigningAgent, lie: dict[str, Any]) -> None:
    assert code(agent.post("heartbeat", {"leases": []}, **lie)) == "401 token_invalid"
    agent.row.refresh_from_db()
    assert agent.row.last_seen_at is None
    assert not AgentCall.objects.exists()


@pytest.mark.parametrize(
    ("header", "refused"),
    [
        ("", "401 token_missing"),
        ("Basic x", "401 token_missing"),
        ("Bearer", "401 token_missing"),
        ("Bearer x.y.z", "401 token_invalid"),
        ("Bearer " + "é" * 9, "401 token_invalid"),
    ],
)
def test_what_is_no_token_is_refused(header: str, refused: str) -> None:
    answer = Client().post(
        "/agent/v1/heartbeat", "{}", content_type="application/json", headers={"Authorization": header}
    )
    assert code(answer) == refused
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_an_unsigned_or_symmetric_token_is_refused(agent: SigningAgent) -> None:
    for algorithm, key in (("none", None), ("HS256", agent.public_key)):
        claims = jwt.decode(
            agent.token("POST", "/agent/v1/heartbeat", ""), options={"verify_signature": False}
        )
        token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": str(agent.row.uid)})  # type: ignore[arg-type]
        answer = Client().post(
            "/agent/v1/heartbeat", "{}", content_type="application/json",
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip
        assert code(answer) == "401 token_invalid"


def test_refusals_are_logged_without_the_token(
    agent: SigningAgent, lease: Lease, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        agent.post("heartbeat", {"leases": []}, aud="x")
        CALLS["staged"](agent, lease.uid, 99)
        Client().post("/agent/v1/enrol", json.dumps({"token": "eqn_secret"}), content_type="application/json")
        body = {"token": "eqn_secret", "public_key": "x", "version": "1", "inventory": {}}
        Client().post("/agent/v1/enrol", json.dumps(body), content_type="application/json")
    text = caplog.text
    assert "enrolment_token_unknown" in text
    assert "token_invalid" in text
    assert str(agent.row.uid) in text
    assert "stale_fence" in text
    assert "eyJ" not in text  # how every JWT begins
    assert "eqn_secret" not in text


def test_old_token_ids_are_forgotten_once_their_skew_refuses_them(agent: SigningAgent, now: datetime) -> None:
    agent.post("heartbeat", {"leases": []})
    assert agent_calls.forget_old(at=now + timedelta(seconds=239)) == 0
    assert agent_calls.forget_old(at=now + timedelta(seconds=241)) == 1


def test_an_agent_may_change_its_key(agent: SigningAgent) -> None:
    old, new = agent.key, Ed25519PrivateKey.generate()
    raw = b64encode(new.public_key().public_bytes_raw()).decode()
    assert agent.post("key", {"public_key": raw}).status_code == 200
    assert code(agent.post("heartbeat", {"leases": []})) == "401 token_invalid"
    agent.key = new
    assert agent.post("heartbeat", {"leases": []}).status_code == 200
    assert code(agent.post("key", {"public_key": "short"})) == "400 body_invalid"
    assert old is not new


# --- enrolment -----------------------------------------------------------------------------
def test_an_agent_enrols_once_and_learns_whom_to_trust(dispatch_key: Path) -> None:
    node = factories.make_node()
    token = enrolment.issue_token(node=node, by=None, at=clock.now())
    body = {
        "token": token, "public_key": b64encode(os.urandom(32)).decode(), "version": "0.1.0",
        "inventory": {"cpu": {"cores": 4}},
    }  # fmt: skip
    answer = Client().post("/agent/v1/enrol", json.dumps(body), content_type="application/json")
    assert answer.status_code == 201
    told = answer.json()
    row = Agent.objects.get()
    assert told["agent"] == str(row.uid)
    assert told["node"] == str(node.uid)
    assert told["origin"] == settings.SITE_ORIGIN
    assert len(told["site_key"]) == 44
    assert told["heartbeat_every"] == 10
    assert row.inventory == {"cpu": {"cores": 4}}
    again = Client().post("/agent/v1/enrol", json.dumps(body), content_type="application/json")
    assert code(again) == "403 enrolment_token_used"


# --- bodies --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "body", "member"),
    [
        ("staged", {}, "fence"),
        ("staged", {"fence": "x"}, "fence"),
        ("staged", {"fence": 2**80}, "fence"),
        ("started", {"fence": 1, "ago": -1}, "ago"),
        ("started", {"fence": 1, "start_delay_ms": 2**40}, "start_delay_ms"),
        ("ended", {"fence": 1, "reason": "bored"}, "reason"),
        ("ended", {"fence": 1, "reason": "finished", "exit_code": 2**40}, "exit_code"),
        ("ended", {"fence": 1, "reason": "finished", "note": 7}, "note"),
        ("ended", {"fence": 1, "reason": "finished", "notes": [{"text": "no code"}]}, "notes"),
        ("ended", {"fence": 1, "reason": "finished", "notes": [{"code": "x", "values": {"a": []}}]}, "notes"),
        ("ended", {"fence": 1, "reason": "finished", "notes": [{"code": "x"}] * 21}, "notes"),
        ("log", {"fence": 1, "chunks": [{"seq": 0, "text": "x"}]}, "chunks"),
        ("log", {"fence": 1, "chunks": "x"}, "chunks"),
    ],
)
def test_a_body_that_does_not_follow_the_protocol_is_told_where(
    agent: SigningAgent, lease: Lease, path: str, body: object, member: str
) -> None:
    before = traces()
    answer = agent.post(f"leases/{lease.uid}/{path}", body)
    assert code(answer) == "400 body_invalid"
    assert list(answer.json()["errors"]) == [member]
    assert traces() == before


def test_notes_are_kept_as_codes_and_numbers(agent: SigningAgent, lease: Lease) -> None:
    note = {"code": "processes", "text": "Too \x1b[31mmany.", "values": {"limit": 40}}
    for path, body in (("staged", {}), ("started", {}), ("ended", {"reason": "finished", "notes": [note]})):
        assert agent.post(f"leases/{lease.uid}/{path}", {"fence": lease.fence} | body).status_code == 200
    lease.refresh_from_db()
    (kept,) = lease.end_notes
    assert (kept["code"], kept["values"]) == ("processes", {"limit": 40})
    assert "\x1b" not in kept["text"]


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"7", b'{"leases": NaN}', b"\xff", b"[" * 100_000])
def test_what_is_no_json_object_is_refused(agent: SigningAgent, raw: bytes) -> None:
    target = "/agent/v1/heartbeat"
    answer = agent.client.post(
        target, raw, content_type="application/json", headers=agent.headers("POST", target, raw)
    )
    assert code(answer) == "400 body_invalid"


def test_a_body_that_is_too_large_is_refused(agent: SigningAgent) -> None:
    answer = agent.post("heartbeat", {"leases": [], "load": "x" * settings.DATA_UPLOAD_MAX_MEMORY_SIZE})
    assert code(answer) == "400 body_invalid"


def test_a_log_call_takes_so_much_text_and_any_character(agent: SigningAgent, lease: Lease) -> None:
    def log(text: str) -> Any:
        return agent.post(
            f"leases/{lease.uid}/log", {"fence": lease.fence, "chunks": [{"seq": 1, "text": text}]}
        )

    assert code(log("x" * (64 * 1024 + 1))) == "400 body_invalid"
    assert log("nul\x00 half\ud800\n").json() == {"next_seq": 2}
    assert LogChunk.objects.get().text == "nul half?\n"


def test_only_the_documented_method_is_taken(agent: SigningAgent) -> None:
    answer = agent.get("heartbeat")
    assert code(answer) == "405 method_not_allowed"


# --- what agents hear ------------------------------------------------------------------------
def test_a_heartbeat_answers_for_every_lease(agent: SigningAgent, lease: Lease) -> None:
    asked = [{"lease": str(lease.uid), "fence": lease.fence, "state": "staged"},
             {"lease": str(uuid4()), "fence": 1, "state": "running"}]  # fmt: skip
    known, unknown = agent.post("heartbeat", {"leases": asked, "load": {"cpu": 0.5}}).json()["leases"]
    assert (known["known"], known["stop"], known["fence"]) == (True, False, lease.fence)
    assert 590 < known["expires_in"] <= 600 < known["ends_in"] <= 3600
    assert (unknown["known"], unknown["stop"]) == (False, True)
    agent.row.refresh_from_db()
    assert agent.row.last_seen_at is not None


# --- files -------------------------------------------------------------------------------------
def test_a_file_is_kept_with_the_name_that_was_quoted(agent: SigningAgent, lease: Lease) -> None:
    assert CALLS["file"](agent, lease.uid, lease.fence).status_code == 200
    file = OutputFile.objects.get()
    assert file.name == "out/a b.txt"
    with file.content.open() as content:
        assert content.read() == b"result"


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"X-Fence": "one"}, "400 body_invalid"),
        ({"X-Fence": "²"}, "400 body_invalid"),
        ({"X-Content-SHA256": "00"}, "400 body_invalid"),
        ({"X-Content-SHA256": "0" * 64}, "400 body_invalid"),
    ],
)
def test_a_file_with_wrong_headers_is_not_kept(
    agent: SigningAgent, lease: Lease, headers: dict[str, str], refused: str
) -> None:
    answer = agent.put(f"leases/{lease.uid}/files/a", b"result", fence=lease.fence, **headers)
    assert code(answer) == refused
    assert not OutputFile.objects.exists()


def test_a_file_that_is_too_large_is_not_kept(agent: SigningAgent, lease: Lease) -> None:
    answer = agent.put(f"leases/{lease.uid}/files/a", b"x" * 5001, fence=lease.fence)
    assert code(answer) == "413 body_invalid"


@pytest.mark.parametrize("name", ["a%0Ab", "%0A", "out/a%0D%0Ab.txt", "a%E2%80%A8b"])
def test_a_file_name_on_several_lines_is_refused_as_agents_read_it(
    agent: SigningAgent, lease: Lease, name: str
) -> None:
    answer = agent.put(f"leases/{lease.uid}/files/{name}", b"result", fence=lease.fence)
    assert code(answer) == "400 body_invalid"
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert not OutputFile.objects.exists()


@pytest.mark.parametrize("name", ["../a", "a//b", "%2e%2e/a", "a%00b", "a%5Cb"])
def test_a_file_name_that_leads_elsewhere_is_not_kept(agent: SigningAgent, lease: Lease, name: str) -> None:
    answer = agent.put(f"leases/{lease.uid}/files/{name}", b"result", fence=lease.fence)
    assert answer.status_code in (400, 404)
    assert not OutputFile.objects.exists()


def test_a_lease_that_was_stopped_before_anybody_got_it_is_over(agent: SigningAgent, lease: Lease) -> None:
    leases.request_stop(reference=lease.reference, at=clock.now())
    assert code(CALLS["started"](agent, lease.uid, lease.fence)) == "409 stale_fence"
