"""docs/agent-protocol.md and docs/schemas/agent against what the site takes and answers."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.core.files.base import File
from django.core.management import call_command
from django.test import Client
from equinode_agent import trust, versions

from common import clock
from ledger.models import Entry
from nodes.domain import lease as rules, protocol
from nodes.models import Agent, Lease, OutputFile
from nodes.services import enrolment, leases, site_keys, work
from tests.nodes import messages
from tests.nodes.cast import SigningAgent, code, make_lease
from tests.races import at_once, split

DOCS = Path(settings.BASE_DIR) / "docs"
KEY = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def agent(db: None) -> SigningAgent:
    return SigningAgent()


@pytest.fixture
def lease(agent: SigningAgent) -> Lease:
    return make_lease(agent.row.node)


# --- the schemas -------------------------------------------------------------------------------
def bodies(lease: Lease) -> dict[str, dict[str, Any]]:
    """A body of each call, with every member that its schema names."""
    fence = lease.fence
    note = {"code": "processes", "text": "Too many.", "values": {"limit": 40}}
    gpu = {
        "index": 0,
        "temperature_c": 41.0,
        "power_w": 80.5,
        "utilisation_percent": 3,
        "memory_used_bytes": 9,
    }
    load = {
        "cpu_percent": 12.5, "memory_used_bytes": 5, "disk_free_bytes": 6, "gpus": [gpu],
        "clock_offset_s": -0.2, "agent_silent_seconds": 0.1,
    }  # fmt: skip
    held = {"lease": str(lease.uid), "fence": fence, "state": "staged"}
    return {
        "heartbeat": {"leases": [held], "version": "0.1.0", "load": load},
        "again": {"fence": fence},
        "staged": {"fence": fence, "ago": 0.1},
        "started": {"fence": fence, "ago": 0.1, "start_delay_ms": 12},
        "log": {"fence": fence, "ago": 0.0, "chunks": [{"seq": 1, "ago": 0.2, "text": "hello\n"}]},
        "ended": {
            "fence": fence, "ago": 0.1, "reason": "finished", "exit_code": 0, "note": "", "notes": [note],
            "peak_memory_bytes": 1, "cpu_seconds": 1.5, "log_bytes": 10, "log_truncated": False,
        },
    }  # fmt: skip


def path_of(name: str, lease: Lease) -> str:
    return name if name == "heartbeat" else f"leases/{lease.uid}/{name}"


def test_the_site_takes_what_its_schemas_describe_and_answers_as_they_do(
    agent: SigningAgent, lease: Lease, dispatch_key: Path
) -> None:
    for name, body in bodies(lease).items():
        assert messages.fault(f"{name}.request", body) is None
        # Whose answers SigningAgent holds against the schemas.
        assert agent.post(path_of(name, lease), body).status_code == 200, name
    assert agent.get("site-key").json() == {"site_key": site_keys.public(), "chain": []}


def spoilt(schema: dict[str, Any], body: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The body with each member left out that must be there, and each replaced by what it must not be."""
    for name in schema["required"]:
        yield f"without {name}", {key: value for key, value in body.items() if key != name}
    for name in schema["properties"]:
        if name != "load":  # which the site cleans, and never refuses
            yield f"odd {name}", {**deepcopy(body), name: {"odd": [1]}}


@pytest.mark.parametrize("name", ["heartbeat", "again", "staged", "started", "log", "ended"])
def test_the_site_refuses_what_its_schemas_do(agent: SigningAgent, lease: Lease, name: str) -> None:
    schema = messages.published()[f"{name}.request"]
    body = bodies(lease)[name]
    for what, wrong in spoilt(schema, body):
        if what == "odd log_bytes":  # told for the record; the site counts for itself
            continue
        assert messages.fault(f"{name}.request", wrong) is not None, what
        assert code(agent.post(path_of(name, lease), wrong)) == "400 body_invalid", what
    lease.refresh_from_db()
    assert lease.state == "waiting"


def test_enrolment_and_keys_are_as_their_schemas_describe(agent: SigningAgent, dispatch_key: Path) -> None:
    token = enrolment.issue_token(node=agent.row.node, by=None, at=clock.now())
    key = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    body = {"token": token, "public_key": key, "version": "0.1.0", "inventory": {}}
    assert messages.fault("enrol.request", body) is None
    answer = Client().post("/agent/v1/enrol", body, content_type="application/json")
    assert answer.status_code == 201
    assert messages.fault("enrol.answer", answer.json()) is None
    assert messages.fault("key.request", {"public_key": KEY}) is None
    assert messages.fault("key.request", {"public_key": KEY[:-1]}) is not None


