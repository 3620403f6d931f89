"""Reading: every value of every recorded dgram is what the golden files say (made with psana's own reader)."""

import package_path  # noqa: F401
import hashlib
import json
import math
import unittest

import samples
from dgrams import AUX, RAW, configure, data, describe, dgram, event, names_block, parent
from daqpipe.configuration import Configuration
from daqpipe.dgram import Dgram, Event
from daqpipe.errors import MissingData, Misuse
from daqpipe.xtc import Enum, Table, walk


def opened(bytes_, table, kind=Dgram):
    view = memoryview(bytes_)
    found = kind(view, 0, len(bytes_), 0, table, None)
    table.learn_labels(view, 0, found._contents())
    return found


def shown(value):
    """A value as the golden files spell it."""
    if isinstance(value, Enum):
        return {"value": int(value), "label": value.label}
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2 ** 53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    stored = bytes(value.tobytes() if hasattr(value, "tobytes") else value)
    return {"md5": hashlib.md5(stored).hexdigest(), "shape": list(value.shape)}


class Goldens(unittest.TestCase):
    @samples.needs_samples
    def test_every_field(self):
        fields = 0
        for path in samples.files():
            table = Table()
            with open(path + ".golden.jsonl") as file:
                goldens = [json.loads(line) for line in file]
            for bytes_, golden in zip(samples.frames(path), goldens):
                if golden["service"] == "Configure":
                    table = Table()
                found = opened(bytes_, table)
                self.assertEqual(found.service.name, golden["service"])
                self.assertEqual(found.time, (golden["time"]["sec"], golden["time"]["nsec"]))
                self.assertEqual((found.env, list(found.groups), found.size), (golden["env"], golden["groups"], golden["size"]))
                fields += self.compare(found, golden, path)
        self.assertGreater(fields, 7000)

    def compare(self, found, golden, path):
        fields = 0
        for det, segments in golden["data"].items():
            for segment, algorithms in segments.items():
                for alg, values in algorithms.items():
                    data_ = found[det][int(segment)][alg]
                    for name, expected in values.items():
                        if "#" in name:
                            continue
                        value = shown(data_[name])
                        if isinstance(value, dict) and "shape" in value and 0 in expected["shape"]:
                            value["shape"] = expected["shape"]  # a memoryview has no dimension 0 among others
                        if isinstance(expected, dict) and "md5" in expected:
                            expected = {key: expected[key] for key in ("md5", "shape")}
                        self.assertEqual(value, expected, (path, golden["index"], det, segment, alg, name))
                        fields += 1
        return fields

    @samples.needs_samples
    def test_damaged_files_never_escape(self):
        """Whatever is wrong with a dgram, reading raises our own errors only."""
        for path in samples.files("bad"):
            table = Table()
            for bytes_ in samples.frames(path):
                found = opened_or_none(bytes_, table)
                for det in found.detectors if found else []:
                    for segment in found[det]:
                        for alg in segment.algorithms:
                            try:
                                segment[alg].items()
                            except MissingData:
                                pass


def opened_or_none(bytes_, table):
    try:
        return opened(bytes_, table)
    except MissingData:
        return None


