# Copyright (c) the pbxops.yeastar maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs a release of the sign-on gateway: the service, what it uses of the collection, and the list of libraries.

pack.py FILES COLLECTION             prints the release's checksum
pack.py FILES COLLECTION ARCHIVE     writes it to ARCHIVE, a .tar.gz, as well
"""

from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

# What the gateway imports; _module/ports.py is all of _module that these themselves need.
COLLECTION_PARTS = ("_ad", "_errors.py", "_ledger", "_module/ports.py", "_pbx", "_sync")
COLLECTION_PLACE = "lib/ansible_collections/pbxops/yeastar"
MODULE_UTILS = "plugins/module_utils"
SERVICE = "sign_on_gateway"
FILES = ("health.py", "requirements.txt")


def contents(files: Path, collection: Path) -> dict[str, bytes]:
    """What a release holds, by the paths in it.

    :param files: the role's folder with the service.
    :param collection: the collection's folder.
    :raises FileNotFoundError: something that belongs to a release is not there.
    """
    sources = {name: files / name for name in FILES}
    sources |= {f"lib/{SERVICE}/{name}": path for name, path in _below(files / SERVICE)}
    for part in COLLECTION_PARTS:
        place, source = f"{COLLECTION_PLACE}/{MODULE_UTILS}/{part}", collection / MODULE_UTILS / part
        sources |= {f"{place}/{name}": path for name, path in _below(source)} if source.is_dir() else {place: source}
    return {name: sources[name].read_bytes() for name in sorted(sources)}


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    """The files below a folder by their paths in it, without what Python leaves there."""
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not there: the collection is not complete")
    for path in folder.rglob("*"):
        if path.is_file() and path.suffix != ".pyc":
            yield path.relative_to(folder).as_posix(), path


def checksum(release: Mapping[str, bytes]) -> str:
    """SHA-256 over all paths and contents: the same for the same release, whatever packs it."""
    digest = hashlib.sha256()
    for name, content in release.items():
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def write(release: Mapping[str, bytes], archive: Path) -> None:
    """Write the release as an archive whose files are root's, for all to read."""
    with tarfile.open(archive, "w:gz") as packed:
        for name, content in release.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            packed.addfile(entry, io.BytesIO(content))


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    files, collection, *archive = map(Path, arguments)
    release = contents(files, collection)
    if archive:
        write(release, archive[0])
    print(checksum(release))


if __name__ == "__main__":
    main(sys.argv[1:])
