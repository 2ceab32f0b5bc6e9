"""Leases from their offer to their end, against a site that follows the protocol."""

from __future__ import annotations

from agent_process import AgentProcess
from fake_site import FakeSite


def test_a_job_runs_and_is_told_from_start_to_end(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("echo hello; echo there >&2; exit 3"))
    ended = site.ended(lease)
    assert (ended["reason"], ended["exit_code"]) == ("finished", 3)
    assert site.log(lease) == "hello\nthere\n"
    assert [verb for verb, _ in site.leases[lease]["reports"]] == ["staged", "started", "ended"]
    assert site.refusals == []