def test_a_lease_that_is_handed_over_is_as_its_schema_describes(
    agent: SigningAgent, lease: Lease, dispatch_key: Path
) -> None:
    answer = agent.post(f"leases/{lease.uid}/again", {"fence": lease.fence}).json()
    payload = json.loads(answer["payload"])
    # What this test's own specification leaves out stands in every real one.
    payload["specification"]["limits"] |= {"processes": 9, "disk_bytes": 9}
    assert messages.fault("lease", payload) is None
    assert messages.fault("lease", payload | {"devices": []}) is not None
    for network in ("everything", None):
        wrong = {**payload, "specification": payload["specification"] | {"network": network}}
        assert messages.fault("lease", wrong) is not None


def test_every_schema_is_in_the_document_and_no_other() -> None:
    document = (DOCS / "agent-protocol.md").read_text()
    named = set(re.findall(r"schemas/agent/([a-z.-]+)\.json", document))
    assert named == set(messages.published())


def test_every_state_of_a_lease_and_every_step_is_drawn() -> None:
    document = (DOCS / "agent-protocol.md").read_text()
    table = re.search(r"\| from \| to \|.*?\n\n", document, re.DOTALL)
    assert table is not None
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", table[0], re.MULTILINE)
    drawn = {state: set(re.findall(r"`(\w+)`", steps)) for state, steps in rows}
    assert drawn == {state: set(steps) for state, steps in rules.NEXT_STATES.items()}
    picture = document[document.index("## States of a lease") :]
    assert all(state in picture for state in Lease.State.values)


# --- versions ----------------------------------------------------------------------------------
def test_agent_and_site_of_this_repository_speak_the_same_version() -> None:
    assert (versions.HEADER, versions.spoken()) == (protocol.HEADER, str(protocol.SPOKEN))


@pytest.mark.parametrize(
    ("told", "status"), [("1.0", 200), ("1.1", 200), ("1.2", 200), ("1.3", 400), ("2.0", 400)]
)
def test_another_version_is_refused_with_what_would_be_taken(
    agent: SigningAgent, told: str, status: int
) -> None:
    target, raw = "/agent/v1/heartbeat", b'{"leases": []}'
    headers = agent.headers("POST", target, raw) | {protocol.HEADER: told}
    answer = agent.client.post(target, raw, content_type="application/json", headers=headers)
    assert (answer.status_code, answer.headers[protocol.HEADER]) == (status, "1.1")
    if status == 400:
        problem = answer.json()
        assert (problem["code"], problem["speaks"]) == ("protocol_unsupported", "1.1")
        assert problem["takes"] == ["1.0", "1.1", "1.2"]
        assert told in problem["detail"]
        agent.row.refresh_from_db()
        assert agent.row.last_seen_at is None


def test_a_poll_of_another_version_is_refused_too(agent: SigningAgent) -> None:
    target = "/agent/v1/work?wait=0"
    answer = agent.client.get(target, headers=agent.headers("GET", target) | {protocol.HEADER: "2.0"})
    assert code(answer) == "400 protocol_unsupported"
    assert answer.headers[protocol.HEADER] == "1.1"


# --- floods -------------------------------------------------------------------------------------
def beat(agent: SigningAgent, seconds: float) -> None:
    leases.heartbeat(agent=agent.row, leases=[], at=agent.row.enrolled_at + timedelta(seconds=seconds))


def test_who_beats_far_too_often_is_refused_until_it_is_quiet_again(agent: SigningAgent) -> None:
    for number in range(rules.MOST_BEATS):
        beat(agent, 1 + number / 1000)
    with pytest.raises(Exception, match="at most 30 times in 30 seconds") as refusal:
        beat(agent, 2)
    assert refusal.value.status == 429  # type: ignore[attr-defined]
    agent.row.refresh_from_db()
    assert agent.row.last_seen_at is not None
    assert agent.row.last_seen_at < agent.row.enrolled_at + timedelta(seconds=2)
    beat(agent, 31.1)
    for number in range(100):  # three a second and a half is what an agent in trouble does
        beat(agent, 62 + number * 3)


def test_a_clock_that_is_set_back_shuts_no_agent_out(agent: SigningAgent) -> None:
    for number in range(rules.MOST_BEATS):
        beat(agent, 100 + number / 1000)
    beat(agent, 0)


@pytest.mark.django_db(transaction=True)
def test_of_many_beats_at_once_no_more_are_taken_than_may_be() -> None:
    """Counted first and written afterwards, more would be taken."""
    agent, at = SigningAgent(), clock.now()
    Agent.objects.update(beats=rules.MOST_BEATS - 3, beats_from=at)
    taken, refused = split(
        at_once(*[lambda: leases.heartbeat(agent=agent.row, leases=[], at=at)] * 8, meeting_at=Agent)
    )
    assert (len(taken), len(refused)) == (3, 5)


