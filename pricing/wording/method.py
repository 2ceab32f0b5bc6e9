"""How every figure is counted, in words and formulas: the public page, and what each node's page links to.

The same as docs/cost-model.md, for readers.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from pricing.domain.cost import Kind
from pricing.wording.components import COMPONENT_NAMES


@dataclass(frozen=True)
class Source:
    label: str
    url: str


@dataclass(frozen=True)
class Section:
    code: str  # its anchor: the code of the waterfall's line
    name: str
    formula: str
    text: str
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True)
class Method:
    hours: Section
    components: tuple[Section, ...]
    totals: tuple[Section, ...]
    others: tuple[Section, ...]


_CFR = "https://www.ecfr.gov/current/title-2/section-200."
_OPENCOST = "https://github.com/opencost/opencost/blob/develop/spec/opencost-specv01.md"
_SCI = "https://github.com/Green-Software-Foundation/sci/blob/main/SPEC.md"


def method() -> Method:
    return Method(
        hours=Section(
            "hours",
            _("Device-hours"),
            _("(8,760 h − planned − unplanned outages) × share expected to be used × devices"),
            _(
                "A year’s cost is spread over the hours that are expected to be delivered, not over all"
                " hours. Whoever uses the node pays for its idle hours too, and its page says what they cost."
            ),
            (Source(_("OpenCost specification: workload and idle"), _OPENCOST),),
        ),
        components=tuple(
            Section(kind.value, str(COMPONENT_NAMES[kind]), formula, text, sources)
            for kind, formula, text, sources in _components()
        ),
        totals=tuple(
            Section(code, name, formula, text, cited) for code, name, formula, text, cited in _totals()
        ),
        others=tuple(
            Section(code, name, formula, text, cited) for code, name, formula, text, cited in _others()
        ),
    )


def _components() -> list[tuple[Kind, str, str, tuple[Source, ...]]]:
    return [
        (
            Kind.PURCHASE,
            _("(price − residual value) ÷ years of life"),
            _(
                "Straight line, from the day of purchase to the end of the life; of the first and the last"
                " year only the days count. What public grants paid wears out too, and is not charged."
            ),
            (Source("2 CFR 200.436", f"{_CFR}436"),),
        ),
        (
            Kind.ELECTRICITY,
            _("(kW in use × hours delivered + kW idle × hours waiting) × PUE × EUR per kWh"),
            _(
                "PUE is what the whole place draws for each kWh at the machine. A kWh costs what the contract"
                " says, or the mean day-ahead price of the zone, with grid fees and taxes."
            ),
            (),
        ),
        (
            Kind.HOSTING,
            _("rack units ÷ units of the rack × EUR a year for the rack, and what is declared beside"),
            _("The place in the rack, and rooms, cooling or services that are paid for the node itself."),
            (),
        ),
        (
            Kind.MAINTENANCE,
            _("share of the price a year × days after the warranty, and contracts"),
            _("While a warranty holds, maintenance of that part costs nothing."),
            (),
        ),
        (Kind.NETWORK, _("as declared"), _("EUR a year for the node’s connection."), ()),
        (Kind.LICENCES, _("as declared"), _("EUR a year for software that the node needs."), ()),
        (
            Kind.STAFF,
            _("full-time posts × EUR a year for one post, all in"),
            _("The part of their time that people spend on this node."),
            (),
        ),
        (
            Kind.INSURANCE,
            _("share of the prices paid a year, and premiums"),
            _("As the owner insures it."),
            (),
        ),
        (
            Kind.FINANCING,
            _("interest rate × (cost + residual value) ÷ 2, and what is paid beside"),
            _(
                "On the average that is tied up. Interest on the owner’s own money is part of the full cost"
                " and may not be charged; interest on loans may."
            ),
            (Source("2 CFR 200.449", f"{_CFR}449"),),
        ),
        (
            Kind.VAT,
            _("VAT on purchases, spread like their prices, and VAT on a year’s running costs"),
            _("Only VAT that the owner cannot recover."),
            (),
        ),
        (
            Kind.OVERHEAD,
            _("indirect ÷ direct costs of the owner’s accounts × this node’s direct cost"),
            _("From actual accounts: a flat rate is not accepted."),
            (Source("2 CFR 200.468", f"{_CFR}468"),),
        ),
    ]


def _totals() -> list[tuple[str, str, str, str, tuple[Source, ...]]]:
    return [
        (
            "full",
            _("Full cost"),
            _("all components ÷ device-hours delivered"),
            _("What an hour really costs, whoever paid for it."),
            (),
        ),
        (
            "granted",
            _("Public money"),
            _("what grants paid of the purchase and public support of the rest, each with its overhead"),
            _("It is taken off: nobody pays again for what the public has paid."),
            (Source("2 CFR 200.406", f"{_CFR}406"),),
        ),
        (
            "chargeable",
            _("Chargeable cost"),
            _("full cost − public money − interest on the owner’s own money"),
            _("What may be charged. A cap set by the pricing policy says how far a price may lie above it."),
            (),
        ),
        (
            "carried",
            _("Carried over"),
            _("(charged before − cost as it turned out) ÷ device-hours delivered"),
            _("What was charged too much is given back within 24 months; a deficit is made up."),
            (Source("2 CFR 200.468", f"{_CFR}468"),),
        ),
        (
            "tariff",
            _("Price"),
            _("chargeable cost + carried over + what the owner leaves off or adds"),
            _("Published with its date and never changed: another price is another row."),
            (),
        ),
        (
            "to_pay",
            _("You pay"),
            _("price + the site’s fee"),
            _("Before VAT. The fee follows from what the site itself costs."),
            (),
        ),
    ]


def _others() -> list[tuple[str, str, str, str, tuple[Source, ...]]]:
    return [
        (
            "pools",
            _("Shared costs"),
            _("the node’s part of the key ÷ the whole of the key × the cost"),
            _(
                "A cost that several nodes share is published once, with its key: rack units, staff hours,"
                " energy. Parts never come to more than the whole."
            ),
            (),
        ),
        (
            "clock",
            _("By hour of day"),
            _("kW in use × PUE × the hour’s price or intensity ÷ devices"),
            _(
                "The mean over the known hours of the last twelve months, on the clock of the place. It is"
                " the wholesale price alone: what is charged uses the declared price of a kWh."
            ),
            (),
        ),
        (
            "carbon",
            _("Carbon"),
            _("kWh × PUE × g per kWh + g of making the machine ÷ hours of its life"),
            _(
                "The first part is of running, by the intensity of the place and hour, without offsets; the"
                " second of making, over the life that is declared for the money too."
            ),
            (Source(_("Software Carbon Intensity, ISO/IEC 21031"), _SCI),),
        ),
        (
            "rounding",
            _("Rounding"),
            _("largest remainder"),
            _(
                "Figures are counted with 60 digits and rounded once. The last digit of a line is set so that"
                " the lines add up to the total that stands beneath them."
            ),
            (),
        ),
        (
            "as_of",
            _("As of"),
            _("published by then, and in force then"),
            _(
                "Asked as of a moment, a page knows what was published by then and nothing later: no"
                " correction, no withdrawal, no row dated back. What was answered then is answered again."
            ),
            (),
        ),
    ]
