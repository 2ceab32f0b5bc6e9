"""Tokens: asked for, tried, kept where only their owner reads, and sent to no other site."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Equinode
from fake_site import TOKEN, TOKEN_UID, FakeSite


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "config" / "equinode" / "sites.json"


def test_a_token_is_tried_and_kept_for_its_owner_alone(
    equinode: Equinode, site: FakeSite, kept: Path
) -> None:
    done = equinode("login", site.url, typed=f"{TOKEN}\n")
    assert done.code == 0
    assert "Ada Moreau (ada@example.org)" in done.out
    assert TOKEN not in done.out + done.err
    assert kept.stat().st_mode & 0o777 == 0o600
    assert kept.parent.stat().st_mode & 0o077 == 0
    assert list(kept.parent.iterdir()) == [kept]
    assert site.asked("me")[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_what_is_no_token_changes_nothing(ada: Equinode, site: FakeSite, kept: Path) -> None:
    before = kept.read_text()
    done = ada("login", site.url, typed="eqn_wrong")
    assert done.code == 3
    assert "This is no token of this site." in done.err
    assert ada("login", site.url, typed="\n").code == 3
    assert ada("login", site.url, typed="eqn_é\n").code == 3
    assert kept.read_text() == before


@pytest.mark.parametrize(
    "address",
    ["http://equinode.example", "http://10.0.0.1", "ftp://equinode.example", "https://", "https://a@b.example",
     "https://equinode.example/below", "https://equinode.example/?x", "http://localhost.evil.example"],
)  # fmt: skip
def test_a_token_goes_only_to_the_plain_address_of_an_encrypted_site(
    equinode: Equinode, address: str
) -> None:
    assert equinode("login", address, typed=TOKEN).code == 2


def test_without_a_profile_nothing_is_asked(equinode: Equinode, site: FakeSite) -> None:
    done = equinode("list")
    assert (done.code, site.requests) == (3, [])
    assert "equinode login" in done.err


def test_the_environment_stands_above_the_file(
    ada: Equinode, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EQUINODE_TOKEN", "eqn_other")
    assert ada("whoami").code == 3
    assert site.requests[-1].headers["authorization"] == "Bearer eqn_other"


def test_a_stored_token_is_not_sent_to_another_site(
    ada: Equinode, site: FakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = FakeSite()
    monkeypatch.setenv("EQUINODE_SITE", other.url)
    try:
        assert ada("nodes").code == 0
        assert "authorization" not in other.requests[0].headers
        assert ada("list").code == 3
        assert len(other.requests) == 1
    finally:
        other.close()


def test_several_sites_are_profiles(ada: Equinode, site: FakeSite) -> None:
    second = FakeSite()
    try:
        assert ada("login", second.url, "--profile", "second", typed=TOKEN).code == 0
        assert ada("whoami", "--json").code == 0
        assert second.asked("me")[1:]
        first = next(row for row in ada("profiles", "--json").answer if not row["is_default"])
        assert ada("whoami", "--profile", first["name"]).code == 0
        assert len(site.asked("me")) == 1
        assert ada("profiles", first["name"]).code == 0
        assert ada("whoami").code == 0
        assert len(site.asked("me")) == 2
    finally:
        second.close()
    assert ada("whoami", "--profile", "third").code == 3


def test_signing_out_forgets_and_revokes(ada: Equinode, site: FakeSite, kept: Path) -> None:
    assert ada("logout", "--revoke").code == 0
    assert site.asked(f"me/tokens/{TOKEN_UID}", "DELETE")
    assert json.loads(kept.read_text())["profiles"] == {}
    assert ada("logout").code == 3


def test_what_others_could_read_they_can_no_longer(ada: Equinode, kept: Path) -> None:
    kept.chmod(0o644)
    assert ada("whoami").code == 0
    assert kept.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "content", ["", "[]", '{"default": 1}', '{"default": "a", "profiles": {"a": {"x": 1}}}']
)
def test_a_damaged_file_is_named(ada: Equinode, kept: Path, content: str) -> None:
    kept.write_text(content)
    done = ada("whoami")
    assert done.code == 1
    assert str(kept) in done.err


def test_no_token_is_taken_from_the_command_line(equinode: Equinode, site: FakeSite) -> None:
    assert equinode("login", site.url, TOKEN).code == 2
    assert equinode("login", site.url, "--token", TOKEN).code == 2


def test_on_a_terminal_the_page_for_tokens_is_shown_and_the_token_is_not(
    site: FakeSite, tmp_path: Path
) -> None:
    control, terminal = pty.openpty()
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LANG": "C.UTF-8", "TERM": "dumb"}
    process = subprocess.Popen(
        [sys.executable, "-m", "equinode_cli", "login", site.url], stdin=terminal, stdout=terminal,
        stderr=terminal, env=environment, cwd=Path(__file__).parent.parent, start_new_session=True,
    )  # fmt: skip
    os.close(terminal)
    said, has_typed, deadline = "", False, time.monotonic() + 60
    while time.monotonic() < deadline:
        if select.select([control], [], [], 0.1)[0]:
            try:
                said += os.read(control, 4096).decode()
            except OSError:  # the other end is closed
                break
        if "it is not shown" in said and not has_typed:
            time.sleep(0.2)  # the echo is switched off after the question
            os.write(control, f"{TOKEN}\n".encode())
            has_typed = True
    os.close(control)
    assert process.wait(20) == 0, said
    assert f"{site.url}/me/tokens/?name=equinode" in said
    assert "scopes=read&scopes=book&scopes=run" in said
    assert TOKEN not in said
