"""What rules say to a person: code and numbers in, sentences in the reader's language out."""

from __future__ import annotations

from reservations.wording.answers import as_json, headline, nearest, rules
from reservations.wording.called_off import called_off
from reservations.wording.exceptions import (
    exception_url,
    number_means,
    number_name,
    told_by_rule,
    unfit,
    value_entered,
    value_said,
)
from reservations.wording.policies import (
    class_name,
    day_minute,
    fault,
    policy_number_name,
    policy_value,
    unit_name,
)
from reservations.wording.policy_changes import differences, hours_of_day, kind_name, weekday_name
from reservations.wording.rule import words
from reservations.wording.told import RuleWords, name

__all__ = [
    "RuleWords",
    "as_json",
    "called_off",
    "exception_url",
    "fault",
    "headline",
    "name",
    "nearest",
    "number_means",
    "number_name",
    "rules",
    "told_by_rule",
    "unfit",
    "value_entered",
    "value_said",
    "class_name",
    "day_minute",
    "differences",
    "hours_of_day",
    "kind_name",
    "policy_number_name",
    "policy_value",
    "unit_name",
    "weekday_name",
    "words",
]
