"""Where evidence is kept: by its digest, in whatever storage the settings name."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile, File
from django.core.files.storage import Storage, storages

from common.evidence.faults import Unfit
from common.evidence.kinds import LARGEST, Checked, Kind, extension_of

ROOT = "evidence"


@dataclass(frozen=True)
class Kept:
    path: str
    sha256: str
    size: int
    kind: Kind
    is_stripped: bool


def storage() -> Storage:
    return storages["evidence"]


def too_large(size: int) -> Unfit:
    return Unfit("too_large", size=size, limit=LARGEST)


def read(file: File[Any]) -> tuple[bytes, str]:
    """The bytes of an upload and what its name claims; one that is too large is not read."""
    size = file.size or 0
    if size > LARGEST:
        raise too_large(size)
    return file.read(), extension_of(file.name or "")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def keep(checked: Checked, *, folder: str) -> Kept:
    """Under its digest: the same file twice in a folder is one file, and no name of anybody's reaches
    the disk. Who lets several rows name one file looks whether another does before it deletes it."""
    sha256 = digest(checked.content)
    path = f"{ROOT}/{folder}/{sha256}.{checked.kind.extension}"
    files, size = storage(), len(checked.content)
    if not files.exists(path) or files.size(path) != size:
        path = files.save(path, ContentFile(checked.content))
    return Kept(path, sha256, size, checked.kind, checked.is_stripped)
