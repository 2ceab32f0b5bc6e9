"""Files in the storage of evidence that no row names: deleting them failed, or nothing came of them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction

from accounts.models import Organisation
from accounts.services import members
from common.evidence import store
from pricing.models import Evidence

logger = logging.getLogger(__name__)

FOLDER = f"{store.ROOT}/costs"
# A file is there before its row: whoever hands it in is done with it long before.
GRACE = timedelta(days=1)


def sweep_evidence(*, at: datetime, grace: timedelta = GRACE, only_look: bool = False) -> list[str]:
    """Delete what no row has named for `grace`, or only tell; answers the paths.

    One that cannot be deleted is written down and left for the next time.
    """
    return [path for path in _stray(at - grace) if only_look or _delete(path)]


def _stray(before: datetime) -> Iterator[str]:
    files = store.storage()
    for folder in sorted(_folders()):
        named = set(
            Evidence.objects.filter(content__startswith=f"{folder}/").values_list("content", flat=True)
        )
        _more, names = files.listdir(folder)
        for path in sorted(f"{folder}/{name}" for name in names):
            if path not in named and _is_as_old(path, before):
                yield path


def _is_as_old(path: str, before: datetime) -> bool:
    try:
        return store.storage().get_modified_time(path) <= before
    except FileNotFoundError:  # gone since it was listed
        return False


def _folders() -> list[str]:
    """One for each organisation. A site without evidence has none of them."""
    try:
        folders, _files = store.storage().listdir(FOLDER)
    except FileNotFoundError:
        return []
    return [f"{FOLDER}/{name}" for name in folders]


@transaction.atomic
def _delete(path: str) -> bool:
    """Unless somebody hands the same file in now: who does that holds the organisation's lock."""
    owner = _owner(path)
    if owner is not None:
        members.lock(owner)
    if Evidence.objects.filter(content=path).exists():
        return False
    try:
        store.storage().delete(path)
    except Exception:  # whatever the storage raises: the others are deleted, this one is tried again
        logger.exception("evidence that no row names could not be deleted: %s", path)
        return False
    logger.info("deleted evidence that no row names: %s", path)
    return True


def _owner(path: str) -> Organisation | None:
    try:
        uid = UUID(path.split("/")[2])
    except ValueError:
        return None
    return Organisation.objects.filter(uid=uid).first()
