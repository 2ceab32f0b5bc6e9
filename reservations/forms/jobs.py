"""What people type to run a job in a slot. Rules are the services' business."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext, gettext_lazy as _, gettext_noop

from nodes.domain.confinement import LONGEST_IMAGE
from nodes.models import Node
from reservations.domain import jobs
from reservations.selectors import confinement
from reservations.selectors.confinement import Choices


class EnvironmentField(forms.CharField):
    """NAME=value, one a line."""

    def clean(self, value: Any) -> dict[str, str]:
        environment: dict[str, str] = {}
        for number, line in enumerate(super().clean(value).splitlines(), start=1):
            if not line.strip():
                continue
            name, separator, content = line.partition("=")
            if not separator:
                raise forms.ValidationError(
                    gettext("Line %(number)d is not NAME=value.") % {"number": number}
                )
            environment[name.strip()] = content
        return environment


class PatternsField(forms.CharField):
    """Glob patterns, one a line."""

    def clean(self, value: Any) -> list[str]:
        return [line.strip() for line in super().clean(value).splitlines() if line.strip()]


_ON_THE_WAY = gettext_noop(
    "Through a proxy that most programs find by themselves. Private addresses and those of the node are"
    " never reached."
)
_AS_USUAL = (None, "", "none", jobs.Retry.NEVER, jobs.OnDisconnect.KEEP)


class RunForm(forms.Form):
    """A job: what to run, with which environment, and which files to bring back."""

    node = forms.ModelChoiceField(
        Node.objects.none(),
        to_field_name="slug",
        label=_("Node"),
        empty_label=None,
        error_messages={"required": _("Choose the node.")},
    )
    script = forms.CharField(
        label=_("Command or script"),
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
        help_text=_("Run by /bin/sh in the job’s own folder, once the slot has started."),
        error_messages={"required": _("Write what is to run.")},
    )
    environment = EnvironmentField(
        required=False,
        label=_("Environment"),
        widget=forms.Textarea(attrs={"rows": 3, "class": "mono", "spellcheck": "false"}),
        help_text=_(
            "NAME=value, one a line. Members of your project and the node’s administrators can read it."
        ),
    )
    bring_back = PatternsField(
        required=False,
        label=_("Files to bring back"),
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"}),
        help_text=_("Patterns such as out/*.csv, one a line."),
    )
    runner = forms.ChoiceField(required=False, label=_("Runs under"))
    image = forms.CharField(
        required=False,
        label=_("Image"),
        max_length=LONGEST_IMAGE,
        widget=forms.TextInput(attrs={"class": "mono", "spellcheck": "false", "autocapitalize": "none"}),
        help_text=_(
            "For Podman and Docker: registry/name@sha256:digest. The digest is what “docker images"
            " --digests” shows; a tag could mean another image tomorrow."
        ),
    )
    network = forms.ChoiceField(required=False, label=_("Network"))
    retry = forms.ChoiceField(
        required=False,
        label=_("If its node fails"),
        choices=[
            (jobs.Retry.NEVER, _("Do not run it again")),
            (jobs.Retry.FROM_START, _("Run it again from its start")),
            (jobs.Retry.FROM_CHECKPOINT, _("Run it again with the files of its checkpoint")),
        ],
        help_text=_("At most three times more, in what is left of the slot. What was lost is not charged."),
    )
    checkpoint = PatternsField(
        required=False,
        label=_("Files of the checkpoint"),
        widget=forms.Textarea(attrs={"rows": 2, "class": "mono", "spellcheck": "false"}),
        help_text=_("Patterns such as state/*.pt, one a line. They are in its folder when it runs again."),
    )
    on_disconnect = forms.ChoiceField(
        required=False,
        label=_("If node and site cannot reach each other"),
        choices=[
            (jobs.OnDisconnect.KEEP, _("Let it run on until its slot ends")),
            (jobs.OnDisconnect.STOP, _("Stop it after ten minutes")),
        ],
    )
    # What hardly anybody changes: these stand folded below the others.
    IF_IT_FAILS = ("retry", "checkpoint", "on_disconnect")
    CONFINED = ("runner", "image", "network")

    def clean_runner(self) -> str:
        return str(self.cleaned_data["runner"])

    def clean_network(self) -> str:
        return self.cleaned_data["network"] or "none"

    def clean_retry(self) -> str:
        return self.cleaned_data["retry"] or jobs.Retry.NEVER

    def clean_on_disconnect(self) -> str:
        return self.cleaned_data["on_disconnect"] or jobs.OnDisconnect.KEEP

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors:
            cleaned["terms"] = jobs.Terms.pop(cleaned)
        return cleaned

    @property
    def first(self) -> list[forms.BoundField]:
        """What everybody fills in."""
        folded = self.IF_IT_FAILS + self.CONFINED
        return [field for field in self.visible_fields() if field.name not in folded]

    @property
    def confined(self) -> list[forms.BoundField]:
        return [self[name] for name in self.CONFINED if name in self.fields]

    @property
    def is_confined_otherwise(self) -> bool:
        return any(field.errors or field.value() not in _AS_USUAL for field in self.confined)

    @property
    def if_it_fails(self) -> list[forms.BoundField]:
        return [self[name] for name in self.IF_IT_FAILS]

    @property
    def is_told_otherwise(self) -> bool:
        """Whether something there is wrong or not as usual: then it is not folded."""
        return any(field.errors or field.value() not in _AS_USUAL for field in self.if_it_fails)

    def __init__(self, data: Any, *, nodes: Iterable[Node], offered: Choices, **kwargs: Any) -> None:
        super().__init__(data, **kwargs)
        choice = self.fields["node"]
        assert isinstance(choice, forms.ModelChoiceField)
        found = list(nodes)
        choice.queryset = Node.objects.filter(pk__in=[node.pk for node in found])
        if len(found) == 1:
            choice.widget = forms.HiddenInput()
            choice.initial = found[0].slug
        self._offer(offered)

    def _offer(self, offered: Choices) -> None:
        """What the nodes have; a field with nothing to choose is not there."""
        runner, network = self.fields["runner"], self.fields["network"]
        assert isinstance(runner, forms.ChoiceField)
        assert isinstance(network, forms.ChoiceField)
        runner.choices = [("", gettext("What its node is listed with")), *offered.runners]
        network.choices = [
            (one, word[:1].upper() + word[1:])
            for one, word in ((one, confinement.network_label(one)) for one in offered.networks)
        ]
        network.help_text = " ".join([gettext(_ON_THE_WAY), offered.sentence]).strip()
        there = {"runner": len(offered.runners) > 1, "image": offered.has_images}
        for name in [name for name, is_there in there.items() if not is_there]:
            del self.fields[name]
        if offered.networks == ("none",):
            del self.fields["network"]
