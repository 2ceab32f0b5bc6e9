"""Everything that a page can do, a program can do: which call does the same, or why there is none.

`manage.py permissions` writes the table into docs/permissions.md. tests/config/test_parity.py fails where a
page that changes something is not here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from config.permissions import Address

_WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True)
class Call:
    method: str
    name: str  # of the endpoint's address


# By the name of the page's address.
CALLS: Mapping[str, Sequence[Call]] = {
    # booking, jobs and projects
    "book": [Call("POST", "api_reservations")],
    "reservation_cancel": [Call("DELETE", "api_reservation")],
    "reservation_move": [Call("POST", "api_reservation_move")],
    "reservation_extend": [Call("POST", "api_reservation_extend")],
    "reservation_release": [
        Call("POST", "api_reservation_release"),
        Call("DELETE", "api_reservation_release"),
    ],
    "reservation_hand_over": [Call("POST", "api_reservation_hand_over")],
    "reservation_check_in": [Call("POST", "api_reservation_check_in")],
    "reservation_appeal": [Call("POST", "api_reservation_appeal")],
    "run_add": [Call("POST", "api_runs")],
    "run_stop": [Call("POST", "api_run_stop")],
    "apply": [Call("POST", "api_applications")],
    "application_withdraw": [Call("DELETE", "api_application")],
    "project_settings": [Call("PATCH", "api_project")],
    "project_close": [Call("POST", "api_project_close")],
    "invite": [Call("POST", "api_invitations")],
    "invitation_resend": [Call("POST", "api_invitation_resend")],
    "invitation_revoke": [Call("DELETE", "api_invitation_sent")],
    "member": [Call("PATCH", "api_member")],
    "member_remove": [Call("DELETE", "api_member")],
    "hand_over": [Call("POST", "api_hand_over")],
    "leave": [Call("POST", "api_leave")],
    "welcome": [Call("POST", "api_welcome")],
    # an account's shares
    "organisation_shares": [Call("POST", "api_shares")],
    "organisation_share": [Call("PATCH", "api_share")],
    "organisation_share_end": [Call("POST", "api_share_end")],
    "organisation_share_invite": [Call("POST", "api_share_invitation")],
    "organisation_share_withdraw": [Call("DELETE", "api_share_invitation")],
    "organisation_share_resend": [Call("POST", "api_share_resend")],
    # money
    "line_new": [Call("POST", "api_lines")],
    "line_close": [Call("POST", "api_line_close")],
    "grant_new": [Call("POST", "api_grants")],
    # what a node costs
    "draft_start": [Call("PUT", "api_statement_draft")],
    "draft_step": [Call("PUT", "api_statement_draft")],
    "draft_effect": [Call("POST", "api_statement_preview")],
    "draft_review": [Call("POST", "api_statement_publish")],
    "draft_discard": [Call("DELETE", "api_statement_draft")],
    "statement_correct": [Call("POST", "api_statement_correct")],
    "statement_withdraw": [Call("POST", "api_statement_withdraw")],
    "tariff_new": [Call("POST", "api_tariffs")],
    "tariff_call_off": [Call("POST", "api_tariff_call_off")],
    # an owner's nodes
    "node_new": [Call("POST", "api_organisation_nodes")],
    "node_agent": [Call("POST", "api_enrolment_tokens")],
    "node_agent_revoke": [Call("POST", "api_node_agent_revoke")],
    "node_machine": [Call("PUT", "api_node_machine")],
    "node_discard": [Call("DELETE", "api_node_machine")],
    "node_close": [Call("POST", "api_closures")],
    "node_reopen": [Call("DELETE", "api_closure")],
    "node_drain": [Call("POST", "api_node_drain")],
    "node_resume": [Call("POST", "api_node_resume")],
    "node_stop": [Call("POST", "api_node_stop")],
    "node_withdraw": [Call("POST", "api_node_withdraw")],
    "node_settle": [Call("POST", "api_node_settle")],
    "node_check": [Call("POST", "api_node_conformance")],
    # evidence and cost pools
    "evidence_files": [Call("POST", "api_evidence_files")],
    "evidence_attach": [Call("POST", "api_statement_evidence"), Call("POST", "api_pool_evidence")],
    "evidence_widen": [Call("PATCH", "api_evidence")],
    "evidence_redact": [Call("POST", "api_evidence_redact")],
    "evidence_discard": [Call("DELETE", "api_evidence")],
    "pool_new": [Call("POST", "api_pool_drafts"), Call("POST", "api_pool_draft_publish")],
    "pool_correct": [Call("POST", "api_pool_drafts"), Call("POST", "api_pool_draft_publish")],
    "pool_draft": [Call("PATCH", "api_pool_draft"), Call("POST", "api_pool_draft_publish")],
    "pool_draft_discard": [Call("DELETE", "api_pool_draft")],
    # people and organisations
    "me": [Call("PATCH", "api_me")],
    "notice_read": [Call("POST", "api_notice_read")],
    "notices_read": [Call("POST", "api_notices_read")],
    "notice_preferences": [Call("PATCH", "api_preferences")],
    "unsubscribe": [Call("PATCH", "api_preferences")],
    "session_end": [Call("DELETE", "api_session")],
    "sessions_end": [Call("DELETE", "api_sessions")],
    "tokens": [Call("POST", "api_tokens")],
    "token_revoke": [Call("DELETE", "api_token")],
    "invitation": [Call("POST", "api_invitation"), Call("POST", "api_invitation_decline")],
    "organisation_register": [Call("POST", "api_organisations")],
    "organisation_ask_again": [Call("POST", "api_organisation_ask_again")],
    "organisation_invite": [Call("POST", "api_organisation_invitations")],
    "organisation_invitation_resend": [Call("POST", "api_organisation_invitation_resend")],
    "organisation_invitation_revoke": [Call("DELETE", "api_organisation_invitation_sent")],
    "organisation_member": [Call("PATCH", "api_organisation_member")],
    "organisation_member_remove": [Call("DELETE", "api_organisation_member")],
    "organisation_hand_over": [Call("POST", "api_organisation_hand_over")],
    "organisation_leave": [Call("POST", "api_organisation_leave")],
    # what stewards do
    "steward_application": [Call("POST", "api_application_grant")],
    "steward_application_decline": [Call("POST", "api_application_decline")],
    "steward_class": [Call("POST", "api_project_class")],
    "steward_end": [Call("POST", "api_project_end")],
    "steward_suspend": [Call("POST", "api_project_suspend")],
    "steward_resume": [Call("POST", "api_project_resume")],
    "steward_place": [Call("POST", "api_project_place")],
    "steward_accounts": [Call("POST", "api_organisation_accounts")],
    "steward_account": [Call("PATCH", "api_organisation_account")],
    "steward_share_account": [Call("POST", "api_share_account_place")],
    "steward_account_take": [Call("POST", "api_organisation_account_take")],
    "steward_no_show": [Call("POST", "api_appeal_answer")],
    "steward_project_exceptions": [Call("POST", "api_exceptions")],
    "steward_policy": [Call("POST", "api_policy_drafts")],
    "steward_policy_draft": [Call("PUT", "api_policy_draft")],
    "steward_policy_review": [Call("POST", "api_policy_draft_publish"), Call("POST", "api_policies")],
    "steward_policy_discard": [Call("DELETE", "api_policy_draft")],
    "steward_policy_call_off": [Call("POST", "api_policy_call_off")],
    "steward_exception": [Call("POST", "api_exception_end")],
    "steward_replays": [Call("POST", "api_replays")],
    "steward_pricing_policy": [Call("POST", "api_pricing_policies")],
    "steward_site_costs": [Call("POST", "api_site_costs")],
    "steward_site_fee": [Call("POST", "api_site_fees")],
    "steward_node_exceptions": [Call("POST", "api_price_exceptions")],
    "steward_price_exception": [Call("POST", "api_price_exception_end")],
    "steward_organisation": [
        Call("POST", "api_organisation_verify"),
        Call("POST", "api_organisation_decline"),
    ],
    "steward_person": [
        Call("POST", "api_person_close"),
        Call("POST", "api_person_reopen"),
        Call("POST", "api_person_end_sessions"),
    ],
    "steward_announcements": [Call("POST", "api_announcements")],
    "steward_electricity": [Call("POST", "api_electricity_imports")],
    "steward_market": [Call("POST", "api_list_price_imports"), Call("POST", "api_exchange_rates")],
    "steward_announcement_end": [Call("DELETE", "api_announcement")],
    "steward_mail_again": [Call("POST", "api_mail_again")],
}

# Pages that stay pages, each with its reason.
ALONE: Mapping[str, str] = {
    "account_email_verification_sent": "proving an address is a step of signing up",
    "set_language": "the language of one browser: a call says `Accept-Language`",
    "data_erase": "asks again who you are before an account is deleted for good",
    "oidc": "leads a browser to the sign-in provider",
    "socialaccount_connections": "a means of signing in: asks again who you are before it goes",
}
# By the room of the table, where one reason holds for all of it.
ROOMS_ALONE: Mapping[str, str] = {
    "allauth": "signing in, passwords and second factors: a token is made once somebody has signed in",
    "django": "repairs by hand, for staff",
    "nodes": "said by a node’s agent: these are calls, in a protocol of their own",
}


def changing(every: Iterable[Address]) -> Iterator[Address]:
    """Pages that something is changed through."""
    return (
        address for address in every if not address.is_api and any(one in _WRITES for one in address.rules)
    )


def reason_alone(address: Address) -> str | None:
    return ALONE.get(address.name) or ROOMS_ALONE.get(address.room)


def gaps(every: Sequence[Address]) -> list[str]:
    """What the tables above leave open, or say of what is not there; a line each."""
    calls = {(method, address.name) for address in every if address.is_api for method in address.rules}
    pages = {address.name: address for address in changing(every)}
    found = [
        f"{address.route}: no call does the same, and no reason is given"
        for address in pages.values()
        if address.name not in CALLS and reason_alone(address) is None
    ]
    found += [
        f"{name}: {call.method} {call.name} is no call"
        for name, named in CALLS.items()
        for call in named
        if (call.method, call.name) not in calls
    ]
    found += [f"{name}: no page changes something there" for name in {*CALLS, *ALONE} - set(pages)]
    return found


def rows(every: Sequence[Address]) -> list[list[str]]:
    """The table, page by page; a room with one reason for all of it is one line."""
    routes = {address.name: address.route for address in every if address.is_api}
    told: dict[str, list[str]] = {}
    for address in changing(every):
        if address.name in CALLS:
            calls = (f"{call.method} `{routes[call.name]}`" for call in CALLS[address.name])
            told[address.route] = [f"`{address.route}`", "; ".join(calls)]
        elif address.name in ALONE:
            told[address.route] = [f"`{address.route}`", f"none: {ALONE[address.name]}"]
        else:
            room = ROOMS_ALONE[address.room]
            told[address.room] = [f"`{_ABOVE[address.room]}`", f"none: {room}"]
    return list(told.values())


_ABOVE = {"allauth": "/accounts/…", "django": "/admin/…", "nodes": "/agent/v1/…"}
