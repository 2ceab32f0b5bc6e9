"""`manage.py enrolment_token NODE`: on a terminal the command to paste, into a pipe the bare token."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common import clock
from nodes.models import Node
from nodes.services import enrolment


class Command(BaseCommand):
    help = "Print the command that enrols an agent on this node; its token is good once, for 15 minutes."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("node", metavar="NODE", help="the node's slug")

    def handle(self, *args: Any, node: str, **options: Any) -> None:
        found = Node.objects.filter(slug=node).first()
        if found is None:
            raise CommandError(f"There is no node “{node}”.")
        token = enrolment.issue_token(node=found, by=None, at=clock.now())
        if not self.stdout.isatty():
            self.stdout.write(token)  # a program asks: it wants the token alone
            return
        self.stdout.write(f"On {found.name}, within 15 minutes:")
        self.stdout.write(f"  equinode-agent enrol --site {settings.SITE_ORIGIN} --token {token}")
