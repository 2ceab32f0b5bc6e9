"""Runs a job from an OCI image: podman or docker, by digest, under the same gate and limits as bubblewrap."""

from __future__ import annotations
