"""From the token to the files of a job, and a slot given back, through `equinode` alone."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from accounts.services import tokens
from common import clock
from tests.live import SCRIPTS, LiveSite

PERSON = "mila@example.org"  # signed up alone: one project of her own, and the universal allowance
JOB = """\
for i in 1 2 3; do echo "step $i of $WHAT"; sleep 0.4; done
mkdir out && echo 42 > "out/the answer.txt"
exit 3
"""

Equinode = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def token(rows: None) -> str:
    """What /me/tokens/ would show once."""
    person, at = User.objects.get(email=PERSON), clock.now()
    _token, secret = tokens.create(
        user=person, name="journey", scopes=["read", "book", "run", "projects", "tokens"], project=None,
        expires_at=at + timedelta(days=3), at=at,
    )  # fmt: skip
    return secret


@pytest.fixture
def equinode(free_workbench: LiveSite, tmp_path: Path) -> Equinode:
    """The program as a person has it: a home of its own, and nothing of ours around it."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "TZ": "Europe/Paris"}

    def run(*arguments: str, typed: str = "", expect: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(SCRIPTS / "equinode"), *arguments], env=environment, cwd=tmp_path, input=typed,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == expect, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    return run


def answer(done: subprocess.CompletedProcess[str]) -> Any:
    return json.loads(done.stdout)


def test_from_a_token_to_the_files_of_a_job(
    agent: LiveSite, equinode: Equinode, token: str, tmp_path: Path
) -> None:
    assert "equinode login" in equinode("list", expect=3).stderr
    sign_in(equinode, agent.url, token, home=tmp_path)
    slot = book_after_reading_the_price(equinode)
    (tmp_path / "job.sh").write_text(JOB)
    ended = equinode(
        "submit", slot["uid"], "job.sh", "--env", "WHAT=all", "--bring-back", "out/*", "--wait", expect=3
    )
    assert ended.stdout == "step 1 of all\nstep 2 of all\nstep 3 of all\n"
    (run,) = answer(equinode("runs", slot["uid"], "--json"))["items"]
    assert (run["state"], run["exit_code"]) == ("ended", 3)
    assert equinode("logs", run["uid"]).stdout == ended.stdout
    assert run["uid"] in equinode("show", slot["uid"]).stdout
    assert "out/the answer.txt" in equinode("files", "list", slot["uid"]).stdout
    kept = tmp_path / "results" / "out" / "the answer.txt"
    kept.parent.mkdir(parents=True)
    kept.with_name(f"{kept.name}.part").write_text("4")  # as a download that broke off leaves it
    equinode("files", "download", run["uid"], "--to", "results")
    assert kept.read_text() == "42\n"


def sign_in(equinode: Equinode, address: str, token: str, *, home: Path) -> None:
    signed_in = equinode("login", address, typed=f"{token}\n")
    assert PERSON in signed_in.stdout
    assert token not in signed_in.stdout + signed_in.stderr
    assert (home / ".config" / "equinode" / "sites.json").stat().st_mode & 0o777 == 0o600
    assert answer(equinode("whoami", "--json"))["token"]["name"] == "journey"
    assert "Room" in equinode("projects", only_project(equinode)).stdout


def only_project(equinode: Equinode) -> str:
    (project,) = answer(equinode("projects", "--json"))["items"]
    return str(project["slug"])


def book_after_reading_the_price(equinode: Equinode) -> Any:
    assert "workbench" in [row["slug"] for row in answer(equinode("prices", "--json"))["prices"]]
    assert "Workbench" in equinode("prices").stdout
    wanted = [*workbench(equinode), "--hours", "1"]
    preview = equinode("book", *wanted, "--preview")
    assert "Every rule passes." in preview.stdout
    assert "Full cost" in preview.stdout
    slot = answer(equinode("book", *wanted, "--yes", "--json"))
    assert slot["nodes"] == ["workbench"]
    # Taken now: the rule that says so, and what would work.
    taken = equinode("book", *wanted, "--yes", expect=1)
    assert "✗" in taken.stderr
    assert "→" in taken.stderr
    return slot


def workbench(equinode: Equinode) -> list[str]:
    """What to book: the machine that runs these tests. With one project it need not be said for which."""
    found = answer(equinode("nodes", "--json"))["items"]
    key = next(node for node in found if node["slug"] == "workbench")["devices"][0]["model_key"]
    return ["--model", key, "--node", "workbench"]


def test_a_slot_is_booked_once_and_given_back(agent: LiveSite, equinode: Equinode, token: str) -> None:
    equinode("login", agent.url, typed=token)
    day = (clock.now() + timedelta(days=5)).date()
    wanted = [*workbench(equinode), "--start", f"{day} 14:00", "--end", "14:30", "--yes", "--json"]
    wanted += ["--idempotency-key", "once"]
    slot = answer(equinode("book", *wanted))
    assert answer(equinode("book", *wanted))["uid"] == slot["uid"]

    assert slot["uid"] in equinode("list", "--state", "booked").stdout
    assert answer(equinode("cancel", slot["uid"], "--yes", "--json"))["state"] == "cancelled"
    assert "✗" not in equinode("cancel", slot["uid"], "--yes", expect=1).stderr
    assert equinode("show", "019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa", expect=4).stdout == ""


def test_a_token_made_here_opens_no_more_than_it_may(agent: LiveSite, equinode: Equinode, token: str) -> None:
    equinode("login", agent.url, typed=token)
    made = equinode("tokens", "create", "reader", "--scope", "read", "--days", "1")
    secret = made.stdout.strip()
    assert secret.startswith("eqn_")
    equinode("login", agent.url, "--profile", "reader", typed=secret)
    assert equinode("book", *workbench(equinode), "--hours", "1", "--yes", expect=3).stdout == ""
    assert equinode("tokens", "list", expect=3).stdout == ""
    own = answer(equinode("whoami", "--json"))["token"]["uid"]
    first = agent.url.partition("://")[2].replace(":", "-")
    equinode("tokens", "revoke", own, "--yes", "--profile", first)
    assert "revoked" in equinode("whoami", expect=3).stderr
