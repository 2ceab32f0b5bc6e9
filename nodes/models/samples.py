"""What a node says of itself with its heartbeats, a row a minute; older rows are thinned out."""

from __future__ import annotations

from django.db import models

from nodes.models.places import Node


class NodeSample(models.Model):
    """One minute of one node: how many heartbeats came, and what the last of them told."""

    node = models.ForeignKey(Node, models.CASCADE, related_name="samples")
    minute = models.DateTimeField()
    heartbeats = models.PositiveIntegerField(default=1)
    cpu_percent = models.FloatField(null=True)
    memory_used_bytes = models.BigIntegerField(null=True)
    disk_free_bytes = models.BigIntegerField(null=True)
    clock_offset_s = models.FloatField(null=True)
    # [{"index", "temperature_c", "power_w", "utilisation_percent", "memory_used_bytes"}], by index
    gpus = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["node", "minute"], name="one_sample_per_node_and_minute")
        ]

    def __str__(self) -> str:
        return f"{self.node_id} {self.minute:%Y-%m-%d %H:%M}"
