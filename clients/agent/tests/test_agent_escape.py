"""Jobs that try to get out, the same ones under bubblewrap and in a container: each attempt fails."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import containers
import pytest
from agent_process import AgentProcess, within
from equinode_agent import cli, identity
from fake_site import GOOD_TOKEN, MIB, FakeSite
from image_registry import Registry

RULES = """
networks = ["none", "internet", "list"]
images = ["127.0.0.1:*"]
network_list = ["127.0.0.1:{port}", "localhost:{port}", "169.254.169.254"]
"""
pytestmark = pytest.mark.usefixtures("scratch")


class Listener:
    """Something of the owner's that jobs must not reach: counts who comes."""

    def __init__(self) -> None:
        self.visits = 0
        self._socket = socket.create_server(("0.0.0.0", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                visitor, _address = self._socket.accept()
                self.visits += 1
                visitor.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
                visitor.close()

    def close(self) -> None:
        self._socket.close()


@dataclass
class World:
    """One agent for all attempts: they come one after the other."""

    site: FakeSite
    agent: AgentProcess
    state: Path
    listener: Listener
    runner: str
    image: str | None

    def offer(self, script: str, **changes: Any) -> str:
        job = {"runner": self.runner, "image": self.image} | changes.pop("specification", {})
        return self.site.offer(self.site.payload(script, specification=job, **changes))

    def run(self, script: str, **changes: Any) -> tuple[dict[str, Any], str]:
        """How it ended and what it printed, less what the agent says before it."""
        lease = self.offer(script, **changes)
        ended = self.site.ended(lease, 60)
        lines = self.site.log(lease).splitlines(keepends=True)
        return ended, "".join(line for line in lines if not line.startswith("[equinode]"))


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry | None]:
    if containers.why_none():
        yield None
    else:
        with containers.registry() as found:
            yield found


@pytest.fixture(scope="module", params=["bubblewrap", "podman"])
def world(
    request: pytest.FixtureRequest, registry: Registry | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    if request.param == "podman" and registry is None:
        pytest.skip(containers.why_none())
    site, listener = FakeSite(), Listener()
    state = tmp_path_factory.mktemp("escape") / "state"
    assert cli.main(["enrol", "--site", site.url, "--token", GOOD_TOKEN, "--state", str(state)]) == 0
    (state / "policy.toml").write_text(RULES.format(port=listener.port))
    agent = AgentProcess(state)
    agent.wait_until_it_serves()
    image = registry.image if request.param == "podman" and registry is not None else None
    yield World(site, agent, state, listener, request.param, image)
    agent.stop()
    site.close()
    listener.close()
    shutil.rmtree(identity.scratch_folder(state), ignore_errors=True)
    print(agent.said)


def _on_the_machine(marker: str) -> list[int]:
    """Processes with this in their command line, wherever they hang."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with contextlib.suppress(OSError):
                if marker.encode() in (process / "cmdline").read_bytes():
                    found.append(int(process.name))
    return found


def test_the_agents_key_is_not_to_be_found(world: World) -> None:
    key = (world.state / "agent.key").read_text().splitlines()[1]
    script = f"""
        cat {world.state}/agent.key; cat /proc/*/root{world.state}/agent.key; cat /proc/*/environ
        ls -l /proc/[0-9]*/fd; ls -R /work /tmp; cd {world.state} || echo nowhere
    """
    ended, log = world.run(script)
    assert ended["exit_code"] == 0
    assert key not in log
    assert "agent.json" not in log
    assert "nowhere\n" in log


def test_another_jobs_files_are_not_to_be_found(world: World) -> None:
    beside = world.offer(
        "for d in /work /tmp /dev/shm; do echo my-own-results > $d/mine; done; touch is-there; sleep 600",
        devices=[{"index": 1, "kind": "host", "model": "t"}],
    )
    world.site.wait_for(beside, "running", 60)
    theirs = identity.scratch_folder(world.state) / beside / "work" / "is-there"
    assert within(60, theirs.exists)
    _ended, log = world.run(
        f"cat {theirs.parent}/mine /var/tmp/*/*/work/mine /proc/*/root/work/mine /proc/*/cwd/mine"
        " /dev/shm/mine /tmp/mine ../*/work/mine; kill -9 -1 2>/dev/null; echo mine alone"
    )
    world.site.stop(beside)
    assert "my-own-results" not in log
    assert world.site.ended(beside, 60)["reason"] == "stopped"


def test_the_hosts_etc_is_not_to_be_read(world: World) -> None:
    _ended, log = world.run(
        "cat /etc/shadow /etc/passwd /etc/hosts /etc/resolv.conf /etc/machine-id /proc/1/root/etc/shadow"
        "; ls /root /home /etc/ssh; cat /proc/sys/kernel/hostname; echo x > /etc/x"
        "; echo x > /proc/sys/kernel/hostname"
    )
    for line in Path("/etc/passwd").read_text().splitlines():
        assert line not in log
    if Path("/etc/machine-id").exists() and (machine := Path("/etc/machine-id").read_text().strip()):
        assert machine not in log
    assert "node\n" in log
    assert socket.gethostname() not in log.split()
    assert not Path("/etc/x").exists()


def _own_addresses() -> list[str]:
    """Spellings of this machine."""
    own = ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433", "0x7f000001"]
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("198.51.100.1", 9))
        own.append(probe.getsockname()[0])
    return own


def _asking(runner: str, port: int, asked: list[str]) -> str:
    """Asks the relay for each, and the machine itself. Python speaks where it is, else busybox's nc."""
    if runner == "bubblewrap":
        talk = "import socket, sys\ns = socket.create_connection((sys.argv[1], int(sys.argv[2])), 60)\n"
        talk += "s.sendall(sys.stdin.buffer.read())\nprint(s.makefile().readline().strip())"
        script = f"talk() {{ python3 -c '{talk}' $1 $2; }}\n"
    else:
        script = "talk() { nc $1 $2 | head -n 1 | tr -d '\\r'; }\n"
    script += "ask() { printf 'CONNECT %s HTTP/1.1\\r\\n\\r\\n' $1 | talk 127.0.0.1 3128; }\n"
    script += "".join(f"echo {one} $(ask {one})\n" for one in asked)
    return f"{script}printf x | talk 127.0.0.1 {port}; echo done"


@pytest.mark.parametrize("network", ["internet", "list"])
def test_the_private_network_is_not_to_be_reached(world: World, network: str) -> None:
    """Neither from inside, where there is no way at all, nor by asking the way that there is."""
    metadata = ["169.254.169.254", "[fd00:ec2::254]", "168.63.129.16", "100.100.100.200", "metadata"]
    private = ["10.0.0.1", "172.16.0.1", "192.168.0.1", "[fd12:3456::1]", "[fe80::1]"]
    asked = [f"{host}:{world.listener.port}" for host in _own_addresses()]
    asked += [f"{host}:80" for host in metadata] + [f"{host}:443" for host in private]
    script = _asking(world.runner, world.listener.port, asked)
    _ended, log = world.run(script, specification={"network": network})
    answers = dict(line.split(" ", 1) for line in log.splitlines() if " HTTP/1.1 " in line)
    assert sorted(answers) == sorted(asked), log
    # Refused; or, where only the name "metadata" is asked for, it has no address.
    others = {one for one, answer in answers.items() if not answer.startswith("HTTP/1.1 403 ")}
    assert others <= {"metadata:80"}, answers
    assert "secret" not in log
    assert log.endswith("done\n")
    assert world.listener.visits == 0


def test_without_a_network_there_is_not_even_a_way_to_ask(world: World) -> None:
    _ended, log = world.run(
        "env | grep -i proxy; grep -c : /proc/net/dev; grep -c . /proc/net/route /proc/net/tcp"
    )
    assert "proxy" not in log.lower()
    # The loopback and nothing else; no route but the heading, no socket but the heading.
    assert log.split() == ["1", "/proc/net/route:1", "/proc/net/tcp:1"]


def test_nothing_survives_the_deadline(world: World) -> None:
    stubborn = (
        "trap '' TERM HUP INT QUIT; "
        "for i in 1 2 3; do (trap '' TERM HUP; "
        "setsid sh -c 'trap \"\" TERM HUP; while :; do sleep 7654321; done') & done; "
        "while :; do sleep 1; done"
    )
    lease = world.offer(stubborn)
    world.site.wait_for(lease, "running", 60)
    assert within(60, lambda: len(_on_the_machine("sleep\x007654321")) == 3)
    world.site.leases[lease]["ends"] = 0.0  # the heartbeats' answers say that the slot is over
    assert world.site.ended(lease, 60)["reason"] == "slot_end"
    assert _on_the_machine("sleep\x007654321") == []


def test_a_planted_file_and_a_planted_process_are_gone(world: World) -> None:
    plant = (
        "for d in /work /tmp /dev/shm; do echo planted > $d/seed; done; "
        "setsid sleep 8765432 </dev/null >/dev/null 2>&1 & ls /work /tmp /dev/shm; exit 0"
    )
    ended, log = world.run(plant)
    assert (ended["exit_code"], log.count("seed")) == (0, 3)
    _ended, log = world.run(
        "cat /work/seed /tmp/seed /dev/shm/seed 2>/dev/null"
        "; cat /proc/*/cmdline | tr '\\0' ' ' | grep -c '876543[2]'"
        "; ls -A /work /tmp /dev/shm | grep -c seed; echo looked"
    )
    assert log == "0\n0\nlooked\n"
    assert _on_the_machine("sleep\x008765432") == []
    left = [path for path in identity.scratch_folder(world.state).rglob("*") if path.name == "seed"]
    assert left == []


def test_more_memory_than_held_ends_the_job(world: World) -> None:
    ended, _log = world.run(
        "head -c 400000000 /dev/zero | tail -c 399999999 | wc -c; sleep 600",
        limits={"memory_bytes": 96 * MIB, "disk_bytes": 1024 * MIB},
    )
    assert ended["reason"] == "memory"


def test_no_more_processors_than_held_are_given(world: World) -> None:
    """As the kernel was told: what a job gets of them on a busy machine says nothing."""
    lease = world.offer("sleep 5432198", limits={"cpus": 0.5})
    world.site.wait_for(lease, "running", 60)
    assert within(60, lambda: _on_the_machine("sleep\x005432198") != [])
    share = _share_of_processors(_on_the_machine("sleep\x005432198")[0])
    world.site.stop(lease)
    world.site.ended(lease, 60)
    if share is None:
        pytest.skip("no control group here shares out processors: nothing was limited")
    assert share == 0.5


def _share_of_processors(pid: int) -> float | None:
    """Of the group that a process is in; None where its kernel or this user has no such groups."""
    root = Path("/sys/fs/cgroup")
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _number, controllers, path = line.split(":", 2)
        folder = root / path.lstrip("/")
        if controllers == "" and (folder / "cpu.max").exists():
            quota, period = (folder / "cpu.max").read_text().split()
            return int(quota) / int(period)
        folder = root / controllers / path.lstrip("/")
        if "cpu" in controllers.split(",") and (folder / "cpu.cfs_quota_us").exists():
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
            return int(quota) / int(period)
    return None


def test_a_job_cannot_name_devices_that_it_does_not_hold(world: World) -> None:
    _ended, log = world.run(
        "echo $CUDA_VISIBLE_DEVICES; ls /dev/fuse"
        "; ls /dev | grep -e nvidia -e dri -e kvm -e mem -e sd -e vd -e loop; echo none",
        specification={"environment": {"CUDA_VISIBLE_DEVICES": "all", "NVIDIA_VISIBLE_DEVICES": "all"}},
    )
    assert [line for line in log.splitlines() if "No such" not in line] == ["all", "none"]


def test_privileges_are_not_to_be_had(world: World) -> None:
    _ended, log = world.run(
        "grep -e ^Cap -e ^NoNew -e ^Seccomp: /proc/self/status | tr -d '\\t'; mount -t tmpfs none /work"
        "; echo 1 > /proc/sys/vm/drop_caches; echo b > /proc/sysrq-trigger; chmod 4755 /bin/sh"
        "; kill -9 1; echo alive"
    )
    for name in ("Inh", "Prm", "Eff", "Bnd", "Amb"):
        assert f"Cap{name}:{'0' * 16}\n" in log
    assert "NoNewPrivs:1\n" in log
    assert "Seccomp:2\n" in log
    assert log.endswith("alive\n")


def test_values_of_variables_are_on_no_command_line_and_in_no_file_of_the_job(world: World) -> None:
    value = "s3cret-" + os.urandom(8).hex()
    lease = world.offer("echo up; sleep 600", specification={"environment": {"TOKEN": value}})
    world.site.wait_for(lease, "running", 60)
    assert within(60, lambda: "up" in world.site.log(lease))
    assert _on_the_machine(value) == []
    files = [path for path in identity.scratch_folder(world.state).rglob("*") if path.is_file()]
    assert [path for path in files if value.encode() in path.read_bytes()] == []
    world.site.stop(lease)
    world.site.ended(lease, 60)


def test_a_job_does_not_outlive_its_agent(world: World) -> None:
    """The last one: it kills the agent that all of these share, and starts it again."""
    lease = world.offer("setsid sleep 9876543 & sleep 9876543")
    world.site.wait_for(lease, "running", 60)
    assert within(60, lambda: len(_on_the_machine("sleep\x009876543")) >= 2)
    world.agent.process.send_signal(signal.SIGKILL)
    world.agent.process.wait(30)
    assert within(60, lambda: _on_the_machine("sleep\x009876543") == [])
    world.agent.start()
    assert world.site.ended(lease, 60)["reason"] == "lost"
    assert within(60, lambda: not (identity.scratch_folder(world.state) / lease).exists())
