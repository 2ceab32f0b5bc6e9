"""Jobs: submitted, followed to their end, their exit code ours; and a log that cannot steer a terminal."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Equinode
from equinode_cli.terminal import neutralise, table, width
from fake_site import RUN, TOKEN, UID, Answer, FakeSite


def test_a_script_is_submitted(ada: Equinode, site: FakeSite, tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text("echo hé\n")
    done = ada("submit", UID, "job.sh", "--env", "A=1", "--bring-back", "*.csv", "--node", "cheap")
    assert done.code == 0
    assert RUN in done.out
    (sent,) = site.asked(f"reservations/{UID}/runs", "POST")
    assert sent.body == {
        "script": "echo hé\n", "environment": {"A": "1"}, "bring_back": ["*.csv"], "node": "cheap",
    }  # fmt: skip


def test_what_is_to_become_of_it_after_a_failure_is_sent_where_it_is_said(
    ada: Equinode, site: FakeSite
) -> None:
    more = ("--retry", "from_checkpoint", "--checkpoint", "state/*", "--on-disconnect", "stop")
    assert ada("submit", UID, "--command", "true", *more).code == 0
    (sent,) = site.asked(f"reservations/{UID}/runs", "POST")
    assert {name: sent.body[name] for name in ("retry", "checkpoint", "on_disconnect")} == {
        "retry": "from_checkpoint", "checkpoint": ["state/*"], "on_disconnect": "stop",
    }  # fmt: skip
    assert ada("submit", UID, "--command", "true", "--retry", "twice").code == 2


def test_what_it_is_to_run_in_is_sent_where_it_is_said(ada: Equinode, site: FakeSite) -> None:
    image = "docker.io/library/python@sha256:" + "ab" * 32
    more = ("--runner", "podman", "--image", image, "--network", "list")
    assert ada("submit", UID, "--command", "true", *more).code == 0
    (sent,) = site.asked(f"reservations/{UID}/runs", "POST")
    assert {name: sent.body[name] for name in ("runner", "image", "network")} == {
        "runner": "podman", "image": image, "network": "list",
    }  # fmt: skip
    assert ada("submit", UID, "--command", "true", "--network", "all").code == 2


@pytest.mark.parametrize(("exit_code", "ours"), [(0, 0), (3, 3), (255, 255), (-9, 137), (None, 6)])
def test_waiting_ends_as_the_job_did(
    ada: Equinode, site: FakeSite, pauses: list[float], exit_code: int | None, ours: int
) -> None:
    site.exit_code = exit_code
    done = ada("submit", UID, "--command", "true", "--wait")
    assert done.code == ours
    assert done.out == "".join(site.log)
    assert ("The job ended by itself." in done.err) == (exit_code != 0)


def test_waiting_as_json_gives_the_run_alone(ada: Equinode, site: FakeSite, pauses: list[float]) -> None:
    site.exit_code = 4
    done = ada("submit", UID, "--command", "true", "--wait", "--json")
    assert (done.code, done.answer["uid"], done.answer["exit_code"]) == (4, RUN, 4)


def test_following_outlives_a_site_that_is_away(ada: Equinode, site: FakeSite, pauses: list[float]) -> None:
    site.drops.append((f"runs/{RUN}/log", "before"))
    for _ in range(9):
        site.refuse(f"runs/{RUN}/log", 503, "away", {"Retry-After": "30"})
    done = ada("logs", RUN, "--follow")
    assert (done.code, done.out) == (0, "".join(site.log))
    assert sum(pauses) > 240


def test_files_are_fetched_at_the_end(
    ada: Equinode, site: FakeSite, pauses: list[float], tmp_path: Path
) -> None:
    assert ada("submit", UID, "--command", "true", "--wait", "--download", "results").code == 0
    assert (tmp_path / "results" / "out" / "result.csv").read_bytes() == site.files["out/result.csv"]
    assert ada("submit", UID, "--command", "true", "--download", "results").code == 2


def test_a_log_is_read_to_where_it_is_or_to_its_end(
    ada: Equinode, site: FakeSite, pauses: list[float]
) -> None:
    assert ada("logs", RUN).out == "".join(site.log)
    lines = ada("logs", RUN, "--follow", "--json").out.splitlines()
    assert lines[:2] == ['{"state": "running"}', '{"text": "step 1\\n"}']
    assert lines[2] == '{"state": "ended"}'
    assert not any("\x1b" in line for line in lines)


def test_a_slot_means_its_newest_run(ada: Equinode, site: FakeSite) -> None:
    assert ada("stop", UID).code == 0
    assert site.asked(f"runs/{RUN}/stop", "POST")
    site.refuse(f"runs/{UID}", 404, "not_found")
    site.script.append((f"reservations/{UID}/runs", Answer(200, {"items": [], "next": None})))
    assert ada("logs", UID).code == 4


@pytest.mark.parametrize(
    "arguments",
    [[], ["none.sh"], ["job.sh", "--command", "true"], ["--command", "true", "--env", "=1", "--x"]],
)
def test_it_must_be_said_what_to_run(ada: Equinode, site: FakeSite, arguments: list[str]) -> None:
    assert ada("submit", UID, *arguments).code == 2
    assert site.requests == []


def test_a_script_that_is_no_text_is_refused_here(ada: Equinode, site: FakeSite, tmp_path: Path) -> None:
    (tmp_path / "job").write_bytes(b"\x7fELF\xff")
    assert ada("submit", UID, "job").code == 2
    assert site.requests == []


# --- on a terminal ------------------------------------------------------------------------------
def test_on_a_terminal_a_log_has_no_control_sequences(site: FakeSite, tmp_path: Path) -> None:
    site.log = ["\x1b]0;title\x07\x1b[2J", "plain \x1b[31mred\x1b[0m\x07 \u202etxt\n"]
    control, terminal = pty.openpty()
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8",
        "EQUINODE_SITE": site.url, "EQUINODE_TOKEN": TOKEN,
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "equinode_cli", "logs", RUN], stdin=subprocess.DEVNULL, stdout=terminal,
        stderr=subprocess.PIPE, env=environment, cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    os.close(terminal)
    said = ""
    while select.select([control], [], [], 30)[0]:
        try:
            said += os.read(control, 4096).decode()
        except OSError:  # the other end is closed
            break
    os.close(control)
    assert process.communicate(timeout=30)[1] == b""
    assert said == "plain red txt\r\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\x1b[2Jb", "ab"), ("\x1b]8;;http://x\x07link", "link"), ("a\r\nb\rc", "a\nb\nc"), ("\x9b31mx", "x"),
     ("tab\tstays", "tab\tstays"), ("bell\x07", "bell"), ("\u2067right", "right"), ("\x1b", "")],
)  # fmt: skip
def test_nothing_steers(text: str, shown: str) -> None:
    assert neutralise(text) == shown


def test_columns_are_as_wide_as_they_look() -> None:
    assert width("日本é") == 5
    assert table(["a", "b"], [["日本", 1], ["x\x1b[2J\ny", 20]], right=(1,)) == "a      b\n日本   1\nx y   20"
