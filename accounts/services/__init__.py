"""Every write about people, organisations and projects, a module for each concept."""

from __future__ import annotations

from accounts.services.organisations import add_to_organisation, create_organisation
from accounts.services.people import change_language, change_person, create_person
from accounts.services.projects import add_to_project, create_project

__all__ = [
    "add_to_organisation",
    "add_to_project",
    "change_language",
    "change_person",
    "create_organisation",
    "create_person",
    "create_project",
]
