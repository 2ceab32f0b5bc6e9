"""Jobs that do harm on purpose. Each runs for real, and the machine is asked afterwards."""

from __future__ import annotations

import contextlib
import errno
import platform
import time
from pathlib import Path

from agent_process import AgentProcess, within
from equinode_agent.sandbox import cgroups, processes, syscalls
from fake_site import MIB, FakeSite

PYTHON = "exec /usr/bin/python3 -c '{}'"


def _inside(agent: AgentProcess, marker: bytes) -> list[int]:
    """Processes below the agent, as the machine sees them, whose command line holds this."""
    found = []
    for pid in processes.descendants(agent.process.pid):
        with contextlib.suppress(OSError):
            if marker in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def _counts_processes() -> bool:
    group = cgroups.make("test", "probe", memory_bytes=64 * MIB, processes=8)
    return group is not None and group.remove()


def test_a_fork_bomb_stays_small_and_dies(site: FakeSite, agent: AgentProcess) -> None:
    bomb = "import os, time\nwhile True:\n  try: os.fork()\n  except OSError: time.sleep(1)"
    limits = {"processes": 40, "wall_seconds": 5}
    # On a device of its own, hence as a user of its own (plan.JOB_UID): the kernel counts a user's
    # processes on the whole machine, and another worker's jobs beside this one must not run short.
    device = {"index": 7, "kind": "host", "model": "test"}
    lease = site.offer(site.payload(PYTHON.format(bomb), limits=limits, devices=[device]))
    site.wait_for(lease, "running")
    assert within(5, lambda: len(_inside(agent, b"os.fork()")) > 10)
    time.sleep(1)
    bombs = _inside(agent, b"os.fork()")
    assert 10 < len(bombs) <= 40
    ended = site.ended(lease)
    assert ended["reason"] == "time"
    assert within(20, lambda: not any(Path(f"/proc/{pid}").exists() for pid in bombs))
    if _counts_processes():  # without control groups the kernel refuses and tells nobody
        assert ended["note"] == "It wanted more than the 40 processes it may have."


def test_filling_the_disk_ends_the_job(site: FakeSite, agent: AgentProcess) -> None:
    script = "i=0; while :; do head -c 4000000 /dev/zero > f$i; i=$((i+1)); sleep 0.05; done"
    lease = site.offer(site.payload(script, limits={"disk_bytes": 32 * MIB}))
    assert site.ended(lease)["reason"] == "disk"


def test_a_deleted_file_still_counts(site: FakeSite, agent: AgentProcess) -> None:
    hide = (
        "import os, time\nkept = []\nwhile True:\n"
        '  f = open("/tmp/x", "wb"); os.unlink("/tmp/x"); f.write(bytes(4000000)); f.flush()\n'
        "  kept.append(f); time.sleep(0.05)"
    )
    lease = site.offer(site.payload(PYTHON.format(hide), limits={"disk_bytes": 32 * MIB}))
    assert site.ended(lease)["reason"] == "disk"


def test_a_million_empty_files_count_too(site: FakeSite, agent: AgentProcess) -> None:
    many = 'i = 0\nwhile True:\n  open("/work/%d" % i, "w").close(); i += 1'
    lease = site.offer(site.payload(PYTHON.format(many), limits={"disk_bytes": 8 * MIB}))
    assert site.ended(lease)["reason"] == "disk"


