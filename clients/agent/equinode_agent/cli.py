"""The commands of `equinode-agent`."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from pathlib import Path
from typing import Any

from equinode_agent import __version__, enrolment, identity, inventory, keys, policy, selfcheck
from equinode_agent.agent import Agent, seconds_since_heartbeat
from equinode_agent.errors import AgentError, StateError
from equinode_agent.inventory import outputs
from equinode_agent.inventory.reading import Unreadable
from equinode_agent.journal import Journal


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )
    state: Path = options.state
    try:
        status: int = options.command(options, state)
        return status
    except AgentError as exc:
        sys.stderr.write(f"equinode-agent: {exc}\n")
        return 1
    except PermissionError as exc:
        sys.stderr.write(
            f"equinode-agent: {exc}. Run it as the user who enrolled, or choose another --state.\n"
        )
        return 1


def enrol(options: argparse.Namespace, state: Path) -> int:
    if identity.is_enrolled(state) and not options.again:
        known = identity.load(state)
        raise StateError(
            f"{state} is enrolled already, as {known.node_name} at {known.site}. "
            "Add --again to replace its key and its pinned site key."
        )
    identity.make_state(state)
    with identity.lock(state):
        enrolled = enrolment.enrol(
            state, site=options.site, token=_token(options.token), fingerprint=options.fingerprint
        )
    sys.stdout.write(
        f"Enrolled as {enrolled.node_name}.\nPinned the site's key {keys.fingerprint(enrolled.site_key)}.\n"
        "Start the agent: equinode-agent run\n"
    )
    return 0


def _token(given: str) -> str:
    # A command line can be read by everybody on the machine; standard input cannot.
    return sys.stdin.readline().strip() if given == "-" else given


def rotate_key(options: argparse.Namespace, state: Path) -> int:
    identity.load(state)
    with identity.lock(state):
        enrolment.rotate_key(state)
    sys.stdout.write("The site has the new key. Start the agent again.\n")
    return 0


def check(options: argparse.Namespace, state: Path) -> int:
    identity.make_state(state)
    sys.stdout.write(json.dumps(selfcheck.check(state), indent=2) + "\n")
    return 0


def run(options: argparse.Namespace, state: Path) -> int:
    policy.load(state)  # a mistake in the owner's rules is told now, not at the first job
    identity.load(state)
    # A killed agent's children may take a moment to die, and hold its lock until then.
    with identity.lock(state, patience=3):
        enrolment.settle_keys(state)
        Agent(state).run()
    return 0


def status(options: argparse.Namespace, state: Path) -> int:
    known = identity.load(state)
    since = seconds_since_heartbeat(state)
    leases = [record.summary() for record in Journal(state).records()]
    told = {
        "node": known.node_name,
        "site": known.site,
        "agent": known.agent,
        "site_key": keys.fingerprint(known.site_key),
        "running": _is_running(state),
        "seconds_since_heartbeat": None if since is None else round(since, 1),
        "paused": policy.load(state).paused,
        "leases": leases[-20:],
    }
    if options.json:
        sys.stdout.write(json.dumps(told, indent=2) + "\n")
        return 0
    for name in ("node", "site", "agent", "site_key", "running", "seconds_since_heartbeat", "paused"):
        sys.stdout.write(f"{name.replace('_', ' '):26}{told[name]}\n")
    for lease in leases[-20:]:
        reason = lease["ended"].get("reason", "")
        sys.stdout.write(f"{lease['lease']}  fence {lease['fence']:<6} {lease['state']:9} {reason}\n")
    return 0


def _is_running(state: Path) -> bool:
    try:
        identity.lock(state).close()
    except StateError:
        return True
    return False


def show_inventory(options: argparse.Namespace, state: Path) -> int:
    told = _read_elsewhere(options.read) if options.read else inventory.collect()
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    return 0


def _read_elsewhere(files: list[Path]) -> dict[str, Any]:
    """What programs printed on another machine; the first file that tells a thing counts."""
    found: dict[str, Any] = {}
    for file in files:
        try:
            found = outputs.read(file.read_bytes()) | found
        except (OSError, Unreadable) as exc:
            raise AgentError(f"{file}: {exc}") from exc
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="equinode-agent",
        description="Runs booked jobs on this node, in a sandbox, at the booked moment.",
        epilog="The node opens no port: the agent always calls the site.",
    )
    parser.add_argument("--version", action="version", version=f"equinode-agent {__version__}")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--state",
        type=Path,
        default=identity.default_state(),
        metavar="DIR",
        help="folder of keys and journal (default: %(default)s, or EQUINODE_STATE)",
    )
    shared.add_argument("--verbose", action="store_true", help="say more")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser(
        "enrol", parents=[shared], help="join a site with the one-time token of the node's page"
    )
    command.add_argument("--site", required=True, metavar="URL", help="such as https://equinode.example")
    command.add_argument(
        "--token",
        default=os.getenv("EQUINODE_TOKEN", "-"),
        metavar="T",
        help="the one-time token; - or nothing: EQUINODE_TOKEN, else a line on standard input",
    )
    command.add_argument(
        "--fingerprint", metavar="F", help="SHA-256 of the site's key as its page shows it; refuse any other"
    )
    command.add_argument("--again", action="store_true", help="replace an enrolment in this state folder")
    command.set_defaults(command=enrol)

    command = commands.add_parser("run", parents=[shared], help="serve the node until stopped")
    command.set_defaults(command=run)

    command = commands.add_parser("check", parents=[shared], help="try out the sandbox on this machine")
    command.set_defaults(command=check)

    command = commands.add_parser(
        "rotate-key", parents=[shared], help="replace the agent's key (stop the agent first)"
    )
    command.set_defaults(command=rotate_key)

    command = commands.add_parser("status", parents=[shared], help="what this agent is and does")
    command.add_argument("--json", action="store_true", help="for programs")
    command.set_defaults(command=status)

    command = commands.add_parser("inventory", parents=[shared], help="what this machine is, as JSON")
    command.add_argument(
        "--read",
        type=Path,
        nargs="+",
        metavar="FILE",
        help="instead, what nvidia-smi -q -x, lscpu, dmidecode or others printed on another machine",
    )
    command.set_defaults(command=show_inventory)
    return parser