def test_a_heartbeat_asks_as_much_for_a_thousand_leases_as_for_one(
    agent: SigningAgent, lease: Lease, django_assert_num_queries: Any
) -> None:
    held = [(uuid4(), 1) for _ in range(999)] + [(lease.uid, lease.fence)]
    with django_assert_num_queries(2):
        news = leases.heartbeat(agent=agent.row, leases=held, at=clock.now())
    assert [one.known for one in news] == [False] * 999 + [True]


def test_the_version_of_the_program_is_kept_fresh(agent: SigningAgent) -> None:
    agent.post("heartbeat", {"leases": [], "version": "0.9.0"})
    agent.post("heartbeat", {"leases": []})
    agent.row.refresh_from_db()
    assert agent.row.version == "0.9.0"


def test_heartbeats_keep_which_version_an_agent_speaks(agent: SigningAgent) -> None:
    for told, kept in (("1.2", "1.2"), (None, "1.0"), ("1.1", "1.1")):
        target, raw = "/agent/v1/heartbeat", b'{"leases": []}'
        headers = agent.headers("POST", target, raw) | ({} if told is None else {protocol.HEADER: told})
        agent.client.post(target, raw, content_type="application/json", headers=headers)
        agent.row.refresh_from_db()
        assert agent.row.protocol == kept


# --- a day of leases -------------------------------------------------------------------------------
def test_of_a_day_of_fat_leases_an_answer_holds_the_soonest_and_no_more_than_fits(
    agent: SigningAgent, dispatch_key: Path
) -> None:
    node, now = agent.row.node, clock.now()
    half = timedelta(minutes=30)
    for number in reversed(range(60)):
        script = "x" * 96_000 if number < 48 else "true"
        make_lease(
            node, reference=f"run-{number}", start=now + number * half, length=half, at=now, script=script
        )
    told: list[str] = []
    sizes = []
    while found := work.hand_over(node=node, at=now).leases:
        sizes.append(sum(len(one["payload"]) for one in found))
        told += [json.loads(one["payload"])["reference"] for one in found]
        Lease.objects.filter(reference__in=told).update(state="staged")
    assert told == [f"run-{number}" for number in range(60)]
    assert len(sizes) > 1
    assert max(sizes) <= work.MOST_BYTES


def test_a_lease_that_is_larger_than_an_answer_comes_alone(
    agent: SigningAgent, dispatch_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MOST_BYTES", 100)
    now = clock.now()
    for number in range(2):
        start = now + timedelta(hours=number)
        make_lease(agent.row.node, reference=f"run-{number}", start=start, at=now)
    (one,) = work.hand_over(node=agent.row.node, at=now).leases
    assert json.loads(one["payload"])["reference"] == "run-0"


# --- once more -----------------------------------------------------------------------------------
def test_a_lease_is_signed_again_until_it_has_begun(
    agent: SigningAgent, lease: Lease, dispatch_key: Path
) -> None:
    body = {"fence": lease.fence}
    agent.post(f"leases/{lease.uid}/staged", body)
    answer = agent.post(f"leases/{lease.uid}/again", body).json()
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(site_keys.public()))
    key.verify(base64.b64decode(answer["signature"]), answer["payload"].encode())
    told = json.loads(answer["payload"])
    assert (told["lease"], told["fence"], told["node"]) == (
        str(lease.uid),
        lease.fence,
        str(agent.row.node.uid),
    )
    lease.refresh_from_db()
    assert lease.state == "staged"
    agent.post(f"leases/{lease.uid}/started", body)
    assert code(agent.post(f"leases/{lease.uid}/again", body)) == "409 stale_fence"


def test_a_lease_that_is_to_stop_is_not_signed_again(
    agent: SigningAgent, lease: Lease, dispatch_key: Path
) -> None:
    Lease.objects.update(handed_over_at=clock.now(), stop_requested_at=clock.now())
    assert code(agent.post(f"leases/{lease.uid}/again", {"fence": lease.fence})) == "409 stale_fence"


def test_nobody_else_has_it_signed_again(lease: Lease, dispatch_key: Path) -> None:
    assert (
        code(SigningAgent().post(f"leases/{lease.uid}/again", {"fence": lease.fence})) == "404 lease_unknown"
    )


