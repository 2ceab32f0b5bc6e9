"""What a statement says of its components: their names, and how each amount comes about.

The numbers are those stored with the line when it was published: an older line has fewer of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from django.utils.translation import gettext as _, gettext_lazy, ngettext

from common import formats
from common.formats import number
from pricing.domain.cost import Kind
from pricing.domain.declared import plain

COMPONENT_NAMES = {
    Kind.PURCHASE: gettext_lazy("Purchase"),
    Kind.ELECTRICITY: gettext_lazy("Electricity"),
    Kind.HOSTING: gettext_lazy("Hosting"),
    Kind.MAINTENANCE: gettext_lazy("Maintenance"),
    Kind.NETWORK: gettext_lazy("Network"),
    Kind.LICENCES: gettext_lazy("Licences"),
    Kind.STAFF: gettext_lazy("Staff"),
    Kind.INSURANCE: gettext_lazy("Insurance"),
    Kind.FINANCING: gettext_lazy("Financing"),
    Kind.VAT: gettext_lazy("VAT that is not recovered"),
    Kind.OVERHEAD: gettext_lazy("Overhead"),
}


def percent(share: Decimal | str) -> str:
    """A share as a bare number of per cent, with the digits it has."""
    return number(plain(Decimal(share) * 100))


def component_label(kind: Kind, detail: Mapping[str, str]) -> str:
    """The line's name with the one number that explains it."""
    if kind is Kind.PURCHASE and "years" in detail:
        years = detail["years"]
        return ngettext(
            "Purchase, spread over %(years)s year", "Purchase, spread over %(years)s years", _plural(years)
        ) % {"years": number(years)}
    if kind is Kind.STAFF and detail["posts"] != "0":
        return _("Staff, %(posts)s full-time posts") % {"posts": number(detail["posts"])}
    if kind is Kind.OVERHEAD:
        return _("Overhead, %(share)s %% of the above") % {"share": percent(detail["share"])}
    return str(COMPONENT_NAMES[kind])


def component_sentence(kind: Kind, detail: Mapping[str, str]) -> str:
    """How the yearly amount of a line comes about; empty where the amount itself was declared."""
    own = _SENTENCES[kind](detail) if kind in _SENTENCES else ""
    return _joined(own, *_shared(detail))


def _electricity_sentence(detail: Mapping[str, str]) -> str:
    values = {
        "energy": number(detail["kilowatt_hours"], 0),
        "pue": number(detail["pue"]),
        "price": number(detail["price"]),
    }
    sentence = _("%(energy)s kWh a year × PUE %(pue)s × %(price)s EUR per kWh") % values
    if "zone" not in detail:
        return sentence
    return _joined(sentence, _("mean of the day-ahead prices of %(zone)s") % {"zone": detail["zone"]})


def _hosting_sentence(detail: Mapping[str, str]) -> str:
    if "units" not in detail:
        return ""
    return _("%(units)s of %(size)s rack units × %(amount)s EUR a year") % {
        "units": number(detail["units"]),
        "size": number(detail["size"]),
        "amount": number(detail["rack_year"]),
    }


def _maintenance_sentence(detail: Mapping[str, str]) -> str:
    share, contract = detail.get("share", "0"), detail.get("contract", "0")
    parts = []
    if "share" in detail and (share != "0" or contract == "0"):
        parts.append(_("%(share)s %% of the purchase price a year") % {"share": percent(share)})
    if "share" not in detail:
        parts.append(_("a share of each price a year"))
    if contract != "0":
        parts.append(_("contracts of %(amount)s EUR") % {"amount": number(contract)})
    return _joined(*parts)


def _insurance_sentence(detail: Mapping[str, str]) -> str:
    share, premium = detail["share"], detail.get("premium", "0")
    parts = []
    if share != "0" or premium == "0":
        parts.append(_("%(share)s %% of the purchase price a year") % {"share": percent(share)})
    if premium != "0":
        parts.append(_("a premium of %(amount)s EUR") % {"amount": number(premium)})
    return _joined(*parts)


def _staff_sentence(detail: Mapping[str, str]) -> str:
    return _("%(posts)s posts × %(amount)s EUR a year") % {
        "posts": number(detail["posts"]),
        "amount": number(detail["post_year"]),
    }


def _financing_sentence(detail: Mapping[str, str]) -> str:
    if "rate" not in detail:
        return ""
    return _("%(rate)s %% interest on %(capital)s EUR tied up on average") % {
        "rate": percent(detail["rate"]),
        "capital": number(detail["capital"], 0),
    }


def _vat_sentence(detail: Mapping[str, str]) -> str:
    return _("%(bought)s EUR on what was bought, spread over its life; %(running)s EUR on a year’s costs") % {
        "bought": number(detail["bought"]),
        "running": number(detail["running"]),
    }


def _overhead_sentence(detail: Mapping[str, str]) -> str:
    # A share was declared in the first version, with one EUR as the base.
    if detail.get("direct", "1") in ("0", "1"):
        return _("Indirect cost over direct cost, from the owner’s accounts")
    return _("%(indirect)s EUR of indirect over %(direct)s EUR of direct cost, from the owner’s accounts") % {
        "indirect": number(detail["indirect"]),
        "direct": number(detail["direct"]),
    }


def _shared(detail: Mapping[str, str]) -> list[str]:
    """What comes from cost pools, and what public support carries."""
    sentences = {
        "pools": _("%(amount)s EUR from cost pools"),
        "supported": _("%(amount)s EUR of it carried by public support"),
    }
    return [text % {"amount": number(detail[name], 2)} for name, text in sentences.items() if name in detail]


def _joined(*parts: str) -> str:
    semicolon = f"{formats.NARROW}; " if formats.is_french() else "; "
    return semicolon.join(part for part in parts if part)


def _purchase_sentence(detail: Mapping[str, str]) -> str:
    values = {
        "price": number(detail["price"]),
        "residual": number(detail["residual"]),
        "granted": number(detail["granted"]),
    }
    sentence = _("%(price)s EUR less a residual value of %(residual)s EUR") % values
    if detail["granted"] == "0":
        return sentence
    return _joined(sentence, _("%(granted)s EUR of it paid by public grants") % values)


def _plural(value: str) -> int:
    return 1 if Decimal(value) == 1 else 2


_SENTENCES = {
    Kind.PURCHASE: _purchase_sentence,
    Kind.ELECTRICITY: _electricity_sentence,
    Kind.HOSTING: _hosting_sentence,
    Kind.MAINTENANCE: _maintenance_sentence,
    Kind.STAFF: _staff_sentence,
    Kind.INSURANCE: _insurance_sentence,
    Kind.FINANCING: _financing_sentence,
    Kind.VAT: _vat_sentence,
    Kind.OVERHEAD: _overhead_sentence,
}
