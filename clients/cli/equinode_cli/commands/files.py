"""The files that a run brought back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from equinode_cli import fetching, figures, moments, terminal
from equinode_cli.call import Call, command
from equinode_cli.commands.root import equinode
from equinode_cli.errors import NotFound
from equinode_cli.naming import run_of
from equinode_cli.words import _


@equinode.group("files", help=_("The files that a run brought back: list them, download them."))
def files() -> None:
    pass


@command(
    files, "list", _("Names, sizes and digests of a run’s files; of a slot, its newest run’s."),
    ["equinode files list 019306a3-1d00-7a0c-8f66-7d8a3b1c9e21"],
)  # fmt: skip
@click.argument("run", metavar=_("RUN"))
def list_(call: Call, run: str) -> None:
    with call.site() as site:
        found = site.get(f"runs/{run_of(site, run)['uid']}/files")
    call.show(found, _list)


def _list(found: dict[str, Any]) -> str:
    if not found["items"]:
        return _("It brought nothing back.")
    rows = [
        [one["name"], figures.size(one["size"]), moments.shown(one["received_at"]), one["sha256"]]
        for one in found["items"]
    ]
    return terminal.table([_("File"), _("Size"), _("Received"), "SHA-256"], rows, right=(1,))


@command(
    files, "download",
    _(
        "Fetch files of a run, all or those that are named. What broke off is taken up again, and a file is "
        "kept only if its digest is the site’s."
    ),
    [
        "equinode files download 019306a3-1d00-7a0c-8f66-7d8a3b1c9e21 --to results",
        "equinode files download 019306a3-1d00-7a0c-8f66-7d8a3b1c9e21 out/result.csv",
    ],
)  # fmt: skip
@click.argument("run", metavar=_("RUN"))
@click.argument("names", metavar=_("[FILE]..."), nargs=-1)
@click.option(
    "--to",
    "folder",
    metavar=_("FOLDER"),
    default=".",
    type=click.Path(file_okay=False, path_type=Path),
    help=_("Where; else here."),
)
@click.option("--overwrite", is_flag=True, help=_("Replace files of that name."))
def download(call: Call, run: str, names: tuple[str, ...], folder: Path, overwrite: bool) -> None:
    with call.site() as site:
        found = site.get(f"runs/{run_of(site, run)['uid']}/files")["items"]
        wanted = [one for one in found if not names or one["name"] in names]
        if missing := set(names) - {one["name"] for one in wanted}:
            raise NotFound(_("The run brought no “%(name)s” back.") % {"name": sorted(missing)[0]})
        kept = [
            {**one, "kept_as": str(fetching.fetch(site, one, folder, overwrite=overwrite))} for one in wanted
        ]
    call.show({"items": kept, "next": None}, _kept)


def _kept(found: dict[str, Any]) -> str:
    if not found["items"]:
        return _("It brought nothing back.")
    return "\n".join(f"{one['kept_as']}  {figures.size(one['size'])}" for one in found["items"])
