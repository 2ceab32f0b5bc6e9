"""What bin/run does with processes, ports and what it finds on starting."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bin.supervisor import place, service
from bin.supervisor.service import Service
from tests.live import eventually


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(place, "VAR_DIR", tmp_path)
    monkeypatch.setattr(place, "STATE", tmp_path / "run.json")
    monkeypatch.setattr(service, "LOG_DIR", tmp_path)
    return tmp_path


def test_a_taken_port_is_passed_over_and_a_port_asked_for_is_not() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert place.choose_port(None, last=port) != port
        with pytest.raises(SystemExit, match=f"Port {port} is taken"):
            place.choose_port(port, last=None)


def test_the_last_port_is_taken_again() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert place.choose_port(None, last=port) == port


def test_the_lock_is_free_again_when_its_holder_was_killed(own_folder: Path) -> None:
    holder = (
        "import sys, time\nfrom pathlib import Path\nfrom bin.supervisor import place\n"
        f"place.VAR_DIR = Path({str(own_folder)!r}); place.STATE = place.VAR_DIR / 'run.json'\n"
        "lock = place.take_lock(); print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", holder], stdout=subprocess.PIPE, cwd=place.BASE_DIR
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        assert place.take_lock() is None
        process.kill()
    lock = place.take_lock()
    assert lock is not None
    lock.close()


def test_a_state_file_that_was_cut_short_is_no_state(own_folder: Path) -> None:
    (own_folder / "run.json").write_text('{"pid": 1')
    assert place.last_state() == {}


def test_what_an_earlier_start_left_behind_is_ended_and_nothing_else(own_folder: Path) -> None:
    sleeper = [sys.executable, "-c", "import time; time.sleep(600)"]
    left = subprocess.Popen(sleeper, env=os.environ | {place.MARK: str(own_folder)})
    other = subprocess.Popen(sleeper, env=os.environ | {place.MARK: str(own_folder / "elsewhere")})
    try:
        eventually(lambda: left.pid in list(place.leftovers()), "the leftover can be seen")
        place.end_leftovers()
        assert left.wait(60) == -signal.SIGTERM
        assert other.poll() is None
    finally:
        for process in (left, other):
            process.kill()
            process.wait()


def test_a_program_that_ends_is_started_again_each_time_later() -> None:
    failing = Service("failing", [sys.executable, "-c", "raise SystemExit(3)"], dict(os.environ), pause=0.05)
    failing.start()
    pauses = [failing.pause]

    def is_started_three_times_more() -> bool:
        failing.keep_running()
        if failing.pause != pauses[-1]:
            pauses.append(failing.pause)
        return len(pauses) > 3

    eventually(is_started_three_times_more, "it is started again and again")
    assert pauses == [0.05, 0.1, 0.2, 0.4]
    failing.wait_or_kill(0.0)


def test_a_program_that_ignores_being_asked_is_killed_with_what_it_started(own_folder: Path) -> None:
    stubborn = Service(
        "stubborn", ["/bin/sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait; wait"], dict(os.environ)
    )
    stubborn.start()
    child = int(eventually(lambda: stubborn.log.read_text().strip(), "it tells its child"))
    stubborn.ask_to_stop()
    stubborn.wait_or_kill(time.monotonic() + 0.3)
    assert stubborn.process is not None
    assert stubborn.process.returncode == -signal.SIGKILL
    eventually(lambda: not _lives(child), "its child is gone too")


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
