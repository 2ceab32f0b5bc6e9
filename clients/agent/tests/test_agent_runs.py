"""Leases from their offer to their end, against a site that follows the protocol."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import time
from pathlib import Path

from agent_process import AgentProcess, within
from equinode_agent import identity
from fake_site import MIB, FakeSite

# Of a slot: time to begin in on a busy machine, then to be asked, killed and looked at before its end.
LAST_SECONDS = {"ends_in": 10.0, "terminate_before_end": 5.0, "kill_before_end": 3.0}


def test_a_job_runs_and_is_told_from_start_to_end(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("echo hello; echo there >&2; exit 3"))
    ended = site.ended(lease)
    assert (ended["reason"], ended["exit_code"]) == ("finished", 3)
    assert site.log(lease) == "hello\nthere\n"
    assert [verb for verb, _ in site.leases[lease]["reports"]] == ["staged", "started", "ended"]
    assert site.refusals == []


def test_it_starts_at_the_moment(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("echo now", starts_in=6.0))
    site.ended(lease)
    entry = site.leases[lease]
    # All is ready before, and it begins no sooner. How many milliseconds later it does is measured
    # (measure_start.py) and not tested: tests run on busy machines.
    assert entry["staged_at"] < entry["moment"]
    assert dict(entry["reports"])["started"]["start_delay_ms"] >= 0
    assert entry["started_at"] > entry["moment"] - 0.01


def test_what_it_prints_arrives_while_it_runs(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("echo first; sleep 30"))
    site.wait_for(lease, "running")
    assert within(20, lambda: site.log(lease) == "first\n")
    site.stop(lease)
    assert site.ended(lease)["reason"] == "stopped"


def test_files_come_back_by_pattern(site: FakeSite, agent: AgentProcess) -> None:
    script = """
        mkdir -p out/deep "a b"; echo one > out/x.csv; echo two > out/deep/y.csv; echo no > out/z.txt
        echo three > "a b/été (1).csv"; ln -s /etc/passwd out/link.csv; ln -s / out/root; mkfifo out/pipe.csv
        head -c 5000000 /dev/zero > out/large.csv
    """
    specification = {"bring_back": ["out/**/*.csv", "a b/", "nothing.*"]}
    limits = {"file_bytes": MIB}
    lease = site.offer(site.payload(script, specification=specification, limits=limits))
    ended = site.ended(lease)
    files = site.leases[lease]["files"]
    assert {name: content.decode() for name, content in files.items()} == {
        "out/x.csv": "one\n",
        "out/deep/y.csv": "two\n",
        "a%20b/%C3%A9t%C3%A9%20(1).csv": "three\n",
    }
    assert ended["note"] == "Not brought back: out/large.csv."
    assert ended["notes"] == [
        {"code": "not_brought_back", "text": ended["note"], "values": {"files": "out/large.csv"}}
    ]


def test_files_that_cannot_be_kept_do_not_make_the_job_lost(
    site: FakeSite, agent: AgentProcess, state: Path
) -> None:
    """What is lost is refunded: else whoever fills the node's disk would compute for nothing."""
    script = "echo one > out.csv; sleep 2; exit 3"
    lease = site.offer(site.payload(script, specification={"bring_back": ["*.csv"]}))
    site.wait_for(lease, "running")
    (state / "leases" / lease / "files").write_text("in the way")
    ended = site.ended(lease)
    assert (ended["reason"], ended["exit_code"]) == ("finished", 3)
    assert "could not be brought back" in ended["note"]


def test_a_stop_before_the_moment_ends_the_lease_unstarted(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("echo never", starts_in=60.0))
    site.wait_for(lease, "staged")
    site.stop(lease)
    ended = site.ended(lease)
    assert (ended["reason"], ended["exit_code"]) == ("stopped", None)
    assert site.log(lease) == ""


