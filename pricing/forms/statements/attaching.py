"""Putting a file behind a part of a draft: one that the owner has, or a new one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy as _

from common.lines import require_one_line
from nodes.models import Node
from pricing.forms.statements.steps import ASKED, PART_NAMES, Step
from pricing.models import Evidence
from pricing.wording import COMPONENT_NAMES

ACCEPTED = "application/pdf,image/png,image/jpeg,image/webp,text/csv"


class AttachForm(forms.Form):
    """Sent with the step's form, so that what was typed there is saved too."""

    use_required_attribute = False
    part = forms.ChoiceField(label=_("What it is evidence of"), required=False)
    known = forms.ModelChoiceField(
        label=_("A file that you have handed in before"), required=False, to_field_name="uid",
        queryset=Evidence.objects.none(), empty_label=_("None, a new one"),
    )  # fmt: skip
    file = forms.FileField(
        label=_("Or a new file"), required=False,
        help_text=_("PDF, picture or CSV. Where a picture was taken is left out."),
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPTED}),
    )  # fmt: skip
    title = forms.CharField(
        label=_("Its name"), required=False, max_length=120, validators=[require_one_line],
        help_text=_("Readers see it, whoever may open the file. Such as: Invoice of the machine."),
    )  # fmt: skip
    visibility = forms.ChoiceField(
        label=_("Who may open it"), required=False, choices=Evidence.Visibility.choices,
        help_text=_("Can be made wider later, never narrower."),
    )  # fmt: skip

    prefix = "evidence"

    def __init__(self, *args: Any, node: Node, step: Step) -> None:
        super().__init__(*args)
        self.parts = [str(name) for name in ASKED[step].sourced if name in COMPONENT_NAMES]
        choices = self.fields["part"]
        assert isinstance(choices, forms.ChoiceField)
        choices.choices = [(name, PART_NAMES[name]) for name in self.parts]
        known = self.fields["known"]
        assert isinstance(known, forms.ModelChoiceField)
        known.queryset = Evidence.objects.filter(organisation=node.owner, redacted_at=None)

    @property
    def is_asked(self) -> bool:
        """Somebody who chose a file means it, whichever button they press."""
        return "attach" in self.data or any(self[name].data for name in ("known", "file"))

    @property
    def has_errors(self) -> bool:
        return self.is_bound and self.is_asked and bool(self.errors)

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if not self.is_asked or given.get("known"):
            return given
        if not given.get("file") and "file" not in self.errors:
            self.add_error("file", gettext("Choose a file, or one that you have handed in before."))
        if not given.get("title") and "title" not in self.errors:
            self.add_error("title", gettext("Give it a name."))
        return given

    def refuse(self, field: str, message: str) -> None:
        """A service's no, beside what was wrong."""
        self.add_error(field if field in self.fields else None, message)
