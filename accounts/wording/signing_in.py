"""What allauth's forms say when they refuse, in the words of this site."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

ACCOUNT = {
    "account_inactive": _("This account is closed."),
    "cannot_remove_primary_email": _("This is the address of your account: it can be changed, not removed."),
    "duplicate_email": _("This is your address already."),
    "email_password_mismatch": _("The e-mail address or the password is not right."),
    "email_taken": _("Somebody has an account with this address."),
    "enter_current_password": _("This is not your current password."),
    "incorrect_code": _("This code is not right."),
    "incorrect_password": _("This is not your password."),
    "invalid_login": _("The e-mail address or the password is not right."),
    "invalid_or_expired_key": _("This link is not valid, or no longer."),
    "invalid_password_reset": _("This link is not valid, or no longer."),
    "max_email_addresses": _("You cannot have more than %d e-mail addresses."),
    "rate_limited": _("That was too many attempts. Wait some minutes."),
    "same_as_current": _("This is what you have already: choose another one."),
    "too_many_login_attempts": _("Too many attempts to sign in failed. Wait five minutes."),
    "unknown_email": _("No account has this address."),
    "unverified_primary_email": _("Prove first that the address of your account is yours."),
}
SECOND_FACTOR = {
    "add_email_blocked": _("Remove your second factor before you change the e-mail address."),
    "cannot_delete_authenticator": _("This second factor cannot be removed."),
    "cannot_generate_recovery_codes": _("Recovery codes come with a second factor: add one first."),
    "incorrect_code": ACCOUNT["incorrect_code"],
    "unverified_email": _("Prove first that the address of your account is yours."),
}
PROVIDER = {
    "connected_other": _("This sign-in belongs to another account here."),
    "disconnect_last": _("This is the only way you sign in: set a password or add a passkey first."),
    "email_taken": _("Somebody has an account with this address. Sign in to it, then add %s under Security."),
    "invalid_token": _("The provider’s answer does not hold. Try it again from the start."),
    "no_password": _("Set a password first: otherwise nothing would be left to sign in with."),
    "no_verified_email": _("Prove an e-mail address first: otherwise nothing would be left to sign in with."),
}