# Replaces its newest child as fast as it can until it is asked to stop; then it waits for all it has.
# The idle ones make the list of its processes long to read. Python drops what a child is told before it
# has come out of its fork, so who was told is read from a pipe that the C handler itself writes to.
BREEDER = """exec /usr/bin/python3 -c '
import os, select, signal, time
for _ in range(150):
    if os.fork() == 0: time.sleep(1000)
newest = 0
told, telling = os.pipe()
os.set_blocking(telling, False)
signal.set_wakeup_fd(telling)
signal.signal(signal.SIGTERM, lambda *_: None)
def asked(): return select.select([told], [], [], 0)[0]
print("ready")
while not asked():
    born = os.fork()
    if born == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if not asked(): time.sleep(1000)
        os._exit(0)
    if newest and not asked():
        os.kill(newest, 9)
        os.waitpid(newest, 0)
    newest = born
try:
    while os.wait(): pass
except ChildProcessError: print("all gone")
'"""


def test_a_stop_reaches_a_process_that_is_just_being_started(site: FakeSite, agent: AgentProcess) -> None:
    # On a device of its own, hence as a user of its own: see the fork bomb in test_agent_sandbox.py.
    device = {"index": 6, "kind": "host", "model": "test"}
    for _ in range(3):
        lease = site.offer(site.payload(BREEDER, limits={"processes": 200}, devices=[device]))
        while site.log(lease) != "ready\n":
            time.sleep(0.05)
        site.stop(lease)
        ended = site.ended(lease, 30)
        assert (ended["reason"], ended["exit_code"], ended["note"]) == ("stopped", 0, "")
        assert site.log(lease) == "ready\nall gone\n"


def test_what_a_job_starts_to_save_its_work_is_left_alone(site: FakeSite, agent: AgentProcess) -> None:
    script = "trap 'sleep 1; /bin/echo saved; exit 5' TERM; echo ready; while :; do sleep 0.1; done"
    lease = site.offer(site.payload(script))
    assert within(20, lambda: site.log(lease) == "ready\n")
    site.stop(lease)
    ended = site.ended(lease)
    assert (ended["reason"], ended["exit_code"], ended["note"]) == ("stopped", 5, "")
    assert site.log(lease).splitlines()[-1] == "saved"  # after what the shell says about its child


def test_a_job_that_had_stopped_itself_hears_that_it_is_to_end(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("trap 'echo heard; exit 0' TERM; echo ready; kill -STOP $$; sleep 1000"))
    while site.log(lease) != "ready\n":
        time.sleep(0.05)
    site.stop(lease)
    assert (site.ended(lease)["exit_code"], site.log(lease)) == (0, "ready\nheard\n")


def test_the_slot_ends_a_job_that_listens(site: FakeSite, agent: AgentProcess) -> None:
    script = "trap 'echo tidying; exit 0' TERM; while :; do sleep 0.1; done"
    lease = site.offer(site.payload(script, **LAST_SECONDS))
    ended = site.ended(lease)
    assert (ended["reason"], ended["exit_code"]) == ("slot_end", 0)  # 137, had it been killed
    assert site.log(lease).splitlines()[-1] == "tidying"
    assert site.leases[lease]["ended_at"] < site.leases[lease]["ends"]


def test_the_slot_ends_a_job_that_does_not(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("trap '' TERM; while :; do sleep 0.1; done", **LAST_SECONDS))
    ended = site.ended(lease)
    assert (ended["reason"], ended["exit_code"]) == ("slot_end", 137)
    assert ended["note"] == "It went on after SIGTERM and was killed."
    assert site.leases[lease]["ended_at"] < site.leases[lease]["ends"]


def test_a_job_has_no_more_time_than_it_asked_for(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("sleep 60", limits={"wall_seconds": 1}))
    assert site.ended(lease)["reason"] == "time"


