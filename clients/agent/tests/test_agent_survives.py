"""Killed agents, absent sites, forged and replayed leases, and the owner's rules."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from agent_process import AgentProcess, within
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from equinode_agent import cli, identity
from equinode_agent.clock import Moment
from equinode_agent.courier import Courier
from equinode_agent.executor import BUILD_AHEAD
from equinode_agent.journal import Journal
from equinode_agent.lease import SignedLease
from equinode_agent.sandbox import processes
from fake_site import GOOD_TOKEN, FakeSite


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _state_of(state: Path, lease: str) -> str:
    """What the agent has written down of this lease."""
    return str(json.loads((state / "leases" / lease / "record.json").read_text())["state"])


# --- the agent dies ---------------------------------------------------------------
def test_a_job_dies_with_its_agent_and_is_reported_lost_once(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("echo begun; sleep 600"))
    site.wait_for(lease, "running")
    assert within(20, lambda: site.log(lease) == "begun\n")
    jobs = [pid for pid in processes.descendants(agent.process.pid) if b"sleep" in _command(pid)]
    assert jobs != []
    agent.kill()
    assert within(20, lambda: not any(_command(pid) for pid in jobs))
    agent.start()
    ended = site.ended(lease)
    assert ended["reason"] == "lost"
    assert "restarted" in ended["note"]
    time.sleep(1.5)
    assert [verb for verb, _ in site.leases[lease]["reports"]] == ["staged", "started", "ended"]
    assert site.log(lease) == "begun\n"


def test_a_lease_that_was_only_staged_goes_on_after_a_crash(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("echo once", starts_in=6.0))
    site.wait_for(lease, "staged")
    agent.kill()
    agent.start()
    assert site.ended(lease)["reason"] == "finished"
    assert site.log(lease) == "once\n"
    # Counted on the machine's clock since the first agent received it: both sides see the same delay.
    entry = site.leases[lease]
    delay = dict(entry["reports"])["started"]["start_delay_ms"] / 1000
    assert -0.05 < entry["started_at"] - entry["moment"] - delay < 1.0


def test_nothing_is_left_when_the_agent_dies_just_before_the_moment(
    site: FakeSite, agent: AgentProcess
) -> None:
    lease = site.offer(site.payload("echo once", starts_in=BUILD_AHEAD + 3.0))

    def gates() -> list[int]:
        return [pid for pid in processes.descendants(agent.process.pid) if b"read -r line" in _command(pid)]

    site.wait_for(lease, "staged")  # after the agent tried the sandbox out, which has a gate too
    assert within(20, gates)
    waiting = gates()
    assert site.leases[lease]["state"] == "staged"
    agent.kill()
    assert within(20, lambda: not any(_command(pid) for pid in waiting))


def test_a_stopped_agent_ends_its_jobs_and_says_so(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("sleep 60"))
    site.wait_for(lease, "running")
    assert agent.stop() == 0
    ended = site.leases[lease]["reports"][-1]
    assert ended[0] == "ended"
    assert ended[1]["note"] == "The agent was stopped on the node."


def test_two_agents_cannot_share_a_state_folder(agent: AgentProcess, state: Path) -> None:
    assert within(20, lambda: "Serving" in agent.said)
    second = AgentProcess(state)
    assert second.process.wait(30) == 1
    assert "Another agent is already running" in agent.said


def test_an_agent_leaves_the_jobs_of_another_one_alone(
    site: FakeSite, agent: AgentProcess, tmp_path: Path
) -> None:
    lease = site.offer(site.payload("sleep 3; echo undisturbed"))
    site.wait_for(lease, "running")
    other_site = FakeSite()
    other = tmp_path / "other"
    assert cli.main(["enrol", "--site", other_site.url, "--token", GOOD_TOKEN, "--state", str(other)]) == 0
    second = AgentProcess(other)
    assert within(20, lambda: "Serving" in second.said)
    second.stop()
    other_site.close()
    assert site.ended(lease)["reason"] == "finished"
    assert site.log(lease) == "undisturbed\n"


# --- the site is away ----------------------------------------------------------------
def test_a_job_goes_on_without_the_site_and_is_told_once_later(
    site: FakeSite, agent: AgentProcess, state: Path
) -> None:
    script = "echo before; sleep 1; echo during; echo result > r.txt"
    lease = site.offer(site.payload(script, specification={"bring_back": ["r.txt"]}))
    site.wait_for(lease, "running")
    site.is_away = True
    site.notify()
    assert within(20, lambda: _state_of(state, lease) == "ended")
    time.sleep(1)
    assert site.leases[lease]["state"] == "running"
    site.is_away = False
    ended = site.ended(lease)
    assert ended["reason"] == "finished"
    assert ended["ago"] > 0.5
    assert site.log(lease) == "before\nduring\n"
    assert site.leases[lease]["files"] == {"r.txt": b"result\n"}
    assert [verb for verb, _ in site.leases[lease]["reports"]].count("ended") == 1


def test_a_long_silence_is_made_up_in_many_calls(site: FakeSite, state: Path) -> None:
    """More pieces than one call may hold, each tiny, as a job prints while the site is away."""
    payload = site.payload("true")
    lease = site.offer(payload)
    signed = SignedLease.load(site.sign(payload))
    journal = Journal(state)
    verified = signed.verified(site_key=site.site_key, node=site.node)
    record = journal.accept(verified, signed=signed, received=Moment.take())
    for number in range(1, 1203):
        record.append_log(number, f"{number}\n")
    record.happened("ended", at=Moment.take(), reason="finished", note="")
    Courier(record, identity.client(state), on_over=lambda _: None).thread.start()
    site.ended(lease)
    assert site.log(lease) == "".join(f"{number}\n" for number in range(1, 1203))


def test_a_gap_in_the_log_does_not_hold_up_the_end(site: FakeSite, state: Path) -> None:
    payload = site.payload("true")
    lease = site.offer(payload)
    signed = SignedLease.load(site.sign(payload))
    verified = signed.verified(site_key=site.site_key, node=site.node)
    record = Journal(state).accept(verified, signed=signed, received=Moment.take())
    for number in (1, 2, 5, 6):
        record.append_log(number, f"{number}\n")
    record.happened("ended", at=Moment.take(), reason="finished", note="")
    Courier(record, identity.client(state), on_over=lambda _: None).thread.start()
    site.ended(lease)
    assert site.log(lease) == "1\n2\n"


def test_reports_outlive_the_agent(site: FakeSite, agent: AgentProcess, state: Path) -> None:
    lease = site.offer(site.payload("sleep 0.5; echo last words; exit 7"))
    site.wait_for(lease, "running")
    site.is_away = True
    site.notify()
    assert within(20, lambda: _state_of(state, lease) == "ended")
    agent.kill()
    agent.start()
    site.is_away = False
    ended = site.ended(lease)
    assert (ended["reason"], ended["exit_code"]) == ("finished", 7)
    assert site.log(lease) == "last words\n"


def test_a_job_that_asks_for_it_stops_when_the_lease_runs_out(
    site: FakeSite, agent: AgentProcess, state: Path
) -> None:
    keep = site.payload("sleep 5; echo kept", expires_in=2.0)
    stop = site.payload(
        "sleep 60",
        expires_in=2.0,
        specification={"on_disconnect": "stop"},
        devices=[{"index": 1, "kind": "host", "model": "t"}],
    )
    leases = site.offer(keep), site.offer(stop)
    for lease in leases:
        site.wait_for(lease, "running")
    site.is_away = True
    site.notify()
    assert within(20, lambda: _state_of(state, leases[1]) == "ended")
    site.is_away = False
    assert site.ended(leases[1])["reason"] == "stopped"
    assert site.ended(leases[0])["reason"] == "finished"


# --- leases that must not run ------------------------------------------------------------
def _accepts_an_honest_one_after(site: FakeSite) -> None:
    assert site.ended(site.offer(site.payload("true")))["reason"] == "finished"


def test_another_signature_is_ignored(site: FakeSite, agent: AgentProcess, state: Path) -> None:
    payload = site.payload("touch /work/x")
    site.offer_raw(site.sign(payload, Ed25519PrivateKey.generate()))
    signed = site.sign(payload)
    site.offer_raw({**signed, "payload": signed["payload"].replace("touch", "ls -l")})
    site.offer_raw({**signed, "signature": "AAAA"})
    _accepts_an_honest_one_after(site)
    assert agent.said.count("does not carry the site's signature") == 3
    assert not (state / "leases" / payload["lease"]).exists()


def test_another_nodes_lease_is_ignored(site: FakeSite, agent: AgentProcess) -> None:
    site.offer_raw(site.sign(site.payload(node="0190d3c4-0000-7000-8000-000000000000")))
    _accepts_an_honest_one_after(site)
    assert "for another node" in agent.said


@pytest.mark.parametrize("fence", [6, 7])
def test_an_old_fence_is_ignored(site: FakeSite, agent: AgentProcess, fence: int) -> None:
    reference = "run-1"
    site.ended(site.offer(site.payload("true", reference=reference, fence=7)))
    agent.kill()  # what was seen outlives the agent
    agent.start()
    site.offer_raw(site.sign(site.payload("echo replayed", reference=reference, fence=fence)))
    _accepts_an_honest_one_after(site)
    assert "not above all seen" in agent.said
    assert site.ended(site.offer(site.payload("true", reference=reference, fence=8)))["reason"] == "finished"


def test_a_repeated_lease_runs_once(site: FakeSite, agent: AgentProcess) -> None:
    payload = site.payload("echo once")
    lease = site.offer(payload)
    site.ended(lease)
    site.offer_raw(site.sign(payload))
    _accepts_an_honest_one_after(site)
    assert site.log(lease) == "once\n"
    assert [verb for verb, _ in site.leases[lease]["reports"]].count("started") == 1


def test_a_higher_fence_replaces_the_job(site: FakeSite, agent: AgentProcess) -> None:
    old = site.offer(site.payload("sleep 60", reference="run-2", fence=3))
    site.wait_for(old, "running")
    new = site.offer(site.payload("echo new", reference="run-2", fence=4))
    assert site.ended(new)["reason"] == "finished"
    assert site.leases[old]["reports"][-1][0] == "started"


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"specification_digest": "0" * 64}, "digest"),
        ({"specification": {"network": "internet"}}, "network"),
        ({"specification": {"runner": "slurm"}}, "runner"),
        ({"specification": {"environment": {"A=B": "c"}}}, "variable"),
        ({"devices": [{"index": 63, "kind": "gpu", "model": "H100"}]}, "no gpu 63"),
    ],
)
def test_a_job_this_agent_cannot_run_is_refused(
    site: FakeSite, agent: AgentProcess, changes: dict[str, object], note: str
) -> None:
    ended = site.ended(site.offer(site.payload("true", **changes)))
    assert ended["reason"] == "refused"
    assert note in ended["note"]


@pytest.mark.parametrize(
    ("rules", "note"),
    [
        ("paused = true", "paused"),
        ("max_memory_bytes = 1000", "memory"),
        ("max_slot_hours = 0.1", "hours at a time"),
        ("networks = []", "network"),
        ("[hours]", "hours"),
        ("pausd = true", "unknown rule"),
    ],
)
def test_the_owner_has_the_last_word(
    site: FakeSite, agent: AgentProcess, state: Path, rules: str, note: str
) -> None:
    assert within(20, lambda: "Serving" in agent.said)
    (state / "policy.toml").write_text(rules)
    ended = site.ended(site.offer(site.payload("echo never")))
    assert ended["reason"] == "refused"
    assert note in ended["note"]


def test_the_owner_can_pause_between_staging_and_start(
    site: FakeSite, agent: AgentProcess, state: Path
) -> None:
    lease = site.offer(site.payload("echo never", starts_in=7.0))
    site.wait_for(lease, "staged")
    (state / "policy.toml").write_text("paused = true")
    ended = site.ended(lease)
    assert (ended["reason"], site.log(lease)) == ("refused", "")


def test_a_refused_agent_keeps_its_reports(site: FakeSite, agent: AgentProcess, state: Path) -> None:
    lease = site.offer(site.payload("sleep 1"))
    site.wait_for(lease, "running")
    pinned, site.agent_key = site.agent_key, Ed25519PrivateKey.generate().public_key()
    assert within(20, lambda: _state_of(state, lease) == "ended")
    agent.kill()
    site.agent_key = pinned
    agent.start()
    assert site.ended(lease)["reason"] == "finished"
