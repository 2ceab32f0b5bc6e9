"""Whoever reads the database cannot make anybody's codes."""

from __future__ import annotations

import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import connection

from accounts.models import User
from accounts.services import second_factors
from common.keys import make_sealing_key, turn_sealing_key

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def key_file(tmp_path: Path, settings: Any) -> Path:
    settings.SECRETS_KEY_FILE = tmp_path / "keys" / "secrets.key"
    make_sealing_key(settings.SECRETS_KEY_FILE)
    return tmp_path / "keys" / "secrets.key"


def rows() -> str:
    """All that the database holds of second factors."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT data::text FROM mfa_authenticator")
        return "\n".join(data for (data,) in cursor.fetchall())


def code() -> str:
    return str(format_hotp_value(hotp_value(SECRET, list(yield_hotp_counters_from_time())[1])))


def test_the_secret_of_an_app_is_sealed_and_its_codes_are_taken(ada: User, key_file: Path) -> None:
    TOTP.activate(ada, SECRET)
    assert "gAAAA" in rows()
    assert SECRET not in rows()
    assert Authenticator.objects.get().wrap().validate_code(code())


def test_so_is_the_seed_of_recovery_codes(ada: User, key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RecoveryCodes, "generate_seed", classmethod(lambda cls: "5eed" * 20))
    codes = RecoveryCodes.activate(ada).get_unused_codes()
    assert "5eed5eed" not in rows()
    again = Authenticator.objects.get().wrap()
    assert again.validate_code(codes[3])
    assert not Authenticator.objects.get().wrap().validate_code(codes[3])


def test_what_lay_open_is_sealed_and_can_be_opened_again(ada: User, lena: User, key_file: Path) -> None:
    """The migration, on rows as allauth wrote them before."""
    Authenticator.objects.create(user=ada, type="totp", data={"secret": SECRET})
    Authenticator.objects.create(user=ada, type="recovery_codes", data={"seed": "5eed" * 20, "used_mask": 2})
    Authenticator.objects.create(user=lena, type="recovery_codes", data={"migrated_codes": ["11112222"]})
    Authenticator.objects.create(user=lena, type="webauthn", data={"name": "Key", "credential": {}})
    before = rows()
    migration = import_module("accounts.migrations.0006_sealed_second_factors")
    migration.seal(apps, None)
    assert [word for word in (SECRET, "5eed5eed", "11112222") if word in rows()] == []
    assert Authenticator.objects.get(type="totp").wrap().validate_code(code())
    assert Authenticator.objects.get(user=lena, type="recovery_codes").wrap().validate_code("11112222")
    assert Authenticator.objects.get(user=ada, type="recovery_codes").data["used_mask"] == 2
    sealed = rows()
    migration.seal(apps, None)
    assert rows() == sealed, "what is sealed already stays as it is"
    Authenticator.objects.filter(user=lena, type="recovery_codes").update(
        data={"migrated_codes": [second_factors.sealed("11112222")]}
    )
    migration.open_again(apps, None)
    assert sorted(rows().splitlines()) == sorted(before.splitlines())


def test_a_turned_key_seals_everything_again_and_the_old_one_is_no_longer_needed(
    ada: User, key_file: Path
) -> None:
    TOTP.activate(ada, SECRET)
    RecoveryCodes.activate(ada)
    before, old = rows(), key_file.read_text().split()
    out = StringIO()
    call_command("turn_secrets_key", stdout=out)
    new = key_file.read_text().split()
    assert "sealed 2 again" in out.getvalue()
    assert new[1:] == old
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert not set(before.splitlines()) & set(rows().splitlines())
    key_file.write_text(new[0])
    assert Authenticator.objects.get(type="totp").wrap().validate_code(code())
    assert new[0] not in out.getvalue()


@dataclass(frozen=True)
class Machines:
    """Several on one database, each with its own file of keys."""

    files: tuple[Path, ...]
    people: tuple[User, ...]
    settings: Any

    def run(self, machine: Path, *arguments: str) -> str:
        self.settings.SECRETS_KEY_FILE = machine
        out = StringIO()
        call_command("turn_secrets_key", *arguments, stdout=out)
        return out.getvalue()

    def seal_anew(self) -> None:
        """On each machine somebody sets up an app; then on each of them everybody is let in."""
        Authenticator.objects.all().delete()
        for machine, person in zip(self.files, self.people, strict=True):
            self.settings.SECRETS_KEY_FILE = machine
            TOTP.activate(person, SECRET)
        self.require_open()

    def require_open(self) -> None:
        sealed = [one.data["secret"] for one in Authenticator.objects.all()]
        for machine in self.files:
            self.settings.SECRETS_KEY_FILE = machine
            assert {second_factors.opened(text) for text in sealed} == {SECRET}


def test_step_by_step_no_machine_meets_a_secret_that_its_file_does_not_open(
    ada: User, lena: User, key_file: Path, settings: Any
) -> None:
    other = key_file.with_name("other.key")
    shutil.copy(key_file, other)
    machines = Machines((key_file, other), (ada, lena), settings)
    (old,) = key_file.read_text().split()
    said = machines.run(key_file, "--add")
    assert key_file.read_text().split()[0] == old, "the new one does not seal yet"
    machines.seal_anew()
    shutil.copy(key_file, other)
    machines.seal_anew()
    name = re.findall(r"added the key (\w+)", said)[0]
    for machine in (key_file, key_file, other):  # said twice, it is as if said once
        machines.run(machine, "--use", name)
        assert machine.read_text().split()[1:] == [old]
        machines.seal_anew()
    assert "sealed 2 again" in machines.run(key_file, "--seal")
    for machine in machines.files:
        machine.write_text(machine.read_text().split()[0])
    machines.require_open()


def test_a_key_that_the_file_does_not_have_is_not_made_the_first(key_file: Path) -> None:
    before = key_file.read_bytes()
    with pytest.raises(CommandError, match="No key of"):
        call_command("turn_secrets_key", "--use", "0123456789ab")
    assert key_file.read_bytes() == before


def test_of_two_who_turn_the_key_at_once_neither_loses_the_others(key_file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(turn_sealing_key, [key_file] * 8))
    assert len(set(key_file.read_text().split())) == 9


def test_a_backup_from_before_is_opened_by_the_key_of_then(ada: User, key_file: Path) -> None:
    TOTP.activate(ada, SECRET)
    kept = Authenticator.objects.get().data
    second_factors.turn_key()
    Authenticator.objects.update(data=kept)
    assert Authenticator.objects.get().wrap().validate_code(code())


@pytest.mark.parametrize("content", [None, "", "no key", "x" * 43 + "="])
def test_without_its_key_it_says_which_file_is_missing_or_wrong(
    ada: User, key_file: Path, content: str | None
) -> None:
    TOTP.activate(ada, SECRET)
    if content is None:
        key_file.unlink()
    else:
        key_file.write_text(content)
    with pytest.raises(ImproperlyConfigured, match=r"secrets\.key"):
        Authenticator.objects.get().wrap().validate_code("123456")
