"""Signatures of bundles, in the format of minisign: ``manifest.json.minisig`` beside the manifest.

The manifest holds the hash of every other file, so its signature covers the bundle. ``minisign -Vm manifest.json -P
KEY`` checks the same file. A bundle without a signature can be used, and is told of; one whose signature is wrong is
refused.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from engine.bundle.bundle import MANIFEST, MANIFEST_LIMIT_BYTES, SIGNATURE, Bundle
from engine.errors import BundleDamaged, BundleError, RequestError

SHIPPED_KEY = "RWSI1AtgVXORgCNG7TR2YEMgLxsJ09Uhep2DGZ32RmRGkJYqkdGySZK0"  # of the bundles that come with the program
SIGNATURE_LIMIT_BYTES = 4096


@dataclass(frozen=True, slots=True)
class SignatureState:
    """What is known of the signature of a bundle.

    Attributes:
        state: ``signed``, ``unsigned``, ``unknown key``, ``wrong`` or ``not checked``.
        words: the same in a few words, for a list.
        comment: what the signer wrote into it, "" unless it is signed.
    """

    state: str
    words: str
    comment: str = ""


def look_at_signature(folder: Path, key: str = SHIPPED_KEY) -> SignatureState:
    """Check the signature of a bundle's manifest.

    Args:
        key: public key in minisign's base64.

    Raises:
        RequestError: the key is none.
        BundleError: the files cannot be read.
    """
    try:
        import minisign
    except ImportError:
        return SignatureState("not checked", "signature not checked: py-minisign is not installed")
    try:
        public = minisign.PublicKey.from_base64(key)
    except (minisign.Error, ValueError) as error:
        raise RequestError("{key} is no public key of minisign ({reason})", key=key[:80], reason=error) from error
    try:
        if not (folder / SIGNATURE).is_file():
            return SignatureState("unsigned", "unsigned")
        with (folder / SIGNATURE).open("rb") as stream:
            raw = stream.read(SIGNATURE_LIMIT_BYTES)
        with (folder / MANIFEST).open("rb") as stream:
            manifest = stream.read(MANIFEST_LIMIT_BYTES + 1)
    except OSError as error:
        raise BundleError(
            "bundle {folder} cannot be read ({reason}); check that it may be read", folder=folder, reason=error.strerror
        ) from error
    try:
        signature = minisign.Signature.from_bytes(raw)
        public.verify(manifest, signature)
    except minisign.VerifyError as error:
        if "identifiers" in str(error):  # the library has one class for all
            return SignatureState("unknown key", "signed with another key")
        return SignatureState("wrong", "the signature does not fit the manifest")
    except (minisign.Error, ValueError):
        return SignatureState("wrong", "the signature cannot be read")
    return SignatureState("signed", "signed", str(signature.trusted_comment))


def check_signature(bundle: Bundle) -> None:
    """Refuse a bundle that was changed after it was signed; without a signature, or signed by others, it passes.

    Raises:
        BundleDamaged: its signature is wrong.
    """
    if not os.path.lexists(bundle.folder / SIGNATURE):
        return
    if look_at_signature(bundle.folder).state == "wrong":
        raise BundleDamaged(
            "bundle {name}: its signature does not fit its manifest; get the bundle again", name=bundle.manifest.name
        )


def sign_bundle(folder: Path, key_file: Path, password: str = "") -> Path:
    """Sign a bundle's manifest.

    Args:
        key_file: secret key, as ``minisign -G`` writes it.
        password: of the key, where it has one.

    Returns:
        The file of the signature.

    Raises:
        RequestError: the key cannot be read, or the password is wrong.
        BundleError: there is no manifest, or the signature cannot be written.
    """
    try:
        import minisign
    except ImportError:
        raise RequestError("signing needs py-minisign; install it with: pip install py-minisign") from None
    try:
        secret = minisign.SecretKey.from_file(key_file)
        if secret.is_encrypted():
            secret.decrypt(password)
    except (OSError, minisign.Error, ValueError) as error:
        raise RequestError(
            "the key {file} cannot be used ({reason}); give a secret key of minisign", file=key_file, reason=error
        ) from error
    target = folder / SIGNATURE
    draft = folder / f".{SIGNATURE}.partial"
    try:
        raw = (folder / MANIFEST).read_bytes()
        draft.write_bytes(bytes(secret.sign(raw, trusted_comment=f"fluxstem bundle {folder.name}")) + b"\n")
        os.replace(draft, target)
    except OSError as error:
        raise BundleError(
            "bundle {folder} cannot be signed ({reason}); check that it is a bundle and may be written to",
            folder=folder, reason=error.strerror,
        ) from error  # fmt: skip
    finally:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
    return target
