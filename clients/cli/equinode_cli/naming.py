"""Which slot or run is meant: an id, or any address that has it."""

from __future__ import annotations

import re
from typing import Any

from equinode_cli.errors import Misused, NotFound
from equinode_cli.site import Site
from equinode_cli.words import _

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)


def uid_in(text: str) -> str:
    found = _UID.findall(text)
    if len(found) != 1:
        raise Misused(
            _("“%(text)s” names nothing. Give an id as “equinode list” shows it, or the address of its page.")
            % {"text": text}
        )
    return str(found[0]).lower()


def run_of(site: Site, text: str) -> dict[str, Any]:
    """The run of this id; for a slot its newest run."""
    uid = uid_in(text)
    try:
        run: dict[str, Any] = site.get(f"runs/{uid}")
    except NotFound:
        found = site.get(f"reservations/{uid}/runs")["items"]
        if not found:
            raise NotFound(
                _("Nothing was run in this slot yet: equinode submit %(uid)s …") % {"uid": uid}
            ) from None
        run = found[-1]
    return run
