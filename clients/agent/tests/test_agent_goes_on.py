"""Jobs that go on: from a checkpoint, after a restart of the machine, under another key of the site."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from agent_process import AgentProcess, within
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from equinode_agent import identity, keys, versions
from equinode_agent.agent import Agent
from equinode_agent.clock import Moment
from equinode_agent.errors import Refused
from equinode_agent.journal import Journal
from equinode_agent.lease import SignedLease
from equinode_agent.trust import leads
from fake_site import FakeSite


def _state_of(state: Path, lease: str) -> str:
    return str(json.loads((state / "leases" / lease / "record.json").read_text())["state"])


# --- from a checkpoint --------------------------------------------------------------
CHECKPOINT = {"retry": "from_checkpoint", "checkpoint": ["state/*"], "bring_back": ["result.txt"]}


def test_a_killed_job_leaves_its_checkpoint_and_nothing_else(site: FakeSite, agent: AgentProcess) -> None:
    script = "mkdir state; echo half > state/a.txt; echo none > result.txt; echo ready; sleep 600"
    lease = site.offer(site.payload(script, specification=CHECKPOINT))
    assert within(60, lambda: site.log(lease) == "ready\n")
    agent.kill()
    agent.start()
    assert site.ended(lease, 60)["reason"] == "lost"
    assert site.leases[lease]["files"] == {"state/a.txt": b"half\n"}


def test_a_job_that_ends_by_itself_brings_its_results_and_no_checkpoint(
    site: FakeSite, agent: AgentProcess
) -> None:
    script = "mkdir state; echo whole > state/a.txt; echo done > result.txt"
    lease = site.offer(site.payload(script, specification=CHECKPOINT))
    assert site.ended(lease, 60)["reason"] == "finished"
    assert site.leases[lease]["files"] == {"result.txt": b"done\n"}


def _resumed(site: FakeSite, files: dict[str, bytes]) -> dict[str, Any]:
    site.resumable = files
    listed = [
        {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in files.items()
    ]
    return {**CHECKPOINT, "resume": {"lease": "0190d3c4-0000-7000-8000-000000000000", "files": listed}}


def test_the_next_attempt_finds_the_files_where_it_left_them_and_may_change_them(
    site: FakeSite, agent: AgentProcess
) -> None:
    files = {"state/deep/a b.txt": b"half\n", "top.bin": bytes(range(256)) * 9000}
    script = "cat 'state/deep/a b.txt'; echo more >> 'state/deep/a b.txt'; wc -c < top.bin; ls state/deep"
    lease = site.offer(site.payload(script, specification=_resumed(site, files)))
    assert site.ended(lease, 60)["exit_code"] == 0
    assert site.log(lease).split() == ["half", str(256 * 9000), "a", "b.txt"]


def test_a_checkpoint_that_the_site_no_longer_has_is_told(site: FakeSite, agent: AgentProcess) -> None:
    specification = _resumed(site, {"state/a.txt": b"half"})
    site.resumable = {}
    ended = site.ended(site.offer(site.payload("true", specification=specification)), 60)
    assert (ended["reason"], ended["notes"][0]["code"]) == ("refused", "checkpoint_unfetched")


def test_a_checkpoint_that_is_not_what_was_announced_never_reaches_the_job(
    site: FakeSite, agent: AgentProcess, state: Path
) -> None:
    specification = _resumed(site, {"state/a.txt": b"half"})
    site.resumable = {"state/a.txt": b"hal!"}
    lease = site.offer(site.payload("cat state/a.txt", specification=specification))
    assert within(60, lambda: "did not come as it was announced" in agent.said)
    assert site.leases[lease]["state"] == "waiting"
    site.resumable = {"state/a.txt": b"half"}
    site.ended(lease, 60)
    assert site.log(lease) == "half"


def test_a_checkpoint_cannot_name_a_place_outside_the_jobs_folder(
    site: FakeSite, agent: AgentProcess
) -> None:
    for name in ("../up", "/etc/passwd", "a/../../b", "", "a\0b"):
        specification = _resumed(site, {})
        specification["resume"]["files"] = [{"name": name, "size": 1, "sha256": "0" * 64}]
        ended = site.ended(site.offer(site.payload("true", specification=specification)), 60)
        assert ended["reason"] == "refused"
        assert "no file in the job's folder" in ended["note"]


# --- after a restart of the machine ---------------------------------------------------
def _restarted_machine(state: Path, lease: str) -> None:
    """What was written down counts on a clock that is gone."""
    path = state / "leases" / lease / "record.json"
    record = json.loads(path.read_text())
    record["received"]["boot_id"] = "another"
    path.write_text(json.dumps(record))


def test_a_lease_outlives_a_restart_of_the_machine_before_its_moment(
    site: FakeSite, agent: AgentProcess, state: Path
) -> None:
    lease = site.offer(site.payload("echo once", starts_in=600.0, ends_in=1200.0))
    site.wait_for(lease, "staged", 60)
    agent.kill()
    _restarted_machine(state, lease)
    site.is_away = True
    agent.start()
    assert within(60, lambda: "Asking again" in agent.said)
    assert site.leases[lease]["state"] == "staged"
    # By the clock of the site's new answer, not by the one that is gone: its moment has come now.
    site.leases[lease]["payload"]["starts_in"] = 0.0
    site.is_away = False
    assert site.ended(lease, 60)["reason"] == "finished"
    assert site.log(lease) == "once\n"


def test_a_lease_that_the_site_gave_up_meanwhile_is_not_begun(
    site: FakeSite, agent: AgentProcess, state: Path
) -> None:
    lease = site.offer(site.payload("echo never", starts_in=600.0))
    site.wait_for(lease, "staged", 60)
    agent.kill()
    _restarted_machine(state, lease)
    with site.changed:
        site.leases[lease]["state"] = "running"  # as far as this site knows, somebody else's by now
    agent.start()
    ended = site.ended(lease, 60)
    assert (ended["reason"], ended["notes"][0]["code"]) == ("lost", "restarted_before_start")
    assert site.log(lease) == ""


# --- the site's key ----------------------------------------------------------------------
def test_a_key_that_the_former_one_signed_for_is_followed_and_outlives_the_agent(
    site: FakeSite, agent: AgentProcess, state: Path
) -> None:
    before = site.offer(site.payload("echo early", starts_in=600.0, ends_in=1200.0))
    site.wait_for(before, "staged", 60)
    site.new_key()
    site.new_key()  # link by link
    assert site.ended(site.offer(_beside(site, "true")), 60)["reason"] == "finished"
    assert identity.load(state).site_key == site.site_key
    agent.kill()
    agent.start()
    # Accepted under a key that is no longer the pinned one, and kept all the same.
    assert within(60, lambda: {"lease": before, "fence": 1, "state": "staged"} in site.beats[-1]["leases"])
    site.stop(before)
    assert site.ended(before, 60)["reason"] == "stopped"


def _beside(site: FakeSite, script: str) -> dict[str, Any]:
    """On another device, so that it waits for nobody."""
    return site.payload(script, devices=[{"index": 1, "kind": "host", "model": "test"}])


def test_a_key_that_somebody_else_signed_for_is_refused_and_said(
    site: FakeSite, agent: AgentProcess, state: Path
) -> None:
    pinned = identity.load(state).site_key
    honest = site.key
    site.new_key(signed_by=Ed25519PrivateKey.generate())
    lease = site.offer(site.payload("echo never"))
    assert within(60, lambda: "the pinned one did not sign for" in agent.said)
    assert identity.load(state).site_key == pinned
    assert site.leases[lease]["state"] == "waiting"
    site.key, site.chain = honest, []
    assert site.ended(lease, 60)["reason"] == "finished"


def test_chains_are_followed_link_by_link_to_the_key_in_use_and_nowhere_else() -> None:
    made = [Ed25519PrivateKey.generate() for _ in range(4)]
    public = [keys.public_base64(key) for key in made]
    site = _Signer(made)
    whole = [site.link(0, 1), site.link(1, 2), site.link(2, 3)]
    assert leads(public[0], whole, to=public[3])
    assert leads(public[2], whole, to=public[3])
    assert not leads(public[0], whole[:1] + whole[2:], to=public[3])
    assert not leads(public[3], whole, to=public[0])
    # A link to a key that was never used: the site crashed before it was in its place.
    assert leads(public[0], [site.link(0, 2), site.link(0, 1), site.link(1, 3)], to=public[3])
    assert not leads(public[0], [site.link(0, 1, by=3)], to=public[1])
    assert not leads(public[0], [site.link(0, 1, purpose="ledger")], to=public[1])
    for broken in (None, 7, {}, {"payload": "{", "signature": "x"}, {"payload": "[]", "signature": "x"}):
        assert leads(public[0], [broken, *whole], to=public[3])
    spoilt = {**whole[0], "payload": whole[0]["payload"].replace(public[1], public[2])}
    assert not leads(public[0], [spoilt], to=public[2])


class _Signer:
    def __init__(self, made: list[Ed25519PrivateKey]) -> None:
        self._made = made
        self._site = FakeSite.__new__(FakeSite)

    def link(
        self, former: int, key: int, *, by: int | None = None, purpose: str = "dispatch"
    ) -> dict[str, str]:
        statement = {
            "purpose": purpose,
            "former": keys.public_base64(self._made[former]),
            "key": keys.public_base64(self._made[key]),
            "since": "2026-11-23T10:00:00+00:00",
        }
        return self._site.sign(statement, self._made[former if by is None else by])


# --- versions ----------------------------------------------------------------------------------
@pytest.mark.parametrize("told", [None, "1.0", "1.1", "1.2"])
def test_one_minor_of_skew_either_way_is_spoken_with(told: str | None) -> None:
    versions.require(told, status=200)


@pytest.mark.parametrize("told", ["2.0", "0.9", "1.3", "1", "", "one", "1.1.1", "99999.0"])
def test_another_version_is_refused_with_a_sentence(told: str) -> None:
    with pytest.raises(Refused, match="agent protocol, this agent 1.1") as refusal:
        versions.require(told, status=200)
    assert refusal.value.code == "protocol_unsupported"


def test_an_agent_takes_nothing_from_a_site_of_another_major_and_finishes_what_it_has(
    site: FakeSite, agent: AgentProcess, state: Path
) -> None:
    lease = site.offer(site.payload("while :; do sleep 0.1; done", limits={"wall_seconds": 4}))
    site.wait_for(lease, "running", 60)
    site.speaks = "2.0"
    site.notify()
    late = site.offer(_beside(site, "echo never"))
    assert within(60, lambda: "version 2.0 of the agent protocol" in agent.said)
    assert within(60, lambda: _state_of(state, lease) in ("ended", "closed"))
    assert site.leases[late]["state"] == "waiting"
    assert site.ended(lease, 60)["reason"] == "time"
    assert site.heard == {versions.spoken()}


# --- shut out ---------------------------------------------------------------------------------
def test_an_agent_that_is_shut_out_drops_what_has_not_begun_and_finishes_what_runs(
    site: FakeSite, agent: AgentProcess, state: Path
) -> None:
    running = site.offer(site.payload("trap 'exit 0' TERM; while :; do sleep 0.1; done"))
    waiting = site.offer(_beside(site, "echo never") | {"starts_in": 500.0})
    site.wait_for(running, "running", 60)
    site.wait_for(waiting, "staged", 60)
    site.is_revoked = True
    assert within(60, lambda: _state_of(state, waiting) == "closed")
    assert _state_of(state, running) == "running"
    assert agent.stop() == 0
    assert _state_of(state, running) == "ended"


# --- what a heartbeat names ---------------------------------------------------------------------
def test_a_heartbeat_names_what_runs_and_what_begins_first(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A day's leases may be more than one heartbeat may name."""
    told: list[list[dict[str, Any]]] = []
    served = Agent(state)
    served._heartbeat = SimpleNamespace(tell=told.append)  # type: ignore[assignment]
    for number in range(1200):
        record = SimpleNamespace(lease=f"{number}", fence=1, state="running" if number == 3 else "staged")
        served._executions[record.lease] = SimpleNamespace(record=record, moment=5000.0 - number)  # type: ignore[assignment]
    served._tell()
    names = [one["lease"] for one in told[0]]
    assert len(names) == 1000
    assert names[:3] == ["3", "1199", "1198"]


# --- news --------------------------------------------------------------------------------------
def test_news_that_came_before_the_wait_is_not_waited_for(site: FakeSite, tmp_path: Path) -> None:
    signed = SignedLease.load(site.sign(site.payload()))
    lease = signed.verified(site_key=site.site_key, node=site.node)
    record = Journal(tmp_path).accept(lease, signed=signed, received=Moment.take())
    seen = record.news_seen
    record.happened("staged", at=Moment.take())
    record.await_news(seen, 3600.0)  # or this test never ends
    waiter = threading.Thread(target=record.await_news, args=(record.news_seen, 3600.0))
    waiter.start()
    while waiter.is_alive():
        record.append_log(1, "news")
        time.sleep(0.01)
