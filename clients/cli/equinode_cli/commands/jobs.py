"""Running a job in a slot, watching it, stopping it."""

from __future__ import annotations

import json
from typing import Any

import click

from equinode_cli import completing, fetching, following, moments, terminal
from equinode_cli.call import Call, command
from equinode_cli.commands.root import equinode
from equinode_cli.commands.slots import run_table
from equinode_cli.errors import JobFailed
from equinode_cli.job_options import job, job_options, terms_of
from equinode_cli.naming import run_of, uid_in
from equinode_cli.site import Site
from equinode_cli.words import _

# A job may outlive a restart of the site: following it goes on.
_FOLLOW_PATIENCE = 600.0


@command(
    equinode, "submit",
    _(
        "Run a script in a slot: at its start, after those before it. With --wait its log is shown as it "
        "comes, and the command ends with the exit code of the job."
    ),
    [
        "equinode submit 019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa job.sh --env SEED=7 --wait",
        "equinode submit 019306a2-… --command './train > out.csv' --bring-back '*.csv' --wait --download .",
    ],
)  # fmt: skip
@click.argument("reservation", metavar=_("RESERVATION"), shell_complete=completing.reservations)
@click.argument("script", metavar=_("[SCRIPT]"), required=False, type=click.Path())
@job_options
@click.option(
    "--node",
    metavar=_("NODE"),
    shell_complete=completing.nodes,
    help=_("Where, in a slot with several nodes."),
)
@click.option("--wait", is_flag=True, help=_("Follow it to its end."))
@click.option(
    "--download",
    metavar=_("FOLDER"),
    type=click.Path(file_okay=False),
    help=_("With --wait: where to keep the files that it brings back."),
)
@click.option(
    "--idempotency-key",
    metavar=_("KEY"),
    default="",
    help=_("Repeating the command with this key, within 24 h, submits once."),
)
def submit(
    call: Call, *, reservation: str, script: str | None, shell: str | None, variables: tuple[str, ...],
    bring_back: tuple[str, ...], node: str | None, wait: bool, download: str | None, idempotency_key: str,
    **terms: Any,
) -> int:  # fmt: skip
    if download is not None and not wait:
        raise click.UsageError(_("--download needs --wait: before the end there are no files."))
    body = job(script, shell, variables, bring_back, terms_of(terms)) | ({"node": node} if node else {})
    with call.site(patience=_FOLLOW_PATIENCE if wait else 60.0) as site:
        run = site.post(f"reservations/{uid_in(reservation)}/runs", body, key=idempotency_key)
        if not wait:
            call.show(run, _submitted)
            return 0
        terminal.progress(_submitted(run))
        return _waited(call, site, run, download)


def _submitted(run: dict[str, Any]) -> str:
    told = _("Run %(number)d is queued on %(node)s: %(uid)s") % run
    return told + "\n" + _("Follow it with: equinode logs %(uid)s --follow") % run


def _waited(call: Call, site: Site, run: dict[str, Any], folder: str | None) -> int:
    """Follow the run to its end and answer as it did."""
    try:
        _follow(call, site, run["uid"], until_over=True)
    except KeyboardInterrupt:
        terminal.remark("\n" + _("The job goes on. Stop it with: equinode stop %(uid)s") % run)
        raise
    ended = site.get(f"runs/{run['uid']}")
    if folder is not None:
        fetching.fetch_all(site, run["uid"], folder)
    if call.as_json:
        terminal.say_json(ended)
    return _exit_code(ended)


def _follow(call: Call, site: Site, uid: str, *, until_over: bool) -> None:
    def printed(text: str) -> None:
        if not call.as_json:
            terminal.say_log(text)

    following.follow(site, uid, printed=printed, changed=_say_state, until_over=until_over)


def _say_state(state: str) -> None:
    terminal.progress(f"[{moments.clock_now()}] {_STATES.get(state, state)}")


_STATES = {
    "queued": _("Queued: it starts with its slot, after those before it."),
    "leased": _("Handed to the node."),
    "waiting": _("Handed to the node."),
    "staged": _("The node is ready to start it."),
    "running": _("Running."),
    "ended": _("Ended."),
    "lost": _("Lost: the node does not answer for it."),
    "not_run": _("Not run."),
}


def _exit_code(run: dict[str, Any]) -> int:
    """The job's own; what a signal ended has 128 and the signal's number, as in a shell."""
    code = run["exit_code"]
    if code is None:
        raise JobFailed(
            run["outcome"] or _STATES.get(run["state"], run["state"]),
            problem={"code": "job_failed", "detail": run["outcome"], "run": run},
        )
    if code:
        terminal.remark(run["outcome"])
    return int(code) if 0 <= code <= 255 else 128 + abs(int(code)) % 128


@command(
    equinode, "runs", _("What was run in a slot."), ["equinode runs 019306a2-0c4e-7d2a-8a53-5c7f0c0e51aa"]
)
@click.argument("reservation", metavar=_("RESERVATION"), shell_complete=completing.reservations)
def runs(call: Call, reservation: str) -> None:
    with call.site() as site:
        found = site.get(f"reservations/{uid_in(reservation)}/runs")
    call.show(
        found, lambda found: run_table(found["items"]) if found["items"] else _("Nothing was run here yet.")
    )


@command(
    equinode, "stop", _("Take a queued run back, or ask its node to stop it."),
    ["equinode stop 019306a3-1d00-7a0c-8f66-7d8a3b1c9e21"],
)  # fmt: skip
@click.argument("run", metavar=_("RUN"))
def stop(call: Call, run: str) -> None:
    with call.site() as site:
        found = site.post(f"runs/{run_of(site, run)['uid']}/stop")
    call.show(found, lambda found: _("Run %(number)d is asked to stop.") % found)


@command(
    equinode, "logs",
    _("What a run printed; of a slot, its newest run. With --follow until it is over."),
    ["equinode logs 019306a3-1d00-7a0c-8f66-7d8a3b1c9e21 --follow"],
)  # fmt: skip
@click.argument("run", metavar=_("RUN"))
@click.option("--follow", "-f", is_flag=True, help=_("Go on until the run is over."))
def logs(call: Call, run: str, follow: bool) -> None:
    with call.site(patience=_FOLLOW_PATIENCE if follow else 60.0) as site:
        uid = run_of(site, run)["uid"]
        if call.as_json:
            _follow_json(site, uid, follow)
        else:
            _follow(call, site, uid, until_over=follow)


def _follow_json(site: Site, uid: str, follow: bool) -> None:
    """One object a line: {"text": …} or {"state": …}."""
    following.follow(
        site, uid, until_over=follow,
        printed=lambda text: terminal.say_raw(json.dumps({"text": text})),
        changed=lambda state: terminal.say_raw(json.dumps({"state": state})),
    )  # fmt: skip
