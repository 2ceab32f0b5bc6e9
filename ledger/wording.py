"""What each kind of entry is called, and the one line that tells what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _, gettext_lazy, ngettext, pgettext

from common import formats

LABELS = {
    "cost_statement": gettext_lazy("Cost statement"),
    "tariff": gettext_lazy("Tariff"),
    "statement_withdrawn": gettext_lazy("Cost statement withdrawn"),
    "tariff_called_off": gettext_lazy("Tariff called off"),
    "statement_called_off": gettext_lazy("Cost statement called off"),
    "cost_pool": gettext_lazy("Cost pool"),
    "evidence": gettext_lazy("Evidence"),
    "evidence_redaction": gettext_lazy("Evidence redacted"),
    "site_costs": gettext_lazy("What the site costs"),
    "site_fee": gettext_lazy("Site fee"),
    "hourly_import": gettext_lazy("Hourly prices or intensities"),
    "list_prices": gettext_lazy("List prices or exchange rates"),
    "pricing_policy": gettext_lazy("Pricing policy"),
    "price_exception": gettext_lazy("Exception to the cap"),
    "price_exception_end": gettext_lazy("End of an exception to the cap"),
    "policy": gettext_lazy("Policy"),
    "policy_called_off": gettext_lazy("Policy called off"),
    "exception": gettext_lazy("Exception to the policy"),
    "exception_end": gettext_lazy("End of an exception"),
    "account_moved": gettext_lazy("Account of the share tree moved"),
    "decision": gettext_lazy("Decision"),
    "inventory": gettext_lazy("Inventory of a node"),
    "node_check": gettext_lazy("Check of a node"),
    "key": gettext_lazy("Key"),
}


def label(kind: str) -> str:
    return str(LABELS.get(kind, kind))


def _cost_statement(body: dict[str, Any]) -> str:
    return _("Full cost EUR %(full)s, chargeable EUR %(chargeable)s per delivered device-hour") % {
        "full": formats.number(body["full_delivered"]),
        "chargeable": formats.number(body["chargeable_delivered"]),
    }


def _tariff(body: dict[str, Any]) -> str:
    return _("EUR %(price)s per device-hour from %(date)s") % {
        "price": formats.number(body["price"]),
        "date": body["effective_from"][:10],
    }


def _statement_withdrawn(body: dict[str, Any]) -> str:
    return _("Statement %(number)d ends on %(date)s: %(reason)s") % {
        "number": body["number"],
        "date": body["ends_at"][:10],
        "reason": body["reason"],
    }


def _called_off(body: dict[str, Any]) -> str:
    return _("Number %(number)d, announced for %(date)s: %(reason)s") % {
        "number": body["number"],
        "date": body["effective_from"][:10],
        "reason": body["reason"],
    }


def _cost_pool(body: dict[str, Any]) -> str:
    return _("%(name)s%(colon)sEUR %(amount)s a year, split over %(nodes)s nodes") % {
        "name": body["name"],
        "colon": formats.colon(),
        "amount": formats.number(body["amount_year"]),
        "nodes": len(body["shares"]),
    }


def _evidence(body: dict[str, Any]) -> str:
    return _("A file of %(size)s, %(digest)s") % {
        "size": formats.size(body["size"]),
        "digest": formats.digest(body["digest"]),
    }


def _evidence_redaction(body: dict[str, Any]) -> str:
    return _("By a steward") if body["by"] == "steward" else _("By its owner")


def _hourly_import(body: dict[str, Any]) -> str:
    return _("%(source)s%(colon)svalues added %(added)s, changed %(changed)s") % {
        "source": body["source"],
        "colon": formats.colon(),
        "added": formats.number(body["added"]),
        "changed": formats.number(body["changed"]),
    }


def _site_costs(body: dict[str, Any]) -> str:
    return _("EUR %(total)s a year, a fee of at most EUR %(fee)s per device-hour: %(reason)s") % {
        "total": formats.number(body["total_year"]),
        "fee": formats.number(body["highest_fee"]),
        "reason": body["reason"],
    }


def _list_prices(body: dict[str, Any]) -> str:
    return _("%(source)s%(colon)srows added %(added)s, changed %(changed)s") % {
        "source": body["source"],
        "colon": formats.colon(),
        "added": formats.number(body["added"]),
        "changed": formats.number(body["changed"]),
    }


def _site_fee(body: dict[str, Any]) -> str:
    return _("EUR %(amount)s per device-hour: %(reason)s") % {
        "amount": formats.number(body["amount"]),
        "reason": body["reason"],
    }


def _pricing_policy(body: dict[str, Any]) -> str:
    return _("Version %(policy)d, caps of %(private)s and %(public)s: %(reason)s") % {
        "policy": body["policy"],
        "private": formats.percent(body["private_cap"]),
        "public": formats.percent(body["public_cap"]),
        "reason": body["reason"],
    }


def _price_exception(body: dict[str, Any]) -> str:
    return _("Up to EUR %(price)s per device-hour until %(date)s: %(reason)s") % {
        "price": formats.number(body["highest_price"]),
        "date": body["effective_until"][:10],
        "reason": body["reason"],
    }


def _price_exception_end(body: dict[str, Any]) -> str:
    return str(body["reason"])


def _policy(body: dict[str, Any]) -> str:
    return _("Version %(policy)d: %(reason)s") % body


def _policy_called_off(body: dict[str, Any]) -> str:
    return _("Version %(policy)d, announced for %(date)s: %(reason)s") % {
        "policy": body["policy"],
        "date": body["effective_from"][:10],
        "reason": body["reason"],
    }


def _exception(body: dict[str, Any]) -> str:
    return _("%(number)s %(value)s instead of %(policy_value)s: %(reason)s") % body


def _exception_end(body: dict[str, Any]) -> str:
    return str(body["reason"])


def _account_moved(body: dict[str, Any]) -> str:
    said = {
        "name": body["name"], "below": body["below_name"], "from_below": body["from_below_name"],
        "before": formats.percent(body["part_before"], 2), "part": formats.percent(body["part"], 2),
        "reason": body["reason"],
    }  # fmt: skip
    if body["below"] == body["from_below"]:
        return (
            _("%(name)s, below %(below)s: promised %(part)s of everything instead of %(before)s: %(reason)s")
            % said
        )
    return (
        _(
            "%(name)s, from below %(from_below)s (%(before)s of everything) to below %(below)s (%(part)s):"
            " %(reason)s"
        )
        % said
    )


def _decision(body: dict[str, Any]) -> str:
    outcome = _("Granted") if body["outcome"] == "granted" else _("Refused")
    return _("%(outcome)s under policy version %(policy)d") % {"outcome": outcome, "policy": body["policy"]}


def _inventory(body: dict[str, Any]) -> str:
    if body["action"] == "agrees":
        return _("The machine is what is listed again")
    count = ngettext(
        "%(number)s difference between machine and listing",
        "%(number)s differences between machine and listing",
        body["differences"],
    ) % {"number": formats.number(body["differences"])}
    if body["action"] == "differs":
        return count
    return _("%(count)s, settled%(colon)s%(reason)s") % {
        "count": count, "colon": formats.colon(), "reason": body["reason"],
    }  # fmt: skip


def _node_check(body: dict[str, Any]) -> str:
    told = {
        ("conformance", "passed"): _("Conformance check passed"),
        ("conformance", "failed"): _("Conformance check failed"),
        ("spot", "passed"): _("Spot check as fast as its reference"),
        ("spot", "failed"): _("Spot check off its reference"),
    }
    return _("%(told)s%(colon)slevel %(level)s") % {
        "told": told[body["purpose"], body["outcome"]], "colon": formats.colon(), "level": body["level"],
    }  # fmt: skip


def _key(body: dict[str, Any]) -> str:
    purposes = {
        "ledger": _("The key that signs this ledger"),
        "dispatch": _("The key that signs jobs"),
        "agent": _("The key of a node’s agent"),
    }
    action = pgettext("key", "added") if body["action"] == "added" else pgettext("key", "revoked")
    return f"{purposes[body['purpose']]}{formats.colon()}{action}"


_SUMMARIES: dict[str, Callable[[dict[str, Any]], str]] = {
    "cost_statement": _cost_statement,
    "tariff": _tariff,
    "statement_withdrawn": _statement_withdrawn,
    "tariff_called_off": _called_off,
    "statement_called_off": _called_off,
    "cost_pool": _cost_pool,
    "evidence": _evidence,
    "evidence_redaction": _evidence_redaction,
    "site_costs": _site_costs,
    "site_fee": _site_fee,
    "hourly_import": _hourly_import,
    "list_prices": _list_prices,
    "pricing_policy": _pricing_policy,
    "price_exception": _price_exception,
    "price_exception_end": _price_exception_end,
    "policy": _policy,
    "policy_called_off": _policy_called_off,
    "exception": _exception,
    "exception_end": _exception_end,
    "account_moved": _account_moved,
    "decision": _decision,
    "inventory": _inventory,
    "node_check": _node_check,
    "key": _key,
}


def summary(fact: dict[str, Any]) -> str:
    tell = _SUMMARIES.get(fact["kind"])
    return tell(fact["body"]) if tell else ""