# --- what a job goes on from -------------------------------------------------------------------------
@pytest.fixture
def resumed(agent: SigningAgent) -> Lease:
    """A lease whose job goes on from a file that another one left."""
    former = make_lease(agent.row.node, reference="run-0")
    file = OutputFile.objects.create(
        lease=former, name="state/a b.pt", size=4, sha256="a" * 64, received_at=clock.now(),
        content=File(BytesIO(b"half"), name="x"),
    )  # fmt: skip
    leases.end(
        node_id=agent.row.node_id, lease_uid=former.uid, fence=former.fence, ago=0.0, at=clock.now(),
        ending=leases.Ending("lost"),
    )  # fmt: skip
    files = [{"name": file.name, "size": 4, "sha256": "a" * 64}]
    again = make_lease(
        agent.row.node, reference="run-1", start=clock.now() + timedelta(hours=2),
        resume={"lease": str(former.uid), "files": files},
    )  # fmt: skip
    assert messages.fault("specification", again.specification | {"limits": limits()}) is None
    return again


def limits() -> dict[str, Any]:
    counts = dict.fromkeys(("memory_bytes", "processes", "disk_bytes", "log_bytes", "file_bytes"), 5)
    return counts | {"wall_seconds": None}


def test_a_job_is_given_the_files_that_it_goes_on_from_and_no_others(
    agent: SigningAgent, resumed: Lease
) -> None:
    path = f"leases/{resumed.uid}/resume/state/a%20b.pt?fence={resumed.fence}"
    answer = agent.get(path)
    assert b"".join(answer.streaming_content) == b"half"
    assert answer.headers["Content-Length"] == "4"
    assert code(agent.get(path.replace("a%20b", "other"))) == "404 file_unknown"
    assert code(agent.get(path.replace(f"={resumed.fence}", "=9999"))) == "409 stale_fence"
    assert code(agent.get(path.partition("?")[0])) == "400 body_invalid"
    assert code(SigningAgent().get(path)) == "404 lease_unknown"
    OutputFile.objects.update(sha256="b" * 64)
    assert code(agent.get(path)) == "404 file_unknown"
    Lease.objects.filter(pk=resumed.pk).update(state="ended")
    assert code(agent.get(path)) == "409 stale_fence"


# --- the key that signs leases --------------------------------------------------------------------------
@pytest.fixture
def own_key(tmp_path: Path, settings: Any, dispatch_key: Path) -> Path:
    """A key of this test's own, since it is replaced."""
    settings.DISPATCH_KEY_FILE = tmp_path / "dispatch.pem"
    settings.DISPATCH_KEY_FILE.write_bytes(dispatch_key.read_bytes())
    return settings.DISPATCH_KEY_FILE  # type: ignore[no-any-return]


@pytest.mark.django_db
def test_each_key_signs_for_the_next_and_agents_follow_the_chain(own_key: Path) -> None:
    first = site_keys.public()
    call_command("replace_dispatch_key", verbosity=0)
    second = site_keys.public()
    call_command("replace_dispatch_key", verbosity=0)
    third = site_keys.public()
    assert len({first, second, third}) == 3
    chain = site_keys.chain()
    for link, former, key in zip(chain, (first, second), (second, third), strict=True):
        assert messages.fault("site-key.change", json.loads(link["payload"])) is None
        told = json.loads(link["payload"])
        assert (told["former"], told["key"]) == (former, key)
    for pinned in (first, second, third):
        assert trust.leads(pinned, chain, to=third)
    assert own_key.stat().st_mode & 0o777 == 0o600
    facts = [entry.fact["body"] for entry in Entry.objects.filter(kind="key").order_by("id")]
    assert [(fact["action"], fact["public_key"]) for fact in facts] == [
        ("added", second), ("revoked", first), ("added", third), ("revoked", second),
    ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_replacing_the_key_twice_at_once_gives_one_chain(own_key: Path) -> None:
    first = site_keys.public()
    _made, failed = split(at_once(*[lambda: site_keys.replace(at=clock.now())] * 4))
    assert failed == []
    assert len(site_keys.chain()) == 4
    assert trust.leads(first, site_keys.chain(), to=site_keys.public())


@pytest.mark.django_db
def test_a_crash_before_the_new_key_is_in_its_place_leaves_no_agent_behind(
    own_key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = site_keys.public()

    def power_cut(*_arguments: object) -> None:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(site_keys, "replace_private_key", power_cut)
        with pytest.raises(SystemExit):
            site_keys.replace(at=clock.now())
    assert site_keys.public() == first
    assert not Entry.objects.filter(kind="key").exists()
    assert trust.leads(first, site_keys.chain(), to=first)
    site_keys.replace(at=clock.now())
    assert len(site_keys.chain()) == 1
    assert trust.leads(first, site_keys.chain(), to=site_keys.public())
