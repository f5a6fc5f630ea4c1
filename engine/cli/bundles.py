"""``fluxstem bundles``: list what is installed, add a bundle from a folder or a zip file, remove one that was added.

``sign`` and ``verify`` are for those who make bundles, and for who wants to know who made one.
"""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.bundle.bundle import load_bundle
from engine.bundle.install import add_bundle, remove_bundle
from engine.bundle.library import find_bundle, list_bundles, search_folders
from engine.bundle.signature import SHIPPED_KEY, look_at_signature, sign_bundle
from engine.bundle.trust import check_contents
from engine.errors import BundleError
from engine.host.client import Engine

PASSWORD_VARIABLE = "FLUXSTEM_KEY_PASSWORD"  # of the secret key, where nobody can type it


def add_to(sub: argparse.ArgumentParser, add_debug: Callable[[argparse.ArgumentParser], None]) -> None:
    """Give ``bundles`` its arguments; without any it lists."""
    sub.set_defaults(command=_list)
    sub.add_argument("--json", action="store_true", help="last line on standard output is one JSON object")
    verbs = sub.add_subparsers(title="what to do", metavar="list|add|remove|sign|verify", parser_class=type(sub))
    listing = verbs.add_parser("list", help="list the installed bundles")
    listing.set_defaults(command=_list)
    adding = verbs.add_parser("add", help="check a bundle and copy it into your own folder")
    adding.add_argument("source", metavar="DIR|FILE", help="folder of a bundle, or a zip file of one")
    adding.add_argument("--name", default="", help="to find it by; default: the name it has")
    adding.add_argument("--replace", action="store_true", help="take the place of one that was added before")
    adding.set_defaults(command=_add)
    removing = verbs.add_parser("remove", help="delete a bundle that was added")
    removing.add_argument("name", metavar="NAME")
    removing.set_defaults(command=_remove)
    signing = verbs.add_parser("sign", help="sign a bundle with a secret key of minisign")
    signing.add_argument("bundle", metavar="NAME|DIR")
    signing.add_argument("--key", required=True, metavar="FILE", help="secret key, as minisign -G writes it")
    signing.set_defaults(command=_sign)
    verifying = verbs.add_parser("verify", help="check hashes, contents and signature of a bundle")
    verifying.add_argument("bundle", metavar="NAME|DIR")
    verifying.add_argument("--key", default=SHIPPED_KEY, metavar="KEY", help="public key; default: this program's own")
    verifying.set_defaults(command=_verify)
    add_debug(sub)
    for verb in (listing, adding, removing, signing, verifying):
        add_debug(verb)
        verb.add_argument("--json", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def _list(arguments: argparse.Namespace, engine: Engine | None) -> int:
    rows = [_row(name) for name in list_bundles()]
    if arguments.json:
        return _print({"bundles": rows, "places": [str(place) for place in search_folders()]})
    for row in rows:
        if row["error"]:
            print(f"{row['name']}  cannot be used: {row['error']}")
            continue
        knows = f"  separates {', '.join(row['stems'])}" if row["stems"] else ""
        asks = f"  experts {', '.join(row['experts'])}" if row["experts"] else ""
        print(
            f"{row['name']}  {row['version']}  {row['sample_rate_hz']} Hz  {row['licence']}{knows}{asks}  "
            f"{row['signature']}  {row['path']}"
        )
    if not rows:
        print("no bundle is installed; looked in " + ", ".join(str(place) for place in search_folders()))
    return 0


def _row(name: str) -> dict[str, Any]:
    folder = list_bundles()[name]
    row: dict[str, Any] = {"name": name, "path": str(folder)}
    try:
        bundle = load_bundle(folder, check_hashes=False)
    except BundleError as error:
        return row | {"error": str(error)}
    manifest = bundle.manifest
    return row | {
        "version": manifest.version,
        "licence": manifest.licence,
        "sample_rate_hz": manifest.sample_rate_hz,
        "window_s": round(manifest.grid.window_samples / manifest.sample_rate_hz, 3),
        "tasks": sorted(manifest.defaults),
        "trained_on": manifest.trained_on,
        "notes": manifest.notes,
        "quality": manifest.quality,
        "stems": [] if bundle.separator is None else bundle.separator.stems,
        "experts": [expert.name for expert in manifest.experts],
        "signature": look_at_signature(folder).words,
        "error": None,
    }


def _add(arguments: argparse.Namespace, engine: Engine | None) -> int:
    name, bundle = add_bundle(arguments.source, arguments.name, arguments.replace)
    if arguments.json:
        return _print({"name": name, "path": str(bundle.folder), "sha256": bundle.sha256})
    signature = look_at_signature(bundle.folder).words
    print(
        f"{name}: {bundle.label}, licence {bundle.manifest.licence}, every hash is right, {signature}; "
        f"it lies in {bundle.folder}"
    )
    return 0


def _sign(arguments: argparse.Namespace, engine: Engine | None) -> int:
    bundle = load_bundle(find_bundle(arguments.bundle))
    check_contents(bundle)
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None and sys.stdin.isatty():
        password = getpass.getpass("password of the key, empty for none: ")
    file = sign_bundle(bundle.folder, Path(arguments.key), password or "")
    if arguments.json:
        return _print({"signature": str(file)})
    print(f"{bundle.label}: signed; the signature is {file}")
    return 0


def _verify(arguments: argparse.Namespace, engine: Engine | None) -> int:
    bundle = load_bundle(find_bundle(arguments.bundle))
    check_contents(bundle)
    found = look_at_signature(bundle.folder, arguments.key)
    if arguments.json:
        _print({"bundle": bundle.label, "signature": found.state, "comment": found.comment})
    else:
        said = f" ({found.comment})" if found.comment else ""
        print(f"{bundle.label}: every hash is right, the graphs and the tokenizer may be used; {found.words}{said}")
    return 0 if found.state == "signed" else 2


def _remove(arguments: argparse.Namespace, engine: Engine | None) -> int:
    folder = remove_bundle(arguments.name)
    if arguments.json:
        return _print({"name": arguments.name, "path": str(folder)})
    print(f"{arguments.name}: deleted {folder}")
    return 0


def _print(value: dict[str, Any]) -> int:
    print(json.dumps(value, allow_nan=False), flush=True)
    return 0
