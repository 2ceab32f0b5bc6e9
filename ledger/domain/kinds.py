"""What may be entered: one schema per kind of fact. Add a kind by adding its schema here.

A schema names every member; one that is not named is refused. No member holds personal
data, and text that looks like an e-mail address is refused wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ledger.domain.jcs import Json

# Of all schemas together: grows when a member of a known kind changes its meaning.
VERSION = 1

Check = Callable[[Json], bool]

_UID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
_DECIMAL = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_E_MAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[A-Za-z]{2,}")


class Unfit(ValueError):
    """`member` of a body is missing, unknown or not what its kind wants."""

    def __init__(self, member: str, wanted: str) -> None:
        super().__init__(f"{member}: {wanted}")
        self.member, self.wanted = member, wanted


@dataclass(frozen=True)
class Member:
    wanted: str  # for the sentence of a refusal
    fits: Check
    required: bool = True


def _matches(pattern: re.Pattern[str]) -> Check:
    return lambda value: isinstance(value, str) and pattern.fullmatch(value) is not None


def text(longest: int) -> Member:
    return Member(
        f"text of at most {longest} characters",
        lambda value: isinstance(value, str) and len(value) <= longest,
    )


def one_of(*values: str) -> Member:
    return Member("one of " + ", ".join(values), lambda value: value in values)


def nullable(member: Member) -> Member:
    """A member that may be null, and then may be left out."""
    return Member(
        f"{member.wanted}, or null", lambda value: value is None or member.fits(value), required=False
    )


UID = Member("a UUID in lower case", _matches(_UID))
DIGEST = Member("a SHA-256 digest in lower-case hexadecimal", _matches(_DIGEST))
MOMENT = Member("a moment in UTC such as 2026-11-22T15:00:00Z", _matches(_MOMENT))
AMOUNT = Member("a decimal number written as text", _matches(_DECIMAL))
COUNT = Member(
    "a whole number, zero or more",
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
)
OBJECT = Member("an object", lambda value: isinstance(value, dict))

Schema = Mapping[str, Member]

_PERIOD: Schema = {"effective_from": MOMENT, "effective_until": nullable(MOMENT)}
_CORRECTION: Schema = {"corrects": nullable(UID), "reason": nullable(text(500))}

SCHEMAS: Mapping[str, Schema] = {
    # An owner's declaration of what a node costs; EUR per device-hour.
    "cost_statement": {
        "statement": UID,
        "node": UID,
        "number": COUNT,
        **_PERIOD,
        "declared": OBJECT,
        "device_count": COUNT,
        "full_available": AMOUNT,
        "full_delivered": AMOUNT,
        "chargeable_available": AMOUNT,
        "chargeable_delivered": AMOUNT,
        "publicly_funded_share": AMOUNT,
        "digest": DIGEST,
        **_CORRECTION,
    },
    # The dated price of a device-hour; EUR before VAT and the site's fee.
    "tariff": {
        "tariff": UID,
        "node": UID,
        "number": COUNT,
        "statement": UID,
        **_PERIOD,
        "price": AMOUNT,
        "carried": AMOUNT,
        "owner_adjustment": AMOUNT,
        # What it was held against, where a pricing policy was in force; absent from older entries.
        "policy": nullable(COUNT),
        "limit": nullable(AMOUNT),
        "exception": nullable(UID),
        "digest": DIGEST,
        **_CORRECTION,
    },
    # That an owner ended a statement without a successor, and with it the tariff that was in force.
    "statement_withdrawn": {
        "statement": UID,
        "node": UID,
        "number": COUNT,
        "ends_at": MOMENT,
        "tariff": nullable(UID),
        "reason": text(500),
    },
    # That a price, or a statement, was called off before it began; and what goes on in its place.
    "tariff_called_off": {
        "tariff": UID,
        "node": UID,
        "number": COUNT,
        "effective_from": MOMENT,
        "continues": nullable(UID),
        "reason": text(500),
    },
    "statement_called_off": {
        "statement": UID,
        "node": UID,
        "number": COUNT,
        "effective_from": MOMENT,
        "continues": nullable(UID),
        "reason": text(500),
    },
    # What a cost that several nodes share comes to, and by which key it is split; EUR a year.
    "cost_pool": {
        "pool": UID,
        "statement": UID,
        "organisation": UID,
        "number": COUNT,
        **_PERIOD,
        "name": text(80),
        "component": text(20),
        "amount_year": AMOUNT,
        "key": text(20),
        "whole": AMOUNT,
        "shares": OBJECT,  # by the node's uid
        "unassigned_share": AMOUNT,
        "digest": DIGEST,
        **_CORRECTION,
    },
    # That a file stands behind a published statement of a node or a pool. The file itself is not here.
    "evidence": {
        "evidence": UID,
        "organisation": UID,
        "digest": DIGEST,
        "size": COUNT,
        "format": one_of("pdf", "png", "jpg", "webp", "csv", "txt"),
        "visibility": one_of("steward", "funders", "public"),
        "of": one_of("statement", "pool"),
        "statement": UID,
        "part": nullable(text(60)),
    },
    # That such a file was taken away for good. Its digest stays where it was entered. Why is told on its
    # page, in words that often speak of a person: the ledger has their digest alone.
    "evidence_redaction": {
        "evidence": UID,
        "digest": DIGEST,
        "by": one_of("owner", "steward"),
        "reason_digest": DIGEST,
    },
    # What the site itself costs in a year, and the highest fee per device-hour that follows; EUR.
    "site_costs": {
        "statement": UID,
        "number": COUNT,
        **_PERIOD,
        "costs": OBJECT,
        "total_year": AMOUNT,
        "subsidy_year": AMOUNT,
        "device_hours": AMOUNT,
        "highest_fee": AMOUNT,
        "digest": DIGEST,
        **_CORRECTION,
    },
    # What the site itself charges per device-hour; EUR. Older entries do not say what it follows from.
    "site_fee": {**_PERIOD, "amount": AMOUNT, "statement": nullable(UID), "reason": text(500)},
    # That a file of hourly prices or carbon intensities was imported, and how many values came of it.
    "hourly_import": {
        "import": UID,
        "content": one_of("prices", "carbon", "countries"),
        "source": text(200),
        "licence": text(200),
        "digest": DIGEST,
        "values": COUNT,
        "missing": COUNT,
        "added": COUNT,
        "changed": COUNT,
    },
    # That list prices, prices in shops or exchange rates were imported, and how many rows came of it.
    "list_prices": {
        "import": UID,
        "content": one_of("prices", "shops", "rates"),
        "source": text(200),
        "licence": text(200),
        "digest": DIGEST,
        "rows": COUNT,
        "unmatched": COUNT,
        "added": COUNT,
        "changed": COUNT,
    },
    # How far a price may lie above its cost: caps as shares of the cost, the floor as a share of the hours.
    "pricing_policy": {
        "policy": COUNT,
        **_PERIOD,
        "private_cap": AMOUNT,
        "public_cap": AMOUNT,
        "utilisation_floor": AMOUNT,
        "window_months": COUNT,
        "digest": DIGEST,
        "reason": text(500),
    },
    # A node may cost more than the cap allows, up to a price and for some time; EUR per device-hour.
    "price_exception": {
        "exception": UID,
        "node": UID,
        "policy": nullable(COUNT),
        "highest_price": AMOUNT,
        **_PERIOD,
        "reason": text(500),
    },
    # That a steward ended one early, and with it the tariffs that were in force under it.
    "price_exception_end": {
        "exception": UID,
        "ended_at": MOMENT,
        "tariff": nullable(UID),
        "reason": text(500),
    },
    "policy": {
        "policy": COUNT,
        **_PERIOD,
        "rules": OBJECT,
        "digest": DIGEST,
        "reason": text(500),
    },
    # That a version that was to come never takes effect, and which one goes on.
    "policy_called_off": {
        "policy": COUNT,
        "effective_from": MOMENT,
        "continues": nullable(COUNT),
        "reason": text(500),
    },
    # One number of the policy, eased for one project and for some time. The project under the pseudonym of
    # the month; the values are exact numbers such as 168 or 3/4.
    "exception": {
        "exception": UID,
        "project": text(20),
        "policy": COUNT,
        "number": text(40),
        "policy_value": text(20),
        "value": text(20),
        **_PERIOD,
        "reason": text(500),
    },
    # That a steward ended one early.
    "exception_end": {"exception": UID, "ended_at": MOMENT, "reason": text(500)},
    # That an account of the share tree was put below another, or given other shares; by their numbers and
    # names. The parts are of everything, as promised to it before and from then on.
    "account_moved": {
        "account": COUNT,
        "name": text(150),
        "from_below": COUNT,
        "from_below_name": text(150),
        "below": COUNT,
        "below_name": text(150),
        "shares_before": nullable(COUNT),
        "shares": COUNT,
        "part_before": AMOUNT,
        "part": AMOUNT,
        "reason": text(500),
    },
    # That an answer was given, and a digest that only those who may read it can open.
    "decision": {
        "decision": UID,
        "policy": COUNT,
        "engine": text(20),
        "outcome": one_of("granted", "refused"),
        "digest": DIGEST,
    },
    # What an agent found on its node, where that began to differ from what is listed, agreed with it again or
    # was settled: the digest of its inventory, and how many differences hold the node back.
    "inventory": {
        "inventory": UID,
        "node": UID,
        "action": one_of("differs", "agrees", "settled"),
        "digest": DIGEST,
        "differences": COUNT,
        "settlement": nullable(one_of("adopted", "accepted")),
        "by": nullable(one_of("owner", "steward")),
        "reason": nullable(text(500)),
    },
    # What came of a check of a node: a conformance job, or a benchmark that nobody knew of before. `level`
    # is the node's afterwards (docs/node-profile.md).
    "node_check": {
        "check": UID,
        "node": UID,
        "purpose": one_of("conformance", "spot"),
        "outcome": one_of("passed", "failed"),
        "level": COUNT,
        "digest": DIGEST,
    },
    # A public key of the site or of a node's agent: raw Ed25519, base64.
    "key": {
        "purpose": one_of("ledger", "dispatch", "agent"),
        "action": one_of("added", "revoked"),
        "public_key": text(44),
        "node": nullable(UID),
        "reason": nullable(text(500)),
    },
}


def has_e_mail(text: str) -> bool:
    return _E_MAIL.search(text) is not None


def _refuse_e_mail(name: str, value: Json) -> None:
    """No personal data: an address is the kind that slips into a reason or a note."""
    match value:
        case str() if has_e_mail(value):
            raise Unfit(name, "no e-mail address, the ledger is public and for ever")
        case list():
            for item in value:
                _refuse_e_mail(name, item)
        case dict():
            for inner, member in value.items():
                _refuse_e_mail(f"{name}.{inner}", inner)
                _refuse_e_mail(f"{name}.{inner}", member)


def validate(kind: str, body: Mapping[str, Json]) -> None:
    """Raise Unfit unless `body` is exactly what the schema of `kind` names."""
    schema = SCHEMAS.get(kind)
    if schema is None:
        raise Unfit("kind", "one of " + ", ".join(sorted(SCHEMAS)))
    for name in body:
        if name not in schema:
            raise Unfit(name, f"no such member in a {kind}")
    for name, member in schema.items():
        if name not in body:
            if member.required:
                raise Unfit(name, "this member is required")
        elif not member.fits(body[name]):
            raise Unfit(name, member.wanted)
        else:
            _refuse_e_mail(name, body[name])
