"""Recorded dgrams beside the project; tests that need them are skipped with the reason where they are absent."""

import os
import unittest

import package_path  # noqa: F401
from daqpipe.xtc import dgram_size

FOLDER = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "shared", "data", "xtc2"))
needs_samples = unittest.skipUnless(os.path.isdir(FOLDER), "recorded dgrams are absent: ../shared/data/xtc2")


def files(*folders):
    """Sample files below the folders, or below all but the damaged ones."""
    found = []
    for folder in folders or ("",):
        for path, names, entries in os.walk(os.path.join(FOLDER, folder)):
            names.sort()
            if not folders and os.path.basename(path) == "bad":
                continue
            found += [os.path.join(path, entry) for entry in sorted(entries) if entry.endswith(".xtc2")]
    return found


def frames(path):
    """The whole dgrams of a file, up to the first that is none."""
    with open(path, "rb") as file:
        stored = memoryview(file.read())
    found = []
    at = 0
    while at < len(stored):
        size = dgram_size(stored, at, len(stored))
        if size == 0:
            break
        found.append(bytes(stored[at:at + size]))
        at += size
    return found
