"""Signed folders: each file, the manifest, signature and key are changed, and nothing is loaded then."""

import shutil
import subprocess

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from making import LENGTH, make

from lstmfcn.data.preprocessing import Preprocessing
from lstmfcn.data.reference import Reference
from lstmfcn.tracking.champion import load_champion
from lstmfcn.tracking.package import check as checking
from lstmfcn.tracking.package.check import check
from lstmfcn.tracking.package.contents import (
    DATA,
    FILES,
    MANIFEST,
    REFERENCE,
    SIGNATURE,
    UntrustedModelError,
    write_manifest,
)
from lstmfcn.tracking.package.signature import KeyFileError, sign, signing_key


def write_keys(folder, name, private=None, encryption=None):
    """Write a pair of keys, as openssl does; return their files."""
    private = private or Ed25519PrivateKey.generate()
    files = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    pem = Encoding.PEM
    files[0].write_bytes(private.private_bytes(pem, PrivateFormat.PKCS8, encryption or NoEncryption()))
    files[1].write_bytes(private.public_key().public_bytes(pem, PublicFormat.SubjectPublicKeyInfo))
    return files


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return write_keys(tmp_path_factory.mktemp("keys"), "own")


@pytest.fixture(scope="module")
def made(tmp_path_factory, keys):
    folder = make(tmp_path_factory.mktemp("made") / "model")
    series = np.random.default_rng(0).normal(size=(12, 1, LENGTH))
    Reference.fit(series, Preprocessing("per_series", 1, LENGTH)).save(folder / REFERENCE)
    write_manifest(folder)
    sign(folder, signing_key(keys[0]))
    return folder


@pytest.fixture
def signed(made, tmp_path):
    """Return a signed folder that a test may change."""
    return shutil.copytree(made, tmp_path / "model")


def refused(folder, key):
    with pytest.raises(UntrustedModelError) as caught:
        check(folder, verify_key=key)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_was_signed_is_loaded_with_and_without_the_key(signed, keys, monkeypatch):
    assert load_champion(signed, verify_key=keys[1]).dataset == "Bumps"
    monkeypatch.setenv("LSTMFCN_VERIFY_KEY", str(keys[1]))
    check(signed)
    (signed / SIGNATURE).unlink()
    with pytest.raises(UntrustedModelError, match=r"has no lstmfcn-manifest\.sig.*pull --sign-key"):
        load_champion(signed)
    monkeypatch.delenv("LSTMFCN_VERIFY_KEY")
    check(signed)


@pytest.mark.parametrize("name", [*FILES, MANIFEST, SIGNATURE])
@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_a_change_of_any_file_is_noticed_before_the_graph_is_looked_at(
    signed, keys, name, damage, monkeypatch
):
    monkeypatch.setattr(checking, "read_description", None)
    content = (signed / name).read_bytes()
    match damage:
        case "flipped":
            at = len(content) // 2
            (signed / name).write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
        case "cut":
            (signed / name).write_bytes(content[:-1])
        case "gone":
            (signed / name).unlink()
    refused(signed, keys[1])


def test_a_manifest_that_was_brought_up_to_date_is_not_signed(signed, keys):
    """What its hashes alone do not tell: whoever changes a file may write them anew."""
    content = bytearray((signed / DATA).read_bytes())
    content[100] ^= 1
    (signed / DATA).write_bytes(content)
    write_manifest(signed)
    check(signed)
    assert "was not signed with the key of" in refused(signed, keys[1])


def test_another_key_and_another_folders_signature_are_refused(signed, keys, tmp_path):
    private, public = write_keys(tmp_path, "other")
    assert f"was not signed with the key of {public}" in refused(signed, public)
    sign(signed, signing_key(private))
    assert "was not signed" in refused(signed, keys[1])
    (signed / MANIFEST).write_text("{}")
    sign(signed, signing_key(keys[0]))
    assert "is damaged" in refused(signed, keys[1]) or "is not what was pulled" in refused(signed, keys[1])


def test_the_stores_model_bears_no_signature(keys):
    with pytest.raises(UntrustedModelError, match=r"store's model of Bumps bears no signature.*--sign-key"):
        load_champion("Bumps", verify_key=keys[1])


@pytest.mark.parametrize("case", ["missing", "text", "another algorithm", "the other half", "a password"])
def test_what_is_no_key_is_named_with_how_to_make_one(signed, keys, tmp_path, case):
    private, public = tmp_path / "a.pem", tmp_path / "a.pub.pem"
    match case:
        case "text":
            private.write_text("a key")
            public.write_text("a key")
        case "another algorithm":
            private, public = write_keys(tmp_path, "curve", generate_private_key(SECP256R1()))
        case "the other half":
            private, public = keys[::-1]
        case "a password":
            private, _ = write_keys(tmp_path, "locked", encryption=BestAvailableEncryption(b"word"))
    for use in (lambda: signing_key(private), lambda: check(signed, verify_key=public)):
        with pytest.raises(
            KeyFileError, match=r"holds no key .*openssl genpkey -algorithm ed25519"
        ) as caught:
            use()
        assert "\n" not in str(caught.value)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_makes_the_keys_and_checks_the_signature(signed, tmp_path):
    """As SECURITY.md says."""
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    run = {"check": True, "capture_output": True}
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], **run)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], **run)
    sign(signed, signing_key(private))
    check(signed, verify_key=public)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, "-rawin"]
    subprocess.run([*command, "-in", signed / MANIFEST, "-sigfile", signed / SIGNATURE], **run)
