"""Help, usage, languages, completion: what a person meets before any site does."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from conftest import PACKAGE, Equinode
from equinode_cli import terminal
from equinode_cli.commands import equinode as group
from equinode_cli.commands.root import EXIT_CODES, ORDER
from fake_site import TOKEN, UID, FakeSite


def commands(above: click.Group, name: str = "") -> Iterator[tuple[list[str], click.Command]]:
    for own, command in above.commands.items():
        path = f"{name} {own}".split()
        if isinstance(command, click.Group):
            yield from commands(command, " ".join(path))
        else:
            yield path, command


EVERY = list(commands(group))


def test_every_command_has_its_place() -> None:
    assert sorted(group.commands) == sorted(ORDER)


@pytest.mark.parametrize(("path", "command"), EVERY, ids=[" ".join(path) for path, _command in EVERY])
def test_every_command_explains_itself(equinode: Equinode, path: list[str], command: click.Command) -> None:
    done = equinode(*path, "--help")
    assert done.code == 0
    assert "Examples:\n" in done.out
    assert f"equinode {' '.join(path)}" in done.out
    assert ("--json" in done.out) == (path != ["completion"])
    for parameter in command.params:
        assert isinstance(parameter, click.Argument) or getattr(parameter, "help", None), parameter.name


@pytest.mark.parametrize(
    "arguments", [["bok"], ["list", "--limit", "0"], ["show"], ["--nothing"], ["files"], []]
)
def test_what_is_typed_wrong_is_usage(equinode: Equinode, site: FakeSite, arguments: list[str]) -> None:
    done = equinode(*arguments)
    assert done.code == 2
    assert "Usage: equinode" in done.err + done.out
    assert site.requests == []


def test_exit_codes_are_the_same_in_the_help_and_in_the_readme(equinode: Equinode) -> None:
    readme = (PACKAGE / "README.md").read_text()
    told = dict(re.findall(r"^\| (\d+) \| (.+) \|$", readme, re.MULTILINE))
    assert [int(code) for code in told] == [code for code, _meaning in EXIT_CODES]
    shown = equinode("--help").out
    for code, meaning in EXIT_CODES:
        assert told[str(code)].startswith(meaning)
        assert f"{code}  {meaning}" in shown


def test_the_readme_names_every_command() -> None:
    readme = (PACKAGE / "README.md").read_text()
    for path, _command in EVERY:
        assert re.search(rf"`{' '.join(path)}\b", readme), path


# --- other processes ----------------------------------------------------------------------------
def run(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "equinode_cli", *arguments], cwd=PACKAGE, capture_output=True, text=True,
        env={"PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(PACKAGE), **environment},
        stdin=subprocess.DEVNULL, timeout=60, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("variable", ["LANG", "LC_ALL", "LANGUAGE"])
def test_french_is_spoken_where_it_is_asked_for(site: FakeSite, tmp_path: Path, variable: str) -> None:
    french = {variable: "fr_CH.UTF-8", "PYTHONUTF8": "1"}
    assert "Vous n’êtes connecté nulle part." in run("list", home=tmp_path, **french).stderr
    assert "Usage\u202f: equinode" in run("bok", home=tmp_path, **french).stderr
    signed_in = {"EQUINODE_SITE": site.url, "EQUINODE_TOKEN": TOKEN}
    shown = run("show", UID, home=tmp_path, **french, **signed_in)
    assert "13,42\u202f€" in shown.stdout
    assert re.search(r"État +réservé", shown.stdout)
    listed = run("projects", home=tmp_path, **french, **signed_in).stdout
    assert re.search(r"Protein shapes +responsable +recherche +oui", listed)
    assert "protein-shapes (responsable)" in run("whoami", home=tmp_path, **french, **signed_in).stdout
    assert {one.headers["accept-language"] for one in site.requests} == {"fr"}


def test_times_are_in_the_zone_of_the_machine_which_is_named_and_help_says_so(
    site: FakeSite, tmp_path: Path
) -> None:
    signed_in = {"EQUINODE_SITE": site.url, "EQUINODE_TOKEN": TOKEN, "LANGUAGE": "C"}
    for zone in ("UTC", "JST-9"):
        shown = run("show", UID, home=tmp_path, TZ=zone, **signed_in).stdout
        assert re.search(rf"\d\d:\d\d – .*\d\d:\d\d {zone[:3]}\b", shown)
    said = " ".join(run("--help", home=tmp_path, **signed_in).stdout.split())
    assert "Times that you read and type are in the time zone of this machine, which is named beside" in said


def test_another_language_is_english_and_ascii_is_no_obstacle(site: FakeSite, tmp_path: Path) -> None:
    plain = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    site.refuses = True
    signed_in = {"EQUINODE_SITE": site.url, "EQUINODE_TOKEN": TOKEN}
    done = run("book", "--model", "h100", "--hours", "1", "--yes", home=tmp_path, **plain, **signed_in)
    assert done.returncode == 1
    assert "? Length: 200 h, of 168 h at most." in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(equinode: Equinode, shell: str, tmp_path: Path) -> None:
    done = equinode("completion", shell)
    assert done.code == 0
    assert f"_EQUINODE_COMPLETE={shell}_complete" in done.out
    if shutil.which(shell):
        (tmp_path / "script").write_text(done.out)
        subprocess.run([shell, "-n", tmp_path / "script"], check=True)


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("equinode ca", ["cancel"]), ("equinode book --project pro", ["protein-shapes"]),
        ("equinode nodes --model ", ["h100"]), ("equinode book --node ch", ["cheap"]),
        ("equinode tokens re", ["revoke"]), ("equinode whoami --profile ", []),
    ],
)  # fmt: skip
def test_tab_offers_what_there_is(site: FakeSite, tmp_path: Path, typed: str, offered: list[str]) -> None:
    words = typed.split(" ")
    found = run(
        home=tmp_path, EQUINODE_SITE=site.url, EQUINODE_TOKEN=TOKEN, _EQUINODE_COMPLETE="bash_complete",
        COMP_WORDS=typed, COMP_CWORD=str(len(words) - 1),
    )  # fmt: skip
    assert [line.partition(",")[2] for line in found.stdout.split()] == offered
    assert found.stderr == ""


def test_tab_is_silent_where_no_site_answers(tmp_path: Path) -> None:
    found = run(
        home=tmp_path, EQUINODE_SITE="http://127.0.0.1:9", EQUINODE_TOKEN=TOKEN,
        _EQUINODE_COMPLETE="bash_complete", COMP_WORDS="equinode show ", COMP_CWORD="2",
    )  # fmt: skip
    assert (found.stdout.strip(), found.stderr) == ("", "")


def test_who_has_read_enough_is_no_error(site: FakeSite, tmp_path: Path) -> None:
    command = f"{sys.executable} -m equinode_cli nodes --json | head -c 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=PACKAGE, capture_output=True, text=True, check=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "EQUINODE_SITE": site.url},
    )  # fmt: skip
    assert done.stdout.split() == ["{0"]
    assert done.stderr == ""


def test_interrupting_is_no_fault(ada: Equinode, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_text: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(terminal, "say", interrupt)
    done = ada("whoami")
    assert done.code == 130
    assert "Traceback" not in done.err


def test_json_is_the_answer_and_nothing_else(ada: Equinode) -> None:
    for arguments in (
        ["whoami"], ["nodes"], ["prices"], ["projects"], ["list"], ["show", UID], ["runs", UID],
        ["tokens", "list"], ["tokens", "create", "ci", "--scope", "read"], ["profiles"],
        ["nodes", "--free-from", "2026-11-24 14:00", "--free-to", "18:00"],
    ):  # fmt: skip
        done = ada(*arguments, "--json")
        assert done.code == 0, done
        json.loads(done.out)
        assert done.err == ""
        assert ada(*arguments).code == 0
