"""make_keys and verify_ledger, as an operator meets them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pgtrigger
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from common import keys
from ledger import files, services
from ledger.domain.note import Verifier
from ledger.models import Entry

AT = datetime(2026, 11, 22, 15, tzinfo=UTC)


def output(command: str, *arguments: str) -> str:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


# --- make_keys ----------------------------------------------------------------------------------


@pytest.fixture
def places(tmp_path: Path, settings: Any) -> list[Path]:
    settings.LEDGER_KEY_FILE = tmp_path / "keys" / "ledger.pem"
    settings.DISPATCH_KEY_FILE = tmp_path / "keys" / "dispatch.pem"
    settings.SECRETS_KEY_FILE = tmp_path / "keys" / "secrets.key"
    return [settings.LEDGER_KEY_FILE, settings.DISPATCH_KEY_FILE, settings.SECRETS_KEY_FILE]


def test_missing_keys_are_made_for_their_owner_alone_and_kept_the_second_time(places: list[Path]) -> None:
    first = output("make_keys")
    made = [path.read_bytes() for path in places]
    assert [path.stat().st_mode & 0o777 for path in places] == [0o600] * 3
    assert places[0].parent.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in places[0].parent.iterdir() if path not in places] == []
    second = output("make_keys")
    assert [path.read_bytes() for path in places] == made
    assert first.count(" made ") == 3
    assert second.count(" kept ") == 3
    vkey = second.splitlines()[1].strip()
    assert Verifier.parse(vkey) == files.verifier()
    public = keys.load_private_key(places[1]).public_key().public_bytes_raw()
    assert second.splitlines()[3].strip() == base64.b64encode(public).decode()


@pytest.mark.django_db
def test_declared_keys_are_entered_once(places: list[Path]) -> None:
    output("make_keys", "--declare")
    output("make_keys", "--declare")
    entered = [entry.fact["body"]["purpose"] for entry in Entry.objects.order_by("id")]
    assert entered == ["ledger", "dispatch"]


def test_a_missing_key_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="run manage.py make_keys"):
        keys.load_private_key(tmp_path / "none.pem")


# --- verify_ledger ------------------------------------------------------------------------------


@pytest.fixture
def _log(db: None) -> None:
    assert services.sequence(at=AT) is not None  # over nothing
    for batch in (3, 4, 1):
        for number in range(batch):
            with transaction.atomic():
                body = {"effective_from": AT, "amount": "0.02", "reason": f"Reason {number}"}
                services.append(kind="site_fee", body=body, at=AT)
        services.sequence(at=AT)


@pytest.mark.usefixtures("_log")
def test_a_whole_ledger_passes() -> None:
    assert output("verify_ledger") == "8 entries give the roots of all 4 checkpoints.\n"


@pytest.mark.django_db
def test_an_empty_ledger_passes() -> None:
    assert output("verify_ledger") == "0 entries give the roots of all 0 checkpoints.\n"


@pytest.mark.usefixtures("_log")
@pytest.mark.parametrize(
    ("sql", "words"),
    [
        (
            "UPDATE ledger_entry SET leaf = replace(convert_from(leaf, 'UTF8'), '0.02', '0.03')::bytea WHERE index = 2",  # noqa: E501
            [
                "Entry 2: the stored hash is not that of its bytes.",
                "over 3 entries: the entries give another root.",
            ],
        ),
        ("UPDATE ledger_entry SET leaf_hash = 'x' WHERE index = 2", ["Entry 2: the stored hash is not"]),
        ("UPDATE ledger_entry SET kind = 'tariff' WHERE index = 2", ["Entry 2: its columns differ"]),
        ("UPDATE ledger_entry SET leaf = ' {}' WHERE index = 2", ["Entry 2 is not canonical JSON."]),
        ("UPDATE ledger_entry SET leaf = '{' WHERE index = 2", ["Entry 2 is not canonical JSON."]),
        (
            "DELETE FROM ledger_entry WHERE index = 2",
            ["Entry 3 stands where entry 2 should.", "A checkpoint covers 8 entries; 7 are stored."],
        ),
        ("DELETE FROM ledger_entry WHERE index = 7", ["A checkpoint covers 8 entries; 7 are stored."]),
        (
            "DELETE FROM ledger_checkpoint WHERE size = 8",
            ["Entries with an index and under no checkpoint: 1."],
        ),
        (
            "UPDATE ledger_checkpoint SET root = 'x' WHERE size = 7",
            ["over 7 entries: the entries give another"],
        ),
        ("UPDATE ledger_checkpoint SET frontier = '{}' WHERE size = 7", ["over 7 entries: its stored edge"]),
        ("UPDATE ledger_checkpoint SET note = 'x' WHERE size = 7", ["over 7 entries: A note is text"]),
        (
            "UPDATE ledger_checkpoint SET note = (SELECT note FROM ledger_checkpoint WHERE size = 3) WHERE size = 7",  # noqa: E501
            ["over 7 entries: what was signed differs"],
        ),
        (
            "UPDATE ledger_subtree SET hash = 'x' WHERE level = 2 AND position = 1",
            ["Subtree 2/1 is not stored"],
        ),
        ("DELETE FROM ledger_subtree WHERE level = 3", ["Subtree 3/0 is not stored"]),
        ("UPDATE ledger_subtree SET level = 9, position = -1 WHERE level = 3", ["Subtree 3/0 is not stored"]),
        (
            "INSERT INTO ledger_subtree (level, position, hash) VALUES (1, 4, 'x')",
            ["There are subtrees that no entry explains."],
        ),
    ],
)
def test_whatever_was_changed_is_named(sql: str, words: list[str]) -> None:
    with pgtrigger.ignore(), connection.cursor() as cursor:
        cursor.execute(sql)
    err = StringIO()
    with pytest.raises(CommandError):
        call_command("verify_ledger", stderr=err)
    for sentence in words:
        assert sentence in err.getvalue()
