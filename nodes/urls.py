"""The addresses of this app."""

from __future__ import annotations

from django.urls import URLPattern, path, register_converter
from django.urls.converters import StringConverter

from nodes import api, streams


class Anything(StringConverter):
    """As `path`, with line breaks too: what is no name for a file is refused as the protocol says."""

    regex = r"[\s\S]+"


register_converter(Anything, "anything")

pages: list[URLPattern] = []

# /agent/v1/
endpoints = [
    path("agent/v1/enrol", api.enrol, name="agent_enrol"),
    path("agent/v1/key", api.rotate_key, name="agent_key"),
    path("agent/v1/work", streams.work, name="agent_work"),
    path("agent/v1/site-key", api.site_key, name="agent_site_key"),
    path("agent/v1/inventory", api.inventory, name="agent_inventory"),
    path("agent/v1/heartbeat", api.heartbeat, name="agent_heartbeat"),
    path("agent/v1/leases/<uuid:lease>/again", api.again, name="agent_again"),
    path("agent/v1/leases/<uuid:lease>/resume/<anything:name>", api.resumed_file, name="agent_resume"),
    path("agent/v1/leases/<uuid:lease>/staged", api.staged, name="agent_staged"),
    path("agent/v1/leases/<uuid:lease>/started", api.started, name="agent_started"),
    path("agent/v1/leases/<uuid:lease>/ended", api.ended, name="agent_ended"),
    path("agent/v1/leases/<uuid:lease>/log", api.log, name="agent_log"),
    path("agent/v1/leases/<uuid:lease>/files/<anything:name>", api.file, name="agent_file"),
]