def test_a_heartbeat_can_bring_the_end_nearer_and_never_push_it_away(
    site: FakeSite, agent: AgentProcess
) -> None:
    nearer = site.offer(site.payload("sleep 60"))
    site.wait_for(nearer, "running")
    site.leases[nearer]["ends"] = time.monotonic() + 4
    assert site.ended(nearer)["reason"] == "slot_end"
    away = site.offer(site.payload("sleep 60", **LAST_SECONDS))
    site.leases[away]["ends"] = time.monotonic() + 100
    assert site.ended(away)["reason"] == "slot_end"  # it had finished by itself, or would run on


def test_one_device_runs_one_job_at_a_time(site: FakeSite, agent: AgentProcess) -> None:
    first = site.offer(site.payload("trap '' TERM; sleep 2; while :; do sleep 0.1; done", ends_in=8.0))
    site.wait_for(first, "running")
    second = site.offer(site.payload("echo mine", starts_in=0.5))
    other = site.offer(site.payload("echo beside", devices=[{"index": 1, "kind": "host", "model": "test"}]))
    assert site.ended(other)["reason"] == "finished"
    assert site.leases[first]["state"] == "running"
    assert site.ended(second)["reason"] == "finished"
    site.ended(first)
    entry = site.leases[second]
    # Each is known to within what its report took to arrive; side by side it were six seconds sooner.
    assert entry["started_at"] > site.leases[first]["ended_at"] - 2.0
    assert dict(entry["reports"])["started"]["start_delay_ms"] > 500


def test_an_agent_that_starves_still_has_a_heartbeat(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("sleep 60"))
    site.wait_for(lease, "running")
    os.kill(agent.process.pid, signal.SIGSTOP)
    try:
        before = len(site.beats)
        with site.changed:
            assert site.changed.wait_for(lambda: len(site.beats) > before + 3, 10)
        assert site.beats[-1]["leases"] == [{"lease": lease, "fence": 1, "state": "running"}]
        assert site.beats[-1]["load"]["agent_silent_seconds"] > 0
    finally:
        os.kill(agent.process.pid, signal.SIGCONT)


def test_a_job_the_site_no_longer_knows_is_dropped(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("sleep 60"))
    site.wait_for(lease, "running")
    site.leases[lease]["known"] = False
    assert within(20, lambda: "holds it for over" in agent.said)
    # Its device is free at once, and nothing of it was reported.
    after = site.offer(site.payload("echo next"))
    assert site.ended(after)["reason"] == "finished"
    assert [verb for verb, _ in site.leases[lease]["reports"]] == ["staged", "started"]


def test_a_wrong_wall_clock_is_corrected_and_moves_no_deadline(site: FakeSite, agent: AgentProcess) -> None:
    site.skew = 7200.0
    lease = site.offer(site.payload("echo on time", starts_in=3.0))
    assert site.ended(lease)["reason"] == "finished"
    # Two hours off it had begun at once, or not as long as this test waits.
    assert site.leases[lease]["started_at"] > site.leases[lease]["moment"] - 0.01
    assert {code for code, _ in site.refusals} == {"clock_skew"}


def test_variables_reach_the_job_and_no_command_line(site: FakeSite, agent: AgentProcess) -> None:
    secret = hashlib.sha256(str(time.time()).encode()).hexdigest()
    script = 'echo "$TOKEN"; sleep 1'
    lease = site.offer(site.payload(script, specification={"environment": {"TOKEN": secret}}))
    site.wait_for(lease, "running")
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # others end meanwhile
            lines.append(path.read_bytes())
    assert lines != []
    assert not any(secret.encode() in line for line in lines)
    site.ended(lease)
    assert site.log(lease) == secret + "\n"


def test_scratch_is_gone_after_the_job(site: FakeSite, agent: AgentProcess, state: Path) -> None:
    script = "mkdir closed; echo x > closed/file; chmod 000 closed; i=0; while [ $i -lt 3000 ]; do"
    script += " mkdir d && cd d || break; i=$((i+1)); done; echo $i"
    lease = site.offer(site.payload(script, limits={"disk_bytes": 1 << 30}))
    site.ended(lease)
    assert list(identity.scratch_folder(state).iterdir()) == []
