"""The steps of the wizard, and what each asks. Every field says what it means, with an example."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from pricing.domain.declared import EnergySource, FundingKind, Kind
from pricing.forms.statements.parts import Part, YesNoField, amount, day, line, share, words
from pricing.wording import COMPONENT_NAMES

if TYPE_CHECKING:
    from pricing.forms.statements.parts import Text


class Step(StrEnum):
    PURCHASE = "purchase"
    POWER = "power"
    HOSTING = "hosting"
    PEOPLE = "people"
    REST = "rest"
    REVIEW = "review"


class FundingPart(Part):
    choices: ClassVar[Sequence[str]] = ("kind",)
    source = line(_("Who paid"), _("Such as: Research agency, programme 2026."), required=True)
    kind = forms.ChoiceField(
        label=_("With what money"),
        choices=[
            (FundingKind.PUBLIC_GRANT, _("A public grant")),
            (FundingKind.OWN, _("Own money")),
            (FundingKind.LOAN, _("A loan")),
            (FundingKind.GIFT, _("A gift")),
        ],
    )
    amount = amount(_("How much, EUR"), _("Such as: 168,000."), example="168000", required=True)


class AssetPart(Part):
    nested: ClassVar[Mapping[str, type[Part]]] = {"funding": FundingPart}
    name = line(
        _("What was bought"),
        _("One machine, or one part with a life of its own. Such as: DGX H100, or switch."),
        required=True,
    )
    price = amount(
        _("Price without VAT, EUR"),
        _("As on the invoice. Such as: 280,000."),
        example="280000",
        required=True,
    )
    purchased_on = day(
        _("Bought on"), _("The date of the invoice. It is worn out from then on."), required=True
    )
    life_years = amount(
        _("Years of use"),
        _("Over how many years the price is spread. Computing centres usually say 5."),
        example="5", required=True,
    )  # fmt: skip
    residual_value = amount(
        _("Worth at the end, EUR"),
        _("What it can be sold for after those years. Such as: 28,000; or 0."), example="28000",
    )  # fmt: skip
    vat_not_recovered = amount(
        _("VAT that you do not get back, EUR"), _("0 where the tax office gives it back."), example="0"
    )
    maintenance_share = share(
        _("Maintenance, % of the price a year"),
        _("What a service contract costs after the warranty. Such as: 4."),
    )
    warranty_until = day(_("Warranty until"), _("Maintenance counts from then on."))
    embodied_kilograms = amount(
        _("Carbon of making it, kg CO2e"),
        _("From the maker’s product report. Such as: 2,500."),
        example="2500",
    )
    embodied_lowest = amount(_("At least, kg CO2e"), _("Where the report gives a range."), example="1900")
    embodied_highest = amount(_("At most, kg CO2e"), example="3100")


class PurchasePart(Part):
    nested: ClassVar[Mapping[str, type[Part]]] = {"assets": AssetPart}
    related_parties = YesNoField(
        label=_("Do you buy from, or rent your room from, somebody close to you?"),
        help_text=_(
            "Such as a company of yours, of your parent body or of your family. It is shown, not judged."
        ),
    )


# How electricity is bought: no member of its own, it decides between two.
CONTRACT, DAY_AHEAD = "contract", "day_ahead"


class PowerPart(Part):
    active_kilowatts = amount(
        _("Power in use, kW"),
        _("What the whole machine draws while it computes. A meter at its socket knows best. Such as: 6.2."),
        example="6.2", required=True,
    )  # fmt: skip
    idle_kilowatts = amount(
        _("Power when idle, kW"),
        _("What it draws while it waits for work; often a quarter of the above. Such as: 1.4."),
        example="1.4", required=True,
    )  # fmt: skip
    energy_source = forms.ChoiceField(
        label=_("Where these two figures come from"),
        choices=[
            (EnergySource.WALL, _("A meter at the socket")),
            (EnergySource.BMC, _("The machine’s own controller (BMC)")),
            (EnergySource.RAPL_NVML, _("Counters of its processors and GPUs")),
            (EnergySource.MODEL, _("Worked out from data sheets")),
        ],
    )
    pue = amount(
        _("PUE of the place"),
        _("Power of the whole room over that of its machines: 1.25 is a quarter more, for cooling."),
        example="1.25", required=True,
    )  # fmt: skip
    buys = forms.ChoiceField(
        label=_("How you buy electricity"),
        choices=[(CONTRACT, _("At the price of a contract")), (DAY_AHEAD, _("At the day-ahead price"))],
    )
    contract_price = amount(
        _("Price of electricity, EUR per kWh"),
        _("From your contract or bill, without VAT that you get back. Such as: 0.145."), example="0.145",
    )  # fmt: skip
    energy_adder = amount(
        _("Supplier’s addition, EUR per kWh"), _("Where it is not in the price above."), example="0.004"
    )
    grid_fee = amount(_("Grid fee, EUR per kWh"), _("Where it is not in the price above."), example="0.03")
    electricity_tax = amount(
        _("Taxes on electricity, EUR per kWh"), _("Those that you do not get back."), example="0.001"
    )
    planned_outage_hours = amount(
        _("Planned stops, hours a year"),
        _("Maintenance and your own use: nobody can book then. A year has 8,760 hours. Such as: 250."),
        example="250",
    )  # fmt: skip
    unplanned_outage_hours = amount(
        _("Breakdowns, hours a year"),
        _("From your records, or what you expect. Such as: 100."),
        example="100",
    )
    used_share = share(
        _("Hours used, % of those that can be booked"),
        _("What you expect. The hours that nobody uses are paid by those that are. Such as: 70."),
        example="70", required=True,
    )  # fmt: skip


class HostingPart(Part):
    rack_year = amount(
        _("The whole rack, EUR a year"),
        _("Room, cooling and security of the rack it stands in. Such as: 9,600."),
        example="9600",
    )  # fmt: skip
    rack_units = amount(_("Height of this machine, rack units"), _("Such as: 8."), example="8")
    rack_size = amount(_("Height of the rack, rack units"), _("Usually 42."), example="42")
    hosting_year = amount(
        _("Hosting of this machine, EUR a year"),
        _("Where you pay for the machine and not for a rack, or on top of it. Such as: 9,000."),
        example="9000",
    )  # fmt: skip


class PeoplePart(Part):
    staff_posts = amount(
        _("People who look after this machine, full-time posts"),
        _("One person for a day a week is 0.2. Such as: 0.15."), example="0.15",
    )  # fmt: skip
    staff_post_year = amount(
        _("What one full-time post costs, EUR a year"),
        _("Salary and everything that the employer pays on it. Such as: 82,000."), example="82000",
    )  # fmt: skip


class SupportPart(Part):
    choices: ClassVar[Sequence[str]] = ("kind",)
    source = line(_("Who gives it"), _("Such as: the university."), required=True)
    kind = forms.ChoiceField(
        label=_("What it carries"),
        choices=[
            (kind, name)
            for kind, name in COMPONENT_NAMES.items()
            if kind not in (Kind.PURCHASE, Kind.OVERHEAD)
        ],
    )
    amount_year = amount(_("Worth, EUR a year"), _("Such as: 12,300."), example="12300", required=True)


class RestPart(Part):
    nested: ClassVar[Mapping[str, type[Part]]] = {"support": SupportPart}
    network_year = amount(
        _("Network, EUR a year"), _("Its part of lines and ports. Such as: 2,000."), example="2000"
    )
    licences_year = amount(
        _("Licences, EUR a year"), _("Software that you pay for. Such as: 1,500."), example="1500"
    )
    maintenance_year = amount(
        _("Maintenance contracts, EUR a year"),
        _("Beside the share of the price that you gave with the purchase."),
        example="3000",
    )  # fmt: skip
    insurance_share = share(_("Insurance, % of the price a year"), _("Such as: 0.5."), example="0.5")
    insurance_year = amount(_("Insurance, EUR a year"), _("Where it is a fixed sum."), example="1400")
    interest_rate = share(
        _("Interest, % a year"),
        _("What the money costs that is tied up in the machine. Such as: 3."),
        example="3",
    )
    financing_year = amount(
        _("Financing, EUR a year"), _("Fees and interest beside that rate."), example="900"
    )
    vat_year = amount(
        _("VAT on running costs that you do not get back, EUR a year"),
        _("0 where you get it back."),
        example="0",
    )
    indirect_costs = amount(
        _("Indirect costs of your organisation, EUR"),
        _("Administration, buildings and the like, from your accounts of one year. Such as: 120,000."),
        example="120000",
    )  # fmt: skip
    direct_costs = amount(
        _("Direct costs that they are spread over, EUR"),
        _("From the same accounts. 120,000 over 1,000,000 adds 12 % to everything above."), example="1000000",
    )  # fmt: skip


# What evidence and sources are told of: components, and what stands behind several.
PART_NAMES: Mapping[str, Text] = {
    **{str(kind): name for kind, name in COMPONENT_NAMES.items()},
    "power": _("Power"),
    "hours": _("Hours"),
}


@dataclass(frozen=True)
class Asked:
    """What a step is called, asks and explains."""

    step: Step
    name: Text
    lede: Text
    part: type[Part]
    # Components whose source is told here, and whose evidence is shown.
    sourced: tuple[str, ...]

    @cached_property
    def sources(self) -> type[Part]:
        """A field for each: where its figures come from."""
        fields = {name: words(PART_NAMES[name]) for name in self.sourced}
        return type(f"{self.step.title()}Sources", (Part,), fields)


ASKED: Mapping[Step, Asked] = {
    asked.step: asked
    for asked in (
        Asked(
            Step.PURCHASE, _("Purchase"),
            _("What the machine cost to buy, and who paid. Its price is spread over the years of use."),
            PurchasePart, (Kind.PURCHASE,),
        ),
        Asked(
            Step.POWER, _("Power and hours"),
            _("What the machine draws, what a kilowatt-hour costs, and how many hours it can be booked."),
            PowerPart, (Kind.ELECTRICITY, "power", "hours"),
        ),
        Asked(
            Step.HOSTING, _("Hosting and pools"),
            _("The place it stands in, and costs that it shares with your other machines."),
            HostingPart, (Kind.HOSTING,),
        ),
        Asked(
            Step.PEOPLE, _("People"),
            _("Who keeps it running. In European computing centres people are half of all cost."),
            PeoplePart, (Kind.STAFF,),
        ),
        Asked(
            Step.REST, _("The rest"),
            _("Network, licences, insurance, financing, overhead. Leave empty what you do not pay."),
            RestPart,
            (Kind.NETWORK, Kind.LICENCES, Kind.MAINTENANCE, Kind.INSURANCE, Kind.FINANCING, Kind.VAT,
             Kind.OVERHEAD),
        ),
    )
}  # fmt: skip