class Access(unittest.TestCase):
    def setUp(self):
        self.table = Table(("det", 0))
        self.cfg = opened(configure(), self.table, Configuration)
        self.evt = opened(event(3, damage=0x20, env=0x00400009), self.table, Event)

    def test_header(self):
        self.assertEqual((self.evt.time.sec, self.evt.time.nsec, self.evt.timestamp), (100, 3, 100 << 32 | 3))
        self.assertEqual((self.evt.groups, self.evt.damage, self.evt.service, self.evt.src), ((0, 3), 0x20, 12, 1))
        self.assertEqual(self.evt.pulse_id, 0)

    def test_fields(self):
        self.assertEqual(self.evt.det.raw.gain, -3)
        self.assertEqual(self.evt["det"][0].raw["gain"], -3)
        self.assertEqual(self.evt.det.raw.image.tolist(), [[3, 4, 5], [6, 7, 8]])
        self.assertEqual(self.evt["aux"][1].raw.energy.tolist(), [3.0, 0.5])
        self.assertEqual([segment.segment for segment in self.evt["aux"]], [1])
        self.assertEqual(self.evt["aux"].segments, [1])
        self.assertEqual(self.evt.det.raw.fields, ["image", "gain"])
        self.assertEqual(self.evt.det.raw.version, (1, 2, 3))
        self.assertIn("raw", self.evt.det)
        self.assertNotIn("fex", self.evt.det)

    def test_arrays_are_read_only(self):
        with self.assertRaises((ValueError, TypeError)):
            self.evt.det.raw.image[0, 0] = 1

    def test_messages_name_what_there_is(self):
        for look, words in (
            (lambda: self.evt["opal"], "there is no detector opal; there are det, aux"),
            (lambda: self.evt["aux"][0], "aux has no segment 0; it has 1"),
            (lambda: self.evt["aux"].raw, r"write evt\['aux'\]\[1\].raw"),
            (lambda: self.evt.det.fex, "det_0 has no algorithm fex; it has raw"),
            (lambda: self.evt.det.raw.pixels, "det_0 raw has no field pixels; it has image, gain"),
            (lambda: self.cfg.det.raw.image, "det_0 raw has no data in this dgram"),
        ):
            with self.assertRaisesRegex(MissingData, words):
                look()

    def test_copies_outlive_the_event(self):
        kept = self.evt.copy()
        self.evt._expire()
        self.assertEqual(kept.det.raw.gain, -3)
        for look in (lambda: self.evt.det.raw.gain, lambda: self.evt.time, lambda: self.evt.view):
            with self.assertRaisesRegex(Misuse, "over"):
                look()
        with self.assertRaisesRegex(Misuse, "copy"):
            kept.remove("raw")

    def test_names_with_dots_and_enums(self):
        names = describe(0x110, "cfg", "config", {"user.mode": "uint8", "user.mode.x": "int8", "plain": "str"})
        first = opened(dgram(2, 1, names_block(names), data(names, **{"user.mode": 1, "user.mode.x": -1, "plain": "é"})), Table())
        config = first["cfg"][0].config
        self.assertEqual((config["user.mode"], config["user.mode.x"], config.user.mode, config.plain), (1, -1, 1, "é"))

    def test_nested_parents(self):
        table = Table(("det", 0))
        opened(dgram(2, 1, parent(1, names_block(RAW)), parent(2, parent(3, names_block(AUX)))), table)
        found = opened(dgram(12, 2, parent(2, parent(3, data(AUX, energy=[1.5], n=7))), parent(1, data(RAW, image=[[1]], gain=9))), table)
        self.assertEqual((found["aux"][1].raw.n, found.det.raw.gain), (7, 9))

    def test_corrupted_hides_the_payload(self):
        hidden = opened(event(1, damage=0x8), self.table)
        self.assertFalse(hidden.det.raw)
        with self.assertRaisesRegex(MissingData, "Corrupted"):
            hidden.det.raw.gain
        nested = opened(dgram(12, 2, parent(1, data(RAW, image=[[1]], gain=9), damage=8), data(AUX, energy=[1.5], n=7)), self.table)
        self.assertFalse(nested.det.raw)
        self.assertEqual(nested["aux"][1].raw.n, 7)

    def test_pulse_id(self):
        names = describe(0x110, "timing", "raw", {"pulseId": "uint64"})
        table = Table()
        opened(dgram(2, 1, names_block(names)), table)
        self.assertEqual(opened(dgram(12, 2, data(names, pulseId=1 << 55)), table).pulse_id, 1 << 55)

    def test_broken_structures(self):
        whole = event(1)
        for cut in range(24, len(whole)):
            torn = bytearray(whole[:cut])
            torn[20:24] = (cut - 12).to_bytes(4, "little")
            contents = walk(memoryview(torn), 0, cut)
            self.assertEqual(bool(contents.problem), cut not in (24, 24 + contents.blocks[0][2] - contents.blocks[0][1]
                                                                  if contents.blocks else 24))


if __name__ == "__main__":
    unittest.main()
