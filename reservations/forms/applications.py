"""Applying for a project, a class or a larger share, and a steward's answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext, gettext_lazy as _

from accounts.models import Organisation, Project
from common.evidence import store, wording
from common.evidence.faults import Unfit
from common.lines import require_one_line
from reservations.forms.standing import NO_SHARES, DayField, OneOfManyForm
from reservations.selectors.applications import AccountChoice
from reservations.services.applications import Granting, Wish

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

_CLASSES = [choice for choice in Project.Class.choices if choice[0] != Project.Class.INDEPENDENT]
_MOST_SHARES = 1_000_000


class ApplyForm(forms.Form):
    """For a new project, or for one that is led already: then its name is its own."""

    name = forms.CharField(
        label=_("Name of the project"),
        max_length=150,
        validators=[require_one_line],
        error_messages={"required": _("Say what the project is called.")},
    )
    summary = forms.CharField(
        label=_("In one sentence"), max_length=300, required=False, validators=[require_one_line]
    )
    organisation = forms.ModelChoiceField(
        Organisation.objects.none(),
        to_field_name="slug",
        label=_("Organisation"),
        required=False,
        empty_label=_("None of mine"),
    )
    wanted_class = forms.ChoiceField(
        label=_("Class"),
        choices=_CLASSES,
        help_text=_("What kind of work it is. Grants and hours of public interest can depend on it."),
        error_messages={"required": _("Choose the class.")},
    )
    wanted_shares = forms.IntegerField(
        label=_("Shares"),
        required=False,
        min_value=1,
        max_value=_MOST_SHARES,
        help_text=_("Only for a larger part than the project has now."),
    )
    purpose = forms.CharField(
        label=_("What it is for"),
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("What is computed, how much of it, and until when."),
        error_messages={"required": _("Say what it is for.")},
    )
    evidence = forms.CharField(
        label=_("Evidence, in words"),
        max_length=4000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("A grant’s number, a register’s entry, an address of a page: what a steward can check."),
    )
    file = forms.FileField(
        label=_("Evidence, as a file"),
        required=False,
        help_text=_("PDF, image or text (CSV too), 10 MiB at most. Only you and the stewards can read it."),
        error_messages={"empty": _("This file is empty.")},
    )

    file_claims = ""

    def __init__(
        self, *args: Any, applicant: Any, project: Project | None, refused: int = 0, **kwargs: Any
    ) -> None:
        """`refused`: the size of an upload that was too large to be read."""
        super().__init__(*args, **kwargs)
        self.project, self.refused = project, refused
        choice = self.fields["organisation"]
        assert isinstance(choice, forms.ModelChoiceField)
        if project is None:
            choice.queryset = Organisation.objects.of(applicant)
            del self.fields["wanted_shares"]
            return
        for name in ("name", "summary", "organisation"):
            del self.fields[name]
        wanted = self.fields["wanted_class"]
        assert isinstance(wanted, forms.ChoiceField)
        wanted.choices = Project.Class.choices
        wanted.initial = project.project_class

    def clean_file(self) -> bytes:
        file: UploadedFile[Any] | None = self.cleaned_data["file"]
        try:
            if self.refused:
                raise store.too_large(self.refused)
            if file is None:
                return b""
            content, self.file_claims = store.read(file)
        except Unfit as fault:
            raise forms.ValidationError(wording.sentence(fault)) from fault
        return content

    @property
    def wish(self) -> Wish:
        return Wish(**self.cleaned_data, file_claims=self.file_claims)


class GrantForm(forms.Form):
    """What a steward gives."""

    granted_class = forms.ChoiceField(
        label=_("Class"), choices=Project.Class.choices, error_messages={"required": _("Choose the class.")}
    )
    class_expires_at = DayField(
        label=_("Class holds until"),
        required=False,
        help_text=_("Three years at most. “Independent” needs no day."),
    )
    account = forms.ChoiceField(
        label=_("Account"),
        error_messages={"required": _("Choose the account that it stands below.")},
    )
    shares = forms.IntegerField(
        label=_("Shares"),
        min_value=0,
        max_value=_MOST_SHARES,
        initial=1,
        help_text=_("Among the others of the account: with 2 it has twice the part of one with 1."),
        error_messages={"required": NO_SHARES},
    )
    uses_public_money = forms.BooleanField(
        label=_("Public money pays"),
        required=False,
        help_text=_("Then others see the project’s own name on what it holds. Only for a new project."),
    )
    reply = forms.CharField(
        label=_("Reply"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("The applicant reads it. Its beginning is kept with the class as its reason."),
        error_messages={"required": _("Write a reply: the applicant reads it.")},
    )

    def __init__(self, *args: Any, accounts: Iterable[AccountChoice], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.accounts = {str(choice.vertex.pk): choice.vertex for choice in accounts}
        account = self.fields["account"]
        assert isinstance(account, forms.ChoiceField)
        account.choices = [("", gettext("Choose")), *((str(one.vertex.pk), one.path) for one in accounts)]

    @property
    def granting(self) -> Granting:
        given = self.cleaned_data
        return Granting(
            project_class=given["granted_class"],
            account=self.accounts[given["account"]],
            shares=given["shares"],
            class_expires_at=given["class_expires_at"],
            uses_public_money=given["uses_public_money"],
        )


class DeclineForm(OneOfManyForm):
    named = "decline"
    reply = forms.CharField(
        label=_("Reply"),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("Why not, and what would make it work."),
        error_messages={"required": _("Write a reply: the applicant reads it.")},
    )
