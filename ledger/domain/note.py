"""Signed notes (c2sp.org/signed-note) with Ed25519 keys, and cosignatures (c2sp.org/tlog-cosignature).

What a note of this log says is in checkpoint.py.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = 0x01
COSIGNATURE_V1 = 0x04
MOST_SIGNATURES = 100  # as golang.org/x/mod/sumdb/note; the specification asks for at least 16
_PRIVATE = "PRIVATE+KEY+"


class NoteRefused(ValueError):
    """Not a note, or no signature of a known key that holds."""


def decode_base64(value: str) -> bytes:
    """RFC 4648 section 4, padded, in its one canonical spelling."""
    try:
        decoded = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as exc:
        raise NoteRefused(f"{value!r} is not base64.") from exc
    if encode_base64(decoded) != value:
        raise NoteRefused(f"{value!r} is not canonical base64.")
    return decoded


def encode_base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def key_id(name: str, algorithm: int, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + bytes([algorithm]) + public).digest()[:4]


def require_name(name: str) -> None:
    """A key's name: not empty, no space of any script, no plus."""
    if not name or "+" in name or any(character.isspace() for character in name):
        raise NoteRefused(f"{name!r} is not a key's name.")


@dataclass(frozen=True)
class Signature:
    name: str
    key_id: bytes
    blob: bytes

    @property
    def line(self) -> str:
        return f"— {self.name} {encode_base64(self.key_id + self.blob)}\n"


@dataclass(frozen=True)
class Verifier:
    """A public key with its name."""

    name: str
    algorithm: int
    public: bytes

    @classmethod
    def parse(cls, vkey: str) -> Verifier:
        """From `<name>+<8 hex key id>+<base64 of algorithm and key>`."""
        try:
            name, hexadecimal, encoded = vkey.split("+", 2)
        except ValueError as exc:
            raise NoteRefused("A verifier key has three parts.") from exc
        require_name(name)
        decoded = decode_base64(encoded)
        if len(decoded) != 33 or decoded[0] not in (ED25519, COSIGNATURE_V1):
            raise NoteRefused("Only Ed25519 keys are known here.")
        verifier = cls(name, decoded[0], decoded[1:])
        if verifier.key_id.hex() != hexadecimal:
            raise NoteRefused("The key id is not that of the key.")
        return verifier

    @property
    def key_id(self) -> bytes:
        return key_id(self.name, self.algorithm, self.public)

    @property
    def vkey(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(bytes([self.algorithm]) + self.public)}"

    def holds(self, text: str, blob: bytes) -> bool:
        """Whether this key made that signature under the text."""
        message = text.encode()
        if self.algorithm == COSIGNATURE_V1:
            if len(blob) != 8 + 64:
                return False
            message = cosigned_message(text, int.from_bytes(blob[:8]))
            blob = blob[8:]
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(blob, message)
        except InvalidSignature:
            return False
        return True


def cosigned_message(text: str, unix_time: int) -> bytes:
    """What a witness signs: the checkpoint, and when it saw it (tlog-cosignature, cosignature/v1)."""
    return f"cosignature/v1\ntime {unix_time}\n{text}".encode()


@dataclass(frozen=True)
class Signer:
    """A private Ed25519 key with its name."""

    name: str
    private: Ed25519PrivateKey

    @classmethod
    def parse(cls, skey: str) -> Signer:
        """From `PRIVATE+KEY+<name>+<8 hex key id>+<base64 of algorithm and seed>`."""
        if not skey.startswith(_PRIVATE) or skey.count("+") < 4:
            raise NoteRefused("Not a signer key.")
        name, hexadecimal, encoded = skey.removeprefix(_PRIVATE).split("+", 2)
        decoded = decode_base64(encoded)
        if len(decoded) != 33 or decoded[0] != ED25519:
            raise NoteRefused("Only Ed25519 keys are known here.")
        signer = cls(name, Ed25519PrivateKey.from_private_bytes(decoded[1:]))
        if signer.verifier.key_id.hex() != hexadecimal:
            raise NoteRefused("The key id is not that of the key.")
        return signer

    def __post_init__(self) -> None:
        require_name(self.name)

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, ED25519, self.private.public_key().public_bytes_raw())

    @property
    def skey(self) -> str:
        seed = encode_base64(bytes([ED25519]) + self.private.private_bytes_raw())
        return f"{_PRIVATE}{self.name}+{self.verifier.key_id.hex()}+{seed}"

    def sign(self, text: str) -> Signature:
        return Signature(self.name, self.verifier.key_id, self.private.sign(text.encode()))


@dataclass(frozen=True)
class Note:
    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(signature.line for signature in self.signatures)}"


def require_text(text: str) -> None:
    if not text.endswith("\n") or any(
        character != "\n" and unicodedata.category(character) == "Cc" for character in text
    ):
        raise NoteRefused("A note's text ends its last line and has no control character.")


def sign(text: str, *signers: Signer) -> Note:
    require_text(text)
    return Note(text, tuple(signer.sign(text) for signer in signers))


def _parse_signature(line: str) -> Signature:
    try:
        dash, name, encoded = line.split(" ")
    except ValueError as exc:
        raise NoteRefused("A signature line has a dash, a name and a signature.") from exc
    if dash != "—":
        raise NoteRefused("A signature line begins with an em dash.")
    require_name(name)
    decoded = decode_base64(encoded)
    if len(decoded) < 5:
        raise NoteRefused("A signature line holds a key id and a signature.")
    return Signature(name, decoded[:4], decoded[4:])


def parse(raw: str) -> Note:
    """Take a note apart; whether its signatures hold is for `opened` to say."""
    text, blank, lines = raw.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise NoteRefused("A note is text, an empty line and signature lines.")
    text += "\n"
    require_text(text)
    signature_lines = lines.removesuffix("\n").split("\n")
    if len(signature_lines) > MOST_SIGNATURES:
        raise NoteRefused("Too many signatures.")
    return Note(text, tuple(_parse_signature(line) for line in signature_lines))


def opened(raw: str, verifiers: Iterable[Verifier]) -> tuple[Note, list[Verifier]]:
    """The note and the known keys that signed it.

    Signatures of unknown keys are ignored; a known key whose signature fails, or no known
    key at all, refuses the whole note.
    """
    note = parse(raw)
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    signed_by: list[Verifier] = []
    for signature in note.signatures:
        verifier = known.get((signature.name, signature.key_id))
        if verifier is None or verifier in signed_by:
            continue
        if not verifier.holds(note.text, signature.blob):
            raise NoteRefused(f"The signature of {verifier.name} does not hold.")
        signed_by.append(verifier)
    if not signed_by:
        raise NoteRefused("No known key signed this note.")
    return note, signed_by
