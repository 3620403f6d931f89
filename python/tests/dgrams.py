"""Dgrams for tests, made with the encoder of the package."""

import random

import package_path  # noqa: F401
from daqpipe.xtc import Table, open_block
from daqpipe.xtc.describe import encode_names, new_fields, pack_version
from daqpipe.xtc.encode import Encoder
from daqpipe.xtc.layout import DGRAM, PARENT, XTC
from daqpipe.xtc.names import Names

CONFIGURE, UNCONFIGURE, BEGIN_RUN, END_RUN, BEGIN_STEP, END_STEP, ENABLE, DISABLE, SLOW_UPDATE, L1 = 2, 3, 4, 5, 6, 7, 8, 9, 10, 12


def dgram(service, sec, *children, nsec=0, damage=0, src=1, env=1):
    payload = b"".join(children)
    return DGRAM.pack(nsec, sec, service << 24 | env, src, damage, PARENT, 12 + len(payload)) + payload


def parent(src, *children, damage=0):
    payload = b"".join(children)
    return XTC.pack(src, damage, PARENT, 12 + len(payload)) + payload


def describe(id, det, alg, fields, segment=0, version=(1, 2, 3), det_type="camera", det_id="serial"):
    return Names(id, det, segment, alg, pack_version(version), new_fields(fields), det_type, det_id)


def data(names, **values):
    return Encoder(names).encode(values)


def names_block(names):
    return encode_names(names)


def blocks_of(configure, bytes_):
    """[(detector, segment, algorithm, {field: value})] of a dgram, and its Contents."""
    table = Table()
    for part in (configure, bytes_):
        view = memoryview(part)
        contents = table.contents(view, 0, len(part))
        table.learn_labels(view, 0, contents)
    found = []
    for id, at, end in contents.blocks:
        names = table.by_id[id]
        block = open_block(view, 0, at, end, names)
        found.append((names.det_name, names.segment, names.alg, {f.name: block.value(view, 0, f.index) for f in names.fields}))
    return found, contents


RAW = describe(0x100, "det", "raw", {"image": ("uint16", 2), "gain": "int32"})
AUX = describe(0x101, "aux", "raw", {"energy": ("float32", 1), "n": "uint32"}, segment=1)


def configure(sec=1, *more, **options):
    return dgram(CONFIGURE, sec, names_block(RAW), names_block(AUX), *more, **options)


def image(n=6):
    return data(RAW, image=[[n, n + 1, n + 2], [n + 3, n + 4, n + 5]], gain=-n)


def event(n, *more, **options):
    return dgram(L1, 100, image(n), data(AUX, energy=[float(n), 0.5], n=n), *more, nsec=n, **options)


def seeded(name):
    return random.Random("daqpipe " + name)
