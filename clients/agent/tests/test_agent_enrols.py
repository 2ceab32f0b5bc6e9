"""Joining a site, and the commands an owner types."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from equinode_agent import cli, enrolment, identity, keys
from fake_site import GOOD_TOKEN, FakeSite


def _enrol(site: FakeSite, state: Path, *more: str, token: str = GOOD_TOKEN) -> int:
    return cli.main(["enrol", "--site", site.url, "--state", str(state), "--token", token, *more])


def test_the_key_stays_on_the_node_and_only_its_owner_reads_it(site: FakeSite, tmp_path: Path) -> None:
    assert _enrol(site, tmp_path / "state") == 0
    key = tmp_path / "state" / "agent.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert key.parent.stat().st_mode & 0o777 == 0o700
    assert site.agent_key is not None
    assert keys.load_key(key).public_key() == site.agent_key


def test_the_sites_key_is_pinned(site: FakeSite, tmp_path: Path) -> None:
    assert _enrol(site, tmp_path / "state") == 0
    assert identity.load(tmp_path / "state").site_key == site.site_key


def test_the_token_can_come_from_standard_input(
    site: FakeSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(GOOD_TOKEN + "\n"))
    assert _enrol(site, tmp_path / "state", token="-") == 0


def test_a_refused_token_leaves_nothing(
    site: FakeSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _enrol(site, tmp_path / "state", token="wrong") == 1
    assert "does not know this token" in capsys.readouterr().err
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["lock"]


def test_enrolling_again_must_be_meant(
    site: FakeSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _enrol(site, tmp_path / "state") == 0
    before = (tmp_path / "state" / "agent.key").read_bytes()
    assert _enrol(site, tmp_path / "state") == 1
    assert "--again" in capsys.readouterr().err
    assert (tmp_path / "state" / "agent.key").read_bytes() == before
    # The old key goes on working until the site has taken the new one.
    assert _enrol(site, tmp_path / "state", "--again") == 1
    assert (tmp_path / "state" / "agent.key").read_bytes() == before
    site.used_tokens.clear()
    assert _enrol(site, tmp_path / "state", "--again") == 0
    assert (tmp_path / "state" / "agent.key").read_bytes() != before


def test_another_fingerprint_keeps_nothing(
    site: FakeSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _enrol(site, tmp_path / "state", "--fingerprint", "00" * 32) == 1
    assert "somebody may be between" in capsys.readouterr().err
    assert not identity.is_enrolled(tmp_path / "state")


def test_the_right_fingerprint_is_accepted_in_any_spelling(site: FakeSite, tmp_path: Path) -> None:
    plain = keys.fingerprint(site.site_key)
    spelled = "SHA256:" + ":".join(plain[i : i + 2] for i in range(0, 64, 2)).upper()
    assert _enrol(site, tmp_path / "state", "--fingerprint", spelled) == 0


@pytest.mark.parametrize("address", ["equinode.example", "ftp://equinode.example", "http://"])
def test_an_address_that_is_none_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    assert cli.main(["enrol", "--site", address, "--token", "x", "--state", str(tmp_path / "s")]) == 1
    assert "is not the address of a site" in capsys.readouterr().err


def test_a_site_that_is_away_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["enrol", "--site", "http://127.0.0.1:9", "--token", "x", "--state", str(tmp_path / "s")]
    assert cli.main(command) == 1
    assert "does not answer" in capsys.readouterr().err


def test_running_without_enrolment_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", "--state", str(tmp_path)]) == 1
    assert "Run equinode-agent enrol first" in capsys.readouterr().err


def test_a_key_others_can_read_is_not_used(state: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (state / "agent.key").chmod(0o644)
    assert cli.main(["run", "--state", str(state)]) == 1
    assert "chmod 600" in capsys.readouterr().err


def test_status_tells_a_program(state: Path, site: FakeSite, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["status", "--json", "--state", str(state)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["node"], told["running"], told["leases"]) == ("Fake node", False, [])
    assert told["site_key"] == keys.fingerprint(site.site_key)


def test_inventory_is_json_about_this_machine(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["inventory"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["cpu"]["threads"] >= told["cpu"]["cores"] >= 1
    assert told["memory_bytes"] > 1 << 28
    assert told["kernel"]


def test_the_key_can_be_replaced(state: Path, site: FakeSite) -> None:
    before = (state / "agent.key").read_bytes()
    assert cli.main(["rotate-key", "--state", str(state)]) == 0
    assert (state / "agent.key").read_bytes() != before
    assert keys.load_key(state / "agent.key").public_key() == site.agent_key
    assert cli.main(["rotate-key", "--state", str(state)]) == 0


@pytest.mark.parametrize("was_taken", [True, False])
def test_a_rotation_whose_answer_was_lost_is_settled_later(
    state: Path, site: FakeSite, was_taken: bool
) -> None:
    key = keys.make_key(state / "agent.key.new")
    if was_taken:
        site.agent_key = key.public_key()
    enrolment.settle_keys(state)
    assert not (state / "agent.key.new").exists()
    assert keys.load_key(state / "agent.key").public_key() == site.agent_key


def test_a_rotation_without_the_site_changes_nothing_yet(
    state: Path, site: FakeSite, capsys: pytest.CaptureFixture[str]
) -> None:
    site.is_away = True
    assert cli.main(["rotate-key", "--state", str(state)]) == 1
    assert "does not answer" in capsys.readouterr().err
    assert keys.load_key(state / "agent.key").public_key() == site.agent_key
    site.is_away = False
    enrolment.settle_keys(state)
    assert keys.load_key(state / "agent.key").public_key() == site.agent_key


@pytest.mark.usefixtures("scratch")
def test_the_sandbox_can_be_tried_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["check", "--state", str(tmp_path / "state")]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["start_ms"] > 0
    assert told["limits"]
