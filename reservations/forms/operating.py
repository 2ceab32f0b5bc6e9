"""What owners type to list a node, close devices, stop or withdraw it. Rules are the services' business."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.utils.translation import gettext, gettext_lazy as _

from accounts.forms.organisations import countries
from accounts.forms.person import zones
from common.forms import NumberField
from common.lines import require_one_line
from nodes.domain.proposal import Alike, Proposal
from nodes.models import Device, Hold, Node, Site
from nodes.services.listing import Machine, NewDevice
from nodes.services.standing import LONGEST_REASON
from pricing.domain.hourly.zones import EIC
from reservations.forms.booking import DevicesField, NaiveDateTimeField, SlotForm
from reservations.forms.standing import OneOfManyForm

GIB = 2**30
ROWS = 4  # groups of alike devices on the page; a program may name each device
MOST_ALIKE = 64
_NEW = ""


def _reason(help_text: Any) -> forms.CharField:
    return forms.CharField(
        label=_("Reason"),
        max_length=LONGEST_REASON,
        validators=[require_one_line],
        help_text=help_text,
        error_messages={"required": _("Write why.")},
    )


class UidsField(forms.Field):
    """The slots that somebody has seen and takes back; what is none is nobody's."""

    widget = forms.MultipleHiddenInput

    def clean(self, value: Any) -> list[UUID]:
        found = []
        for one in value or []:
            try:
                found.append(UUID(str(one)))
            except ValueError:
                continue
        return found


