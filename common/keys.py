"""Keys in files, made once, readable by their owner only: Ed25519 private keys in PEM, and rings of Fernet
keys, a line each, that seal what the database keeps and nobody but this site may read.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.core.exceptions import ImproperlyConfigured


def make_key(path: Path) -> bool:
    """Write a new key unless there is one; answer whether a key was made."""
    return _write_once(path, _pem(Ed25519PrivateKey.generate()))


def replace_private_key(path: Path, key: Ed25519PrivateKey) -> None:
    """Put this key in the place of the one in this file, in one step."""
    write_whole(path, _pem(key))


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file that only its owner may read; on the disk before this returns."""
    _scratch(path, content).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _pem(key: Ed25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def make_sealing_key(path: Path) -> bool:
    """The same for a ring, with one key."""
    return _write_once(path, Fernet.generate_key() + b"\n")


def turn_sealing_key(path: Path) -> None:
    """Put a new key first: it seals from now on, and the older ones go on opening what they sealed."""
    new = Fernet.generate_key()
    _rewrite_ring(path, lambda keys: [new, *keys])


def add_sealing_key(path: Path) -> str:
    """Put a new key last, where it opens and does not seal; answer its name."""
    new = Fernet.generate_key()
    _rewrite_ring(path, lambda keys: [*keys, new])
    return name_of_sealing_key(new)


def use_sealing_key(path: Path, name: str) -> None:
    """Put the key of that name first: it seals from now on. KeyError where the ring has none."""

    def first(keys: list[bytes]) -> list[bytes]:
        named = {name_of_sealing_key(key): key for key in keys}
        return [named[name], *(key for key in keys if key != named[name])]

    _rewrite_ring(path, first)


def name_of_sealing_key(key: bytes) -> str:
    """To tell it from others of its ring, and of no use for anything else."""
    return sha256(key).hexdigest()[:12]


def _rewrite_ring(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # Of two that change it at once neither may lose the other's key.
        fcntl.flock(folder, fcntl.LOCK_EX)
        _scratch(path, b"\n".join(change(path.read_bytes().split())) + b"\n").replace(path)
        # On the disk before anything is sealed with it.
        os.fsync(folder)
    finally:
        os.close(folder)


def load_sealing_keys(path: Path) -> MultiFernet:
    """The ring in this file, read again when it changed: turning the key needs no restart."""
    try:
        return _ring(str(path), path.stat().st_mtime_ns)
    except FileNotFoundError as exc:
        raise ImproperlyConfigured(f"There is no key at {path}: run manage.py make_keys") from exc


@lru_cache(maxsize=2)
def _ring(path: str, changed_ns: int) -> MultiFernet:
    try:
        return MultiFernet([Fernet(line) for line in Path(path).read_text().split()])
    except ValueError as exc:  # no key, or what is none: say where, never what
        raise ImproperlyConfigured(f"{path} holds something else than Fernet keys, a line each") from exc


def _write_once(path: Path, content: bytes) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = _scratch(path, content)
    try:
        # A link, not a rename: two that start at once must end with one key, the first.
        os.link(scratch, path)
    except FileExistsError:
        return False
    finally:
        scratch.unlink()
    return True


def _scratch(path: Path, content: bytes) -> Path:
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return scratch


def load_private_key(path: Path) -> Ed25519PrivateKey:
    """The key in this file, read again when it changed: replacing it needs no restart."""
    try:
        return _load(str(path), path.stat().st_mtime_ns)
    except FileNotFoundError as exc:
        raise ImproperlyConfigured(f"There is no key at {path}: run manage.py make_keys") from exc


@lru_cache(maxsize=8)
def _load(path: str, changed_ns: int) -> Ed25519PrivateKey:
    key = serialization.load_pem_private_key(Path(path).read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey):
        raise ImproperlyConfigured(f"The key at {path} is not an Ed25519 key")
    return key
