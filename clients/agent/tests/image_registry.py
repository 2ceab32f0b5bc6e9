"""A registry of images on the loopback, with one small image: the distribution API as far as a pull goes."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import sys
import tarfile
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PROGRAMS = "sh cat chmod cp dd echo env false grep head id ip kill ls mkdir mount nc nice od ps pwd rm seq"
PROGRAMS += " setsid sleep stat tail touch tr true wc wget"
INDEX = "application/vnd.oci.image.manifest.v1+json"


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


# A shell that a stranger could put into an image: it knows no job, and ends by no word.
RUDE_SHELL = b"#!/bin/busybox sh\necho there > /work/there\nwhile :; do echo aaaaaaaaaaaaaaaaaaaaaaaa; done\n"


def _layer(busybox: Path, shell: bytes | None) -> bytes:
    """`shell` None: no /bin/sh at all; empty: busybox's."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        for folder in ("bin", "etc", "tmp", "var", "work"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        _add(archive, "bin/busybox", busybox.read_bytes())
        for name in PROGRAMS.split():
            if name != "sh" or shell == b"":
                link = tarfile.TarInfo(f"bin/{name}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                archive.addfile(link)
        if shell:
            _add(archive, "bin/sh", shell)
    return tar.getvalue()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = 0o755, len(content)
    archive.addfile(entry, io.BytesIO(content))


class _Image:
    def __init__(self, busybox: Path, shell: bytes | None) -> None:
        plain = _layer(busybox, shell)
        packed = gzip.compress(plain, 1)
        config = json.dumps(
            {
                "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "amd64"),
                "os": "linux",
                # What an image may declare and a job must not get: a volume, and every GPU of the machine.
                "config": {"Env": ["NVIDIA_VISIBLE_DEVICES=all", "PATH=/bin"], "Volumes": {"/var": {}}},
                "rootfs": {"type": "layers", "diff_ids": [_digest(plain)]},
            }
        ).encode()
        self.manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": INDEX,
                "config": _described("application/vnd.oci.image.config.v1+json", config),
                "layers": [_described("application/vnd.oci.image.layer.v1.tar+gzip", packed)],
            }
        ).encode()
        self.blobs = {_digest(config): config, _digest(packed): packed}


class Registry:
    """`hold_back`, while set, keeps the second half of every layer until it returns."""

    def __init__(self, busybox: Path) -> None:
        shells = {"small": b"", "rude": RUDE_SHELL, "shell-less": None}
        self.images = {f"tools/{name}": _Image(busybox, shell) for name, shell in shells.items()}
        self.hold_back: Callable[[], object] | None = None
        self._server = _Server(self)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def named(self, name: str) -> str:
        return f"{self.address}/{name}@{_digest(self.images[name].manifest)}"

    @property
    def image(self) -> str:
        return self.named("tools/small")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _described(kind: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, registry: Registry) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.registry = registry

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that has heard enough hangs up; all else is a fault."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._serve(with_body=False)

    def do_GET(self) -> None:
        self._serve(with_body=True)

    def _serve(self, *, with_body: bool) -> None:
        registry = self.server.registry
        name, _, wanted = self.path.removeprefix("/v2/").rpartition("/")
        image = registry.images.get(name.removesuffix("/manifests").removesuffix("/blobs"))
        status, kind, content = 200, "application/json", b"{}"
        if image is not None and name.endswith("/manifests"):
            # The same for every digest: what comes is not always what was asked for.
            kind, content = INDEX, image.manifest
        elif image is not None:
            kind, content = "application/octet-stream", image.blobs[wanted]
        elif self.path != "/v2/":
            status, content = (
                404,
                b'{"errors": [{"code": "MANIFEST_UNKNOWN", "message": "manifest unknown"}]}',
            )
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if with_body:
            half = len(content) // 2
            self.wfile.write(content[:half])
            self.wfile.flush()
            if registry.hold_back is not None and len(content) > 100_000:
                registry.hold_back()
            self.wfile.write(content[half:])
