"""People, organisations and projects: who somebody is and what they belong to.

What a project may use and has used is told by `reservations`, what it pays by `pricing`.
"""

from __future__ import annotations

from accounts.models.acts import StewardAct
from accounts.models.invitations import Invitation
from accounts.models.notices import Announcement, MailPreference, Notice
from accounts.models.organisations import Organisation, OrganisationMembership
from accounts.models.people import HouseRulesAcceptance, User, UserManager
from accounts.models.projects import ClassGrant, Project, ProjectMembership
from accounts.models.tokens import ApiToken, IdempotentAnswer

__all__ = [
    "Announcement",
    "ApiToken",
    "ClassGrant",
    "HouseRulesAcceptance",
    "IdempotentAnswer",
    "Invitation",
    "MailPreference",
    "Notice",
    "Organisation",
    "OrganisationMembership",
    "Project",
    "ProjectMembership",
    "StewardAct",
    "User",
    "UserManager",
]
