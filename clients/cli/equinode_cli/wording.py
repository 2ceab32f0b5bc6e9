"""Answers and refusals of the site as lines for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from equinode_cli.errors import CliError, NotSignedIn
from equinode_cli.words import _

_MARKS = {"pass": "✓", "refuse": "✗"}


def told(exc: CliError) -> str:
    """The sentence, and below it whatever says more: rules, members, where to sign in."""
    problem = exc.problem
    lines = [exc.message]
    lines += rules(rule for rule in problem.get("rules", ()) if rule["verdict"] == "refuse")
    errors = problem.get("errors", ())
    if len(errors) > 1:  # one alone is in the sentence
        lines += [f"  {_member(error)}: {error.get('detail', '')}" for error in errors]
    lines += exc.below
    if isinstance(exc, NotSignedIn) and problem.get("status") == 401:
        lines.append(_("Sign in again with: equinode login"))
    return "\n".join(lines)


def rules(told_rules: Iterable[Mapping[str, Any]]) -> list[str]:
    """Each rule with its numbers, as the site words them; what would work stands below one that refuses."""
    lines = []
    for rule in told_rules:
        told = _("%(name)s: %(text)s") % rule if rule["text"] else rule["name"]
        lines.append(f"  {_MARKS.get(rule['verdict'], '·')} {told}")
        if rule["verdict"] == "refuse" and rule.get("remedy"):
            lines.append(f"    → {rule['remedy']}")
    return lines


def _member(error: Mapping[str, Any]) -> str:
    return str(error.get("parameter") or str(error.get("pointer", "")).removeprefix("#/") or "–")
