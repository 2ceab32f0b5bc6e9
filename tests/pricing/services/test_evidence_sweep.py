"""Files that no row names are deleted once they are old, whatever the storage is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from io import BytesIO, StringIO
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, storages
from django.core.management import call_command

from accounts.models import Organisation, User
from common import clock
from pricing.models import Evidence
from pricing.services import evidence as service, evidence_sweep
from pricing.services.evidence_sweep import GRACE, sweep_evidence
from tests import evidence_files as files, factories

pytestmark = pytest.mark.django_db


class Bucket(Storage):
    """As S3 is one: no paths of this machine, no folders but in names."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[bytes, datetime]] = {}
        self.refused: set[str] = set()

    def _save(self, name: str, content: File[Any]) -> str:
        self.kept[name] = (content.read(), clock.now())
        return name

    def _open(self, name: str, mode: str = "rb") -> File[Any]:
        return File(BytesIO(self.kept[name][0]), name)

    def exists(self, name: str) -> bool:
        return name in self.kept

    def size(self, name: str) -> int:
        return len(self.kept[name][0])

    def get_modified_time(self, name: str) -> datetime:
        return self.kept[name][1]

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        below = [name.removeprefix(f"{path}/") for name in self.kept if name.startswith(f"{path}/")]
        folders = {name.partition("/")[0] for name in below if "/" in name}
        return sorted(folders), [name for name in below if "/" not in name]

    def delete(self, name: str) -> None:
        if name in self.refused:
            raise OSError("the bucket is away")
        self.kept.pop(name, None)


@pytest.fixture
def omar() -> User:
    return factories.make_user("omar")


@pytest.fixture
def owner(omar: User) -> Organisation:
    return factories.make_organisation(lead=omar)


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    made = Bucket()
    with patch("common.evidence.store.storage", lambda: made):
        yield made


def stray(storage: Storage, owner: Organisation, letter: str = "a") -> str:
    return storage.save(f"evidence/costs/{owner.uid}/{letter * 64}.pdf", ContentFile(files.pdf()))


def test_what_no_row_names_goes_once_it_is_old(owner: Organisation, omar: User, bucket: Bucket) -> None:
    named = str(factories.make_evidence(owner, omar, files.pdf()).content.name)
    lost, elsewhere = stray(bucket, owner), bucket.save("evidence/applications/b.pdf", ContentFile(b"b"))
    at = clock.now()
    assert sweep_evidence(at=at + GRACE - timedelta(minutes=1)) == []
    assert sweep_evidence(at=at + GRACE, only_look=True) == [lost]
    assert set(bucket.kept) == {named, lost, elsewhere}
    assert sweep_evidence(at=at + GRACE) == [lost]
    assert set(bucket.kept) == {named, elsewhere}
    assert sweep_evidence(at=at + GRACE) == []


def test_what_was_redacted_while_the_storage_was_away_goes_in_the_end(
    owner: Organisation, omar: User, bucket: Bucket, django_capture_on_commit_callbacks: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    made = factories.make_evidence(owner, omar, files.pdf())
    path, other = str(made.content.name), stray(bucket, owner)
    bucket.refused = {path}
    with pytest.raises(OSError, match="away"), django_capture_on_commit_callbacks(execute=True):
        service.redact(evidence=made, reason="A name stood in it", by=omar, at=clock.now())
    later = clock.now() + GRACE
    assert sweep_evidence(at=later) == [other]
    assert f"could not be deleted: {path}" in caplog.text
    bucket.refused = set()
    assert sweep_evidence(at=later) == [path]
    assert not bucket.kept
    assert Evidence.objects.get().sha256 == made.sha256  # what it was is still told


def test_a_file_that_is_handed_in_again_meanwhile_stays(
    owner: Organisation, omar: User, bucket: Bucket
) -> None:
    """Its row came after the sweep had looked."""
    path = str(factories.make_evidence(owner, omar, files.pdf()).content.name)
    with patch.object(evidence_sweep, "_stray", lambda before: iter([path])):
        assert sweep_evidence(at=clock.now() + GRACE) == []
    assert path in bucket.kept


def test_folders_of_nobody_and_no_folder_at_all(bucket: Bucket) -> None:
    assert sweep_evidence(at=clock.now() + GRACE) == []
    for name in ("nobody", "0193061a-0000-7000-8000-000000000000"):
        bucket.save(f"evidence/costs/{name}/x.pdf", ContentFile(b"x"))
    assert len(sweep_evidence(at=clock.now() + GRACE)) == 2


def test_it_is_a_command_on_the_disk_too(owner: Organisation, settings: Any, tmp_path: Any) -> None:
    settings.STORAGES = {
        **settings.STORAGES,
        "evidence": {
            "BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}
        },
    }  # fmt: skip

    def said(*arguments: str) -> str:
        out = StringIO()
        call_command("sweep_evidence", *arguments, stdout=out)
        return out.getvalue()

    assert said() == "0 files: deleted.\n"
    lost = stray(storages["evidence"], owner)
    assert said() == "0 files: deleted.\n"  # a day has not passed
    assert (
        said("--grace-hours", "0", "--only-look")
        == f"{lost}\n1 files: no row names them; nothing was deleted.\n"
    )
    assert said("--grace-hours", "0") == f"{lost}\n1 files: deleted.\n"
    assert not storages["evidence"].exists(lost)
