"""Files of a run: downloaded beside their place, taken up where they broke off, kept once the digest fits."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import httpx

from equinode_cli import terminal
from equinode_cli.errors import FileTrouble, SiteAway
from equinode_cli.patience import Patience
from equinode_cli.site import Site
from equinode_cli.words import _

_PATIENCE = 60.0
_PART = ".part"


def fetch_all(site: Site, uid: str, folder: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = site.get(f"runs/{uid}/files")["items"]
    for file in found:
        fetch(site, file, Path(folder))
    return found


def fetch(site: Site, file: dict[str, Any], folder: Path, *, overwrite: bool = False) -> Path:
    """Keep a file under its name in the folder; one that is there already is not fetched again."""
    place = folder / safe_name(file["name"])
    try:
        if place.exists() and _digest(place) == file["sha256"]:
            terminal.progress(_("%(file)s is here already.") % {"file": place})
            return place
        if (place.exists() or place.is_symlink()) and not overwrite:
            raise FileTrouble(_("%(file)s exists and is another file: add --overwrite.") % {"file": place})
        place.parent.mkdir(parents=True, exist_ok=True)
        _require_inside(place.parent, folder)
        _download(site, file, place)
    except OSError as exc:
        raise FileTrouble(_("%(file)s cannot be kept: %(fault)s") % {"file": place, "fault": exc}) from exc
    return place


def safe_name(name: str) -> str:
    """A job chose it, so it is used as a plain relative path or not at all."""
    parts = name.split("/")
    odd = any(part in ("", ".", "..") for part in parts) or PurePosixPath(name).is_absolute()
    if odd or "\\" in name or ":" in parts[0] or "\n" in name or terminal.neutralise(name) != name:
        raise FileTrouble(_("“%(name)s” is no name for a file here.") % {"name": terminal.one_line(name)})
    return name


def _require_inside(parent: Path, folder: Path) -> None:
    # A link in the folder may not lead what a job named somewhere else.
    if not parent.resolve().is_relative_to(folder.resolve()):
        raise FileTrouble(_("%(folder)s leads outside the folder.") % {"folder": parent})


def _download(site: Site, file: dict[str, Any], place: Path) -> None:
    part = place.with_name(place.name + _PART)
    if part.is_symlink():
        part.unlink()
    patience = Patience(_PATIENCE)
    with terminal.bar(file["name"], file["size"], part.stat().st_size if part.exists() else 0) as come:
        while True:
            try:
                _take_up(site, file, part, come)
                break
            except SiteAway as exc:
                patience.wait_or_raise(exc)
    if _digest(part) != file["sha256"]:
        part.unlink()
        raise FileTrouble(
            _("%(file)s did not come as the site has it (its digest differs): fetch it again.")
            % {"file": place}
        )
    os.replace(part, place)


def _take_up(site: Site, file: dict[str, Any], part: Path, come: Callable[[int], None]) -> None:
    """From where the part ends; from the start where the site does not send parts."""
    had = part.stat().st_size if part.exists() else 0
    if had > file["size"]:
        part.unlink()
        had = 0
    if had == file["size"] and had:
        return
    with site.stream(file["url"], skip=had) as response:
        goes_on = response.status_code == 206 and _begins_at(response, had)
        if had and not goes_on:
            come(-had)
        with part.open("ab" if goes_on else "wb") as out:
            if response.status_code == 416:
                raise SiteAway(_("The site does not have that part of the file."))
            for piece in response.iter_raw():  # as it comes: what came before a break is kept
                out.write(piece)
                come(len(piece))
    if part.stat().st_size < file["size"]:
        raise SiteAway(_("The connection broke off."))


def _begins_at(response: httpx.Response, place: int) -> bool:
    return str(response.headers.get("Content-Range", "")).startswith(f"bytes {place}-")


def _digest(path: Path) -> str:
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