class ClosingForm(SlotForm):
    """Devices and a time as the reader's clock shows it."""

    kind = forms.ChoiceField(
        label=_("What for"),
        choices=[(Hold.Kind.OWNER, _("My own time")), (Hold.Kind.CLOSURE, _("Maintenance"))],
        error_messages={"required": _("Say what it is for.")},
    )
    device = DevicesField(
        Device.objects.none(),
        to_field_name="uid",
        label=_("Devices"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={
            "required": _("Choose at least one device."),
            "invalid_choice": _("Choose devices of this node."),
            "invalid_pk_value": _("Choose devices of this node."),
        },
    )
    reason = _reason(_("Members of your organisation read it, and whoever has booked there."))
    taking_back = UidsField(required=False)
    field_order = ("kind", "device", "now", "start", "end", "reason")

    def __init__(self, data: Any, *, node: Node, at: datetime, **kwargs: Any) -> None:
        super().__init__(data, projects=(), at=at, **kwargs)
        del self.fields["project"]
        self.fields["now"].label = _("From now on")
        choice = self.fields["device"]
        assert isinstance(choice, forms.ModelMultipleChoiceField)
        choice.queryset = node.devices.order_by("index")
        self.fields["device"].initial = [str(device.uid) for device in node.devices.all()]

    @property
    def begins(self) -> datetime | None:
        """None: at once, whatever the clock says by then."""
        return None if self.cleaned_data["now"] else self.cleaned_data["start"]


class StoppingForm(SlotForm):
    """Until when, and why: everything that runs ends now."""

    end = NaiveDateTimeField(label=_("Closed until"), error_messages={"required": _("Say until when.")})
    reason = _reason(_("Everybody whose job or slot ends reads it."))

    def __init__(self, data: Any, *, at: datetime, **kwargs: Any) -> None:
        super().__init__(data, projects=(), at=at, **kwargs)
        for name in ("project", "now", "device", "start", "start_second"):
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        cleaned = forms.Form.clean(self) or self.cleaned_data
        if cleaned.get("end"):
            cleaned["end"] = self._moment("end")
            if cleaned["end"] is not None and cleaned["end"] <= self.at:
                self.add_error("end", gettext("It can end now at the earliest, not in the past."))
        return cleaned


class WithdrawingForm(forms.Form):
    reason = _reason(_("Everybody whose slot is taken back reads it."))
    taking_back = UidsField(required=False)


class DrainForm(OneOfManyForm):
    named = "drain"
    reason = _reason(_("Kept with what you do; members of your organisation read it."))


class RevokeForm(OneOfManyForm):
    named = "revoke"
    reason = _reason(_("Public, with the key, in the ledger. Name no person."))


# --- listing ---------------------------------------------------------------------------------------------
class PlaceField(forms.ChoiceField):
    """A place that there is; nothing means a new one, which is an answer too."""

    def validate(self, value: Any) -> None:
        if value != _NEW:
            super().validate(value)


class NodeForm(forms.Form):
    """A name, an address and a place: one that there is, or a new one."""

    name = forms.CharField(
        label=_("Name"),
        max_length=100,
        validators=[require_one_line],
        help_text=_("As it stands in lists, such as Lyon A100 2."),
        error_messages={"required": _("Say what it is called.")},
    )
    slug = forms.SlugField(
        label=_("Address"),
        max_length=50,
        help_text=_("Of its page, for good: small letters, digits and hyphens."),
        error_messages={
            "required": _("Choose the address of its page."),
            "invalid": _("Use small letters, digits and hyphens."),
        },
    )
    site = PlaceField(
        label=_("Where it stands"), error_messages={"required": _("Choose a place, or a new one.")}
    )
    site_name = forms.CharField(
        label=_("Name of the place"), max_length=100, required=False, validators=[require_one_line]
    )
    country = forms.ChoiceField(label=_("Country"), choices=countries, required=False)
    electricity_zone = forms.ChoiceField(
        label=_("Electricity zone"),
        required=False,
        help_text=_("Its hourly prices and carbon intensity are counted."),
    )
    time_zone = forms.ChoiceField(label=_("Time zone"), choices=zones, required=False)
    pue = NumberField(
        label="PUE",
        required=False,
        example="1.25",
        help_text=_("All electricity of the place over that of its machines, over a year: 1 or more."),
    )

    def __init__(self, *args: Any, sites: Iterable[Site], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sites = {site.slug: site for site in sites}
        site, zone = self.fields["site"], self.fields["electricity_zone"]
        assert isinstance(site, forms.ChoiceField)
        assert isinstance(zone, forms.ChoiceField)
        site.choices = [
            *((slug, one.name) for slug, one in self.sites.items()),
            (_NEW, gettext("A new place")),
        ]
        zone.choices = [("", gettext("Choose")), *((code, code) for code in sorted(set(EIC.values())))]

    @property
    def place(self) -> list[Any]:
        """The fields of a new place."""
        return [self[name] for name in ("site_name", "country", "electricity_zone", "time_zone", "pue")]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("slug"):
            cleaned["slug"] = cleaned["slug"].lower()
        if cleaned.get("site"):
            # A time zone is always sent: the first one, where nobody chose.
            if any(self.data.get(name) for name in ("site_name", "country", "electricity_zone", "pue")):
                sentence = gettext(
                    "You chose %(place)s and wrote of a new place too. "
                    "Choose “A new place”, or empty its fields."
                )
                self.add_error("site", sentence % {"place": self.sites[cleaned["site"]].name})
            return cleaned
        wanted = {
            "site_name": gettext("Say what the place is called."),
            "country": gettext("Choose its country."),
            "electricity_zone": gettext("Choose its zone."),
            "time_zone": gettext("Choose its time zone."),
            "pue": gettext("Write its PUE, such as 1.25."),
        }
        for name, sentence in wanted.items():
            if name not in self.errors and cleaned.get(name) in (None, ""):
                self.add_error(name, sentence)
        return cleaned


class MachineForm(forms.Form):
    """What is in the machine; filled in with what its agent found."""

    vendor = forms.CharField(label=_("Maker"), max_length=80, required=False, validators=[require_one_line])
    machine_model = forms.CharField(
        label=_("Machine"), max_length=120, required=False, validators=[require_one_line]
    )
    cpu_model = forms.CharField(
        label=_("Processor"), max_length=120, validators=[require_one_line],
        error_messages={"required": _("Say which processor it has.")},
    )  # fmt: skip
    cpu_cores = forms.IntegerField(
        label=_("Cores of all processors"), min_value=1, max_value=100_000,
        error_messages={"required": _("Say how many cores it has.")},
    )  # fmt: skip
    memory = NumberField(
        label=_("Memory, GB"), example="512", error_messages={"required": _("Say how much memory it has.")}
    )
    runner = forms.ChoiceField(
        label=_("Runner"),
        choices=[(Node.Runner.BUBBLEWRAP, "bubblewrap"), (Node.Runner.PODMAN, "Podman")],
        help_text=_("What keeps jobs apart from the machine."),
        error_messages={"required": _("Choose what keeps jobs apart.")},
    )

    def __init__(self, *args: Any, proposal: Proposal | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for row in range(ROWS):
            self.fields[f"number_{row}"] = forms.IntegerField(
                label=_("How many"), min_value=1, max_value=MOST_ALIKE, required=False
            )
            self.fields[f"first_{row}"] = forms.IntegerField(
                label=_("From number"), min_value=0, max_value=32_767, required=False
            )
            self.fields[f"kind_{row}"] = forms.ChoiceField(
                label=_("Kind"), choices=Device.Kind.choices, required=False
            )
            self.fields[f"model_{row}"] = forms.CharField(
                label=_("Model"), max_length=80, required=False, validators=[require_one_line]
            )
            self.fields[f"gigabytes_{row}"] = NumberField(
                label=_("Memory each, GB"), required=False, example="80"
            )
        if proposal is not None:
            self.initial = _initial(proposal)

    @property
    def machine_fields(self) -> list[Any]:
        names = ("vendor", "machine_model", "cpu_model", "cpu_cores", "memory", "runner")
        return [self[name] for name in names]

    @property
    def rows(self) -> list[list[Any]]:
        return [[self[f"{name}_{row}"] for name in _COLUMNS] for row in range(ROWS)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        filled = [row for row in range(ROWS) if cleaned.get(f"number_{row}")]
        for row in filled:
            for name, sentence in (
                ("kind", gettext("Choose its kind.")),
                ("model", gettext("Say which model.")),
                ("gigabytes", gettext("Say how much memory each has.")),
            ):
                if f"{name}_{row}" not in self.errors and not cleaned.get(f"{name}_{row}"):
                    self.add_error(f"{name}_{row}", sentence)
        if not filled and "number_0" not in self.errors:
            self.add_error("number_0", gettext("Say at least one kind of device, or the whole host."))
        return cleaned

    @property
    def machine(self) -> Machine:
        """Of a form that is valid: a row without a first number goes on from the one before."""
        said, devices, after = self.cleaned_data, [], 0
        for row in range(ROWS):
            first = after if said.get(f"first_{row}") is None else said[f"first_{row}"]
            after = first + (said.get(f"number_{row}") or 0)
            devices += [
                NewDevice(
                    said[f"kind_{row}"], said[f"model_{row}"], int(said[f"gigabytes_{row}"] * GIB), index
                )
                for index in range(first, after)
            ]
        return Machine(
            cpu_model=said["cpu_model"], cpu_cores=said["cpu_cores"],
            memory_bytes=int(said["memory"] * GIB), devices=devices, vendor=said["vendor"],
            machine_model=said["machine_model"], runner=said["runner"],
        )  # fmt: skip


_COLUMNS = ("number", "first", "kind", "model", "gigabytes")


def _initial(proposal: Proposal) -> dict[str, Any]:
    said: dict[str, Any] = {
        "cpu_model": proposal.cpu_model, "cpu_cores": proposal.cpu_cores or None,
        "memory": _gigabytes(proposal.memory_bytes), "runner": proposal.runner,
    }  # fmt: skip
    for row, alike in enumerate(proposal.devices[:ROWS]):
        said |= _row(row, alike)
    return said


def _row(row: int, alike: Alike) -> dict[str, Any]:
    return {
        f"number_{row}": alike.number, f"first_{row}": alike.first, f"kind_{row}": alike.kind,
        f"model_{row}": alike.model,
        f"gigabytes_{row}": _gigabytes(alike.memory_bytes),
    }  # fmt: skip


def _gigabytes(count: int) -> str:
    return f"{count / GIB:.2f}".rstrip("0").rstrip(".") if count else ""