def test_one_file_cannot_pass_the_limit(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(
        site.payload("head -c 64000000 /dev/zero > one; ls -l one", limits={"disk_bytes": 16 * MIB})
    )
    ended = site.ended(lease)
    assert ended["reason"] in ("disk", "finished")
    assert ended["reason"] == "disk" or str(16 * MIB) in site.log(lease)


def test_taking_too_much_memory_ends_the_job(site: FakeSite, agent: AgentProcess) -> None:
    hog = "kept = []\nwhile True: kept.append(bytearray(8000000))"
    lease = site.offer(site.payload(PYTHON.format(hog), limits={"memory_bytes": 128 * MIB}))
    ended = site.ended(lease)
    assert ended["reason"] == "memory"
    assert 64 * MIB < ended["peak_memory_bytes"] < 400 * MIB


def test_shared_memory_is_memory(site: FakeSite, agent: AgentProcess) -> None:
    script = "head -c 200000000 /dev/zero > /dev/shm/x; echo $?"
    lease = site.offer(site.payload(script, limits={"memory_bytes": 128 * MIB}))
    site.ended(lease)
    assert site.log(lease).splitlines()[-1] != "0"


def test_a_hundred_megabytes_of_output_do_not_block_or_arrive(site: FakeSite, agent: AgentProcess) -> None:
    script = "head -c 100000000 /dev/zero | tr '\\0' 'x'; echo done > /work/done"
    limits = {"log_bytes": 100_000}
    lease = site.offer(site.payload(script, limits=limits, specification={"bring_back": ["done"]}))
    ended = site.ended(lease, 40)
    assert (ended["log_bytes"], ended["log_truncated"]) == (100_000_000, True)
    assert len(site.log(lease)) == 100_000
    assert list(site.leases[lease]["files"]) == ["done"]


def test_bytes_that_are_no_text_are_told_as_such(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload(r"printf 'a\000b\377c\303\251'"))
    site.ended(lease)
    assert site.log(lease) == "a\ufffdb\ufffdc\u00e9"


def test_an_orphan_dies_with_its_job(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("setsid sleep 98765 >/dev/null 2>&1 & sleep 5; exit 0"))
    site.wait_for(lease, "running")
    assert within(5, lambda: _inside(agent, b"sleep\x0098765") != [])
    orphans = _inside(agent, b"sleep\x0098765")
    assert site.ended(lease)["reason"] == "finished"
    assert within(20, lambda: not any(Path(f"/proc/{pid}").exists() for pid in orphans))


def test_a_job_that_closes_its_output_is_still_watched(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("exec >/dev/null 2>&1; sleep 1; exit 4"))
    ended = site.ended(lease)
    assert (ended["reason"], ended["exit_code"]) == ("finished", 4)


def test_what_a_job_cannot_see(site: FakeSite, agent: AgentProcess, state: Path) -> None:
    beside = site.offer(
        site.payload(
            "echo secret > /work/mine; sleep 30", devices=[{"index": 1, "kind": "host", "model": "t"}]
        )
    )
    site.wait_for(beside, "running")
    script = f"""
        cat {state}/agent.key; ls {state} {state.parent}; cat /etc/shadow; ls /root /home /var /sys /run
        cat /var/tmp/*/*/work/mine; ls /var/tmp; cat /proc/1/environ; cat /proc/*/root/etc/shadow
        echo "users: $(cut -d: -f1 /etc/passwd)"; id; hostname
        grep -c . /proc/net/dev; grep -v -e lo: -e Inter -e face /proc/net/dev
        touch /usr/x /etc/x /x /dev/x; mount -t tmpfs none /mnt; unshare -U true
        kill -9 1; ls /proc | grep '^[0-9]*$' | wc -l
    """
    lease = site.offer(site.payload(script))
    site.ended(lease)
    site.stop(beside)
    log = site.log(lease)
    assert "PRIVATE" not in log
    assert "root:" not in log
    assert "secret" not in log
    assert "users: job\n" in log
    assert "uid=1000(job) gid=1000(job) groups=1000(job)" in log
    for folder in ("/root", "/home", "/var", "/sys", "/run", str(state)):
        assert f"cannot access '{folder}'" in log
    for file in ("/usr/x", "/etc/x", "/x", "/dev/x"):
        assert f"cannot touch '{file}'" in log
    assert "unshare failed" in log
    # Two lines of head and the loopback; no other interface.
    assert "\n3\n" in log
    assert "eth" not in log
    # The sandbox's first process, the shell and the pipe's own.
    assert int(log.split()[-1]) < 8


def test_there_is_no_network(site: FakeSite, agent: AgentProcess) -> None:
    port = site.url.rpartition(":")[2]
    connect = (
        f'import socket\ntry: socket.create_connection(("127.0.0.1", {port}), 2)\n'
        'except OSError as exc: print("refused", exc.errno)\n'
        'try: socket.create_connection(("1.1.1.1", 80), 2)\nexcept OSError as exc: print("away", exc.errno)'
    )
    lease = site.offer(site.payload(PYTHON.format(connect)))
    site.ended(lease)
    assert site.log(lease) == "refused 111\naway 101\n"


def test_no_descriptor_of_the_agent_is_open_inside(site: FakeSite, agent: AgentProcess) -> None:
    lease = site.offer(site.payload("ls /proc/self/fd | tr '\\n' ' '"))
    site.ended(lease)
    assert site.log(lease) == "0 1 2 3 "


def test_calls_that_computing_does_not_need_are_not_there(site: FakeSite, agent: AgentProcess) -> None:
    numbers = [*syscalls.MACHINES[platform.machine()].numbers, syscalls.X32 + 39]
    ask = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"for number in {numbers}:\n  print(libc.syscall(number, 0, 0, 0, 0, 0), ctypes.get_errno())\n"
        "print(libc.getppid())"
    )
    lease = site.offer(site.payload(PYTHON.format(ask)))
    site.ended(lease)
    *refused, allowed = site.log(lease).splitlines()
    assert refused == [f"-1 {errno.ENOSYS}"] * len(numbers)
    assert int(allowed) >= 1
