"""Nodes and their devices as open data."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from common.open_data.columns import flag, integer, moment, number, text, words
from common.open_data.datasets import CC_BY, Dataset, Reference
from nodes.models import Device, Node
from pricing.selectors.datasets.shared import public

NODES = Dataset(
    name="nodes",
    title=_("Nodes"),
    says=_("Every node that is or was listed, where it stands, whose it is and what is in it."),
    licence=CC_BY,
    columns=(
        text("id", _("The node’s identifier."), "uid", is_unique=True),
        text("slug", _("Its part of addresses: /nodes/<slug>/."), is_unique=True),
        words("name", _("What it is called.")),
        text(
            "state",
            _("Listed; drained: it takes no new bookings; or withdrawn since."),
            one_of=("listed", "drained", "withdrawn"),
        ),
        words("owner", _("The organisation that owns it."), "owner__name"),
        flag("owner_is_public", _("Whether its owner is a public body."), "owner__is_public_body"),
        words("site", _("Where it stands."), "site__name"),
        text("country", _("ISO 3166-1, two letters."), "site__country", pattern="^[A-Z]{2}$"),
        text("electricity_zone", _("The zone of the electricity market."), "site__electricity_zone"),
        text("time_zone", _("Of the place, as IANA names it."), "site__time_zone"),
        number(
            "pue",
            _("Power usage effectiveness: all electricity over that of the machines."),
            "site__pue",
            least="1",
        ),
        words("vendor", _("Who made the machine."), is_required=False),
        words("machine_model", _("Which machine it is."), is_required=False),
        words("cpu_model", _("Its processor.")),
        integer("cpu_cores", _("Cores of all its processors."), least="1"),
        integer("memory_bytes", _("Its main memory."), unit="byte", least="0"),
        moment("listed_at", _("When it was listed."), is_required=False),
    ),
    rows=lambda: Node.objects.filter(public()).order_by("pk"),
    changed=("listed_at",),
    is_dated=False,
    page="prices",
)

DEVICES = Dataset(
    name="devices",
    title=_("Devices"),
    says=_("What can be booked on each node: a GPU, a part of one, or the whole machine."),
    licence=CC_BY,
    columns=(
        text("id", _("The device’s identifier."), "uid", is_unique=True),
        text("node", _("The node that it is in."), "node__uid"),
        integer("index", _("Its number in the node."), least="0"),
        text("kind", _("A GPU, a MIG instance of one, or the whole host."), one_of=("gpu", "mig", "host")),
        words("model", _("As its maker calls it.")),
        text("model_key", _("The same for devices that are the same to who uses them.")),
        integer("memory_bytes", _("Its own memory."), unit="byte", least="0"),
    ),
    rows=lambda: Device.objects.filter(public("node")).order_by("node_id", "index"),
    changed=("node__listed_at",),
    is_dated=False,
    refers=(Reference("node", "nodes", "id"),),
    page="prices",
)
