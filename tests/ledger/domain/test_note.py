"""Signed notes and checkpoints: the published vectors, and everything a note may not be."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.domain import checkpoint, merkle, note
from ledger.domain.note import NoteRefused, Signer, Verifier
from ledger.domain.verification import verify_consistency
from tests.ledger.conftest import vector_text
from tests.ledger.domain.test_merkle import LEAVES

# c2sp.org/signed-note, "Example".
C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"  # noqa: E501
)
# golang.org/x/mod/sumdb/note, example with its private key.
GO_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
)
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
# One log of the eight reference leaves from end to end; checked with Go's x/mod 0.7.0.
LOG_KEY = "commons.example/cost-log+de55eddb+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
WITNESS_KEY = "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X"
LOG_NOTE = (
    "commons.example/cost-log\n8\nXcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n"
    "— commons.example/cost-log 3lXt22hvhh9GVgncCED/XZR13MbWn+MqvBx5ldvqIoiTs0hm6SUv1nzywXvS1lLpaJH4O6pGrTXQVWVuAG8uXkcdDAY=\n"  # noqa: E501
)
WITNESS_LINE = "— witness.example/w1 IDJKvgAAAABpVbkAp3si5GCvxebn7VDYh8dEJPyMOAUvhgpRAvvxYUBozGTW2HQdeyzeGox4LvM25Qa3xLdjpcRqFQtuR3HRvfohCw==\n"  # noqa: E501
COSIGNED_AT = 1767225600
LOG_SEED, WITNESS_SEED = bytes(range(0x20)), bytes(range(0x20, 0x40))


def log_signer() -> Signer:
    return Signer("commons.example/cost-log", Ed25519PrivateKey.from_private_bytes(LOG_SEED))


def test_the_example_of_the_specification_opens() -> None:
    opened, keys = note.opened(C2SP_NOTE, [Verifier.parse(C2SP_KEY)])
    assert opened.text == "This is an example message.\n"
    assert keys == [Verifier.parse(C2SP_KEY)]
    assert str(opened) == C2SP_NOTE


def test_signing_gives_the_signature_that_go_gives() -> None:
    signer = Signer.parse(GO_PRIVATE)
    assert signer.verifier.vkey == GO_KEY
    assert signer.skey == GO_PRIVATE
    assert note.sign(GO_TEXT, signer).signatures[0].line == f"— PeterNeumann {GO_SIGNATURE}\n"


def test_a_whole_log_from_its_leaves_to_the_witness() -> None:
    frontier = merkle.Frontier()
    for leaf in LEAVES:
        frontier.append(merkle.leaf_hash(leaf))
    signer = log_signer()
    head = checkpoint.TreeHead(signer.name, frontier.size, frontier.root)
    signed = note.sign(head.text, signer)
    assert signer.verifier.vkey == LOG_KEY
    assert str(signed) == LOG_NOTE
    witness = Ed25519PrivateKey.from_private_bytes(WITNESS_SEED)
    blob = COSIGNED_AT.to_bytes(8) + witness.sign(note.cosigned_message(signed.text, COSIGNED_AT))
    verifier = Verifier("witness.example/w1", note.COSIGNATURE_V1, witness.public_key().public_bytes_raw())
    assert verifier.vkey == WITNESS_KEY
    assert note.Signature(verifier.name, verifier.key_id, blob).line == WITNESS_LINE
    _opened, keys = note.opened(
        LOG_NOTE + WITNESS_LINE, [Verifier.parse(LOG_KEY), Verifier.parse(WITNESS_KEY)]
    )
    assert [key.name for key in keys] == [signer.name, "witness.example/w1"]


def test_a_cosignature_with_another_time_does_not_hold() -> None:
    signature = note.parse(LOG_NOTE + WITNESS_LINE).signatures[1]
    later = (COSIGNED_AT + 1).to_bytes(8) + signature.blob[8:]
    text = note.parse(LOG_NOTE).text
    assert Verifier.parse(WITNESS_KEY).holds(text, signature.blob)
    assert not Verifier.parse(WITNESS_KEY).holds(text, later)
    assert not Verifier.parse(WITNESS_KEY).holds(text, signature.blob[8:])


def test_sixteen_real_checkpoints_of_tessera_open_and_follow_from_their_entries() -> None:
    log = json.loads(vector_text("tessera_testlog_16_checkpoints.json"))
    verifier = Verifier.parse(vector_text("tessera_testlog_verifier_key.txt").strip())
    leaf_hashes = [bytes.fromhex(value) for value in log["leaf_hashes_hex"]]
    frontier, stored, heads = merkle.Frontier(), {}, []
    for size in range(len(log["checkpoints"])):
        opened, _keys = note.opened(log["checkpoints"][str(size)], [verifier])
        head = checkpoint.parse(opened.text)
        assert (head.origin, head.size, head.root) == (log["origin"], size, frontier.root)
        heads.append(head)
        if size < len(leaf_hashes):
            stored[0, size] = leaf_hashes[size]
            stored.update(frontier.append(leaf_hashes[size]))
    assert len(heads) == 16
    for old, new in pairwise(heads[1:]):
        proof = [merkle.hash_of(s, stored.__getitem__) for s in merkle.consistency_spans(old.size, new.size)]
        verify_consistency(
            old_size=old.size, new_size=new.size, old_root=old.root, new_root=new.root, proof=proof
        )


def test_a_real_checkpoint_of_the_go_checksum_database_opens() -> None:
    vector = json.loads(vector_text("sumdb_checkpoint.json"))
    opened, _keys = note.opened(vector["signed_note"], [Verifier.parse(vector["verifier_key"])])
    head = checkpoint.parse(opened.text)
    assert (head.origin, head.size) == ("go.sum database tree", 35225469)
    assert head.text == opened.text


def test_an_unknown_key_is_ignored_beside_a_known_one() -> None:
    stranger = Signer("stranger", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    signed = str(note.sign("text\n", stranger, log_signer()))
    assert note.opened(signed, [log_signer().verifier])[1] == [log_signer().verifier]
    with pytest.raises(NoteRefused, match="No known key"):
        note.opened(str(note.sign("text\n", stranger)), [log_signer().verifier])


def test_a_known_key_whose_signature_fails_refuses_the_whole_note() -> None:
    stranger = Signer("stranger", Ed25519PrivateKey.from_private_bytes(bytes(32)))
    changed = str(note.sign("text\n", stranger, log_signer())).replace("text", "test")
    with pytest.raises(NoteRefused, match="does not hold"):
        note.opened(changed, [log_signer().verifier])


def test_the_text_ends_at_the_last_empty_line() -> None:
    signed = note.sign("one\n\ntwo\n", log_signer())
    assert note.parse(str(signed)) == signed


SIGNED = str(note.sign("text\n", log_signer()))
LINE = note.parse(SIGNED).signatures[0].line


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "text\n",
        "text\n\n",
        SIGNED.removesuffix("\n"),  # the last line is cut
        SIGNED.replace("—", "-"),
        SIGNED.replace("text", "te\txt"),  # a control character
        SIGNED.replace("text", "te\x7fxt"),
        SIGNED.replace(" commons", "  commons"),  # an empty name
        SIGNED.replace("commons.example/cost-log ", "com+mons "),
        SIGNED.replace("commons.example/cost-log ", "com\u00a0mons "),  # a space of another script
        SIGNED.replace("=\n", "\n"),  # padding left out
        SIGNED.replace("=\n", "!\n"),
        "text\n\n— name AAAA\n",  # a key id cut short
        "text\n\n" + LINE * (note.MOST_SIGNATURES + 1),
    ],
)
def test_what_is_not_a_note_is_refused(raw: str) -> None:
    with pytest.raises(NoteRefused):
        note.parse(raw)


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "name+00000000",
        "name+00000000+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",  # another key's id
        LOG_KEY.replace("+AQOh", "+AgOh"),  # ECDSA
        LOG_KEY.replace("cost-log", "cost log"),
        LOG_KEY.removesuffix("TG4"),
    ],
)
def test_what_is_not_a_verifier_key_is_refused(vkey: str) -> None:
    with pytest.raises(NoteRefused):
        Verifier.parse(vkey)


@pytest.mark.parametrize("skey", ["", GO_KEY, GO_PRIVATE.replace("c74f20a3", "c74f20a4"), GO_PRIVATE[:-4]])
def test_what_is_not_a_signer_key_is_refused(skey: str) -> None:
    with pytest.raises(NoteRefused):
        Signer.parse(skey)


ROOT = "XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg="


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n8\n",
        f"log\n08\n{ROOT}\n",
        f"log\n-8\n{ROOT}\n",
        f"log\n+8\n{ROOT}\n",
        f"log\n8 \n{ROOT}\n",
        f"\n8\n{ROOT}\n",
        f"log\n8\n{ROOT}\n\nmore\n",
        "log\n8\nXcnaeacGWamtVZy3Ad7Z\n",
        f"log\n8\n{ROOT[:-2]}h=\n",  # the same bytes, spelled otherwise
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(NoteRefused):
        checkpoint.parse(text)


def test_extension_lines_survive() -> None:
    text = f"log\n0\n{ROOT}\nmore\n"
    assert checkpoint.parse(text).extensions == ("more",)
    assert checkpoint.parse(text).text == text
