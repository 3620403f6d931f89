"""Writing: seeded round trips of all types and ranks, deterministic bytes, checks before a byte is written."""

import package_path  # noqa: F401
import array
import struct
import unittest

from dgrams import blocks_of, data, describe, dgram, names_block, seeded
from daqpipe.errors import BadDefinition, BadValue
from daqpipe.xtc.arrays import numpy
from daqpipe.xtc.describe import check_detector, element_type, new_fields, next_names_id, pack_version
from daqpipe.xtc.encode import Encoder
from daqpipe.xtc.layout import ELEMENT_TYPES, FLOATS
from daqpipe.xtc.names import Names, make_field

TYPES = [t for t in ELEMENT_TYPES[:10]]


def random_scalar(rng, element):
    if element.code in FLOATS:
        value = rng.choice([0.0, -0.0, 1.5, rng.uniform(-1e6, 1e6), float("inf")])
        return struct.unpack("<" + element.char, struct.pack("<" + element.char, value))[0]
    return rng.choice([element.low, element.high, rng.randint(element.low, element.high)])


def nested(rng, element, shape):
    if not shape:
        return random_scalar(rng, element)
    return [nested(rng, element, shape[1:]) for _ in range(shape[0])]


def random_text(rng):
    return "".join(rng.choice("abc 0_é\u20ac\U0001f600") for _ in range(rng.randint(0, 9)))


def listed(value):
    return value.tolist() if hasattr(value, "tolist") else value


class RoundTrips(unittest.TestCase):
    def test_all_types_and_ranks(self):
        rng = seeded("round trips")
        seen = set()
        for case in range(250):
            fields, values = {}, {}
            for n in range(rng.randint(0, 7)):
                name = "f%d" % n
                if rng.random() < 0.15:
                    fields[name], values[name] = "str", random_text(rng)
                    seen.add(("str", 1))
                    continue
                element, rank = rng.choice(TYPES), rng.randint(0, 4)
                shape = tuple(rng.choice([1, 1, 2, 3]) for _ in range(rank))
                if rank == 1 and rng.random() < 0.2:
                    shape = (0,)
                fields[name], values[name] = (element.name, rank), nested(rng, element, shape)
                seen.add((element.name, rank))
            names = describe(0x123, "det", "fex", fields)
            block = data(names, **values)
            self.assertEqual(block, data(names, **values), "the same values give the same bytes")
            config = dgram(2, 1, names_block(names))
            (found,), contents = blocks_of(config, dgram(12, 2, block))
            self.assertEqual(found[:3], ("det", 0, "fex"))
            self.assertEqual({k: listed(v) for k, v in found[3].items()}, values, (case, fields))
            self.assertFalse(contents.problem)
        self.assertEqual(len(seen), 51, "every type and rank has been met")

    @unittest.skipIf(numpy is None, "numpy is absent")
    def test_arrays_of_numpy(self):
        rng = numpy.random.default_rng(1)
        for element in TYPES:
            for rank in range(1, 5):
                shape = tuple(rng.integers(0, 4, rank))
                value = (rng.random(shape) * 100).astype(element.name)
                names = describe(0x123, "det", "fex", {"a": (element.name, rank), "n": "uint8"})
                config = dgram(2, 1, names_block(names))
                for given in (value, value[::-1], numpy.asfortranarray(value), value[..., ::2]):
                    (found,), _ = blocks_of(config, dgram(12, 2, data(names, a=given, n=3)))
                    self.assertEqual(found[3]["a"].dtype, value.dtype)
                    self.assertTrue(numpy.array_equal(found[3]["a"], given))
                    self.assertEqual(found[3]["n"], 3)

    @unittest.skipIf(numpy is None, "numpy is absent")
    def test_scalars_of_numpy(self):
        names = describe(1, "det", "fex", {"i": "int16", "f": "float32", "b": "uint8"})
        self.assertEqual(data(names, i=numpy.int64(-3), f=numpy.float64(0.5), b=numpy.bool_(True)), data(names, i=-3, f=0.5, b=1))
        self.assertEqual(data(names, i=numpy.array(-3), f=numpy.array(0.5), b=True), data(names, i=-3, f=0.5, b=1))

    def test_buffers(self):
        names = describe(1, "det", "fex", {"a": ("int32", 1), "b": ("uint8", 1)})
        expected = data(names, a=[1, -2], b=[5, 6])
        self.assertEqual(data(names, a=array.array("i", [1, -2]), b=b"\5\6"), expected)
        self.assertEqual(data(names, a=memoryview(array.array("i", [1, 0, -2]))[::2], b=bytearray(b"\5\6")), expected)

    def test_enums(self):
        fields = [make_field(0, "On:Switch", 12, 0, 0), make_field(1, "state:Switch", 11, 0, 0), make_field(2, "Off:Switch", 12, 0, 0)]
        names = Names(0x105, "det", 0, "raw", pack_version((0, 0, 1)), fields)
        config = dgram(2, 1, names_block(names), Encoder(names).encode({"On:Switch": 1, "state:Switch": 1, "Off:Switch": -1}))
        (found,), _ = blocks_of(config, config)
        state = found[3]["state:Switch"]
        self.assertEqual((state, state.value, state.label), (1, 1, "On"))


class Layout(unittest.TestCase):
    def test_bytes(self):
        names = describe(0x102, "d", "fex", {"n": "uint16", "v": ("uint8", 1), "s": "str"})
        expected = struct.pack("<IHHI", 0x102, 0, 1, 36 + 40 + 2 + 3 + 3)
        expected += struct.pack("<IHHI", 0, 0, 2, 12 + 40) + struct.pack("<10I", 3, 0, 0, 0, 0, 3, 0, 0, 0, 0)
        expected += struct.pack("<IHHI", 0, 0, 3, 12 + 8) + b"\x07\x00" + b"\1\2\3" + b"ab\0"
        self.assertEqual(data(names, n=7, v=[1, 2, 3], s="ab"), expected)

    def test_no_arrays_still_has_shapes(self):
        names = describe(0x102, "d", "fex", {"n": "uint16"})
        self.assertEqual(data(names, n=7), struct.pack("<IHHIIHHIIHHIH", 0x102, 0, 1, 38, 0, 0, 2, 12, 0, 0, 3, 14, 7))

    def test_names(self):
        block = names_block(describe(0x102, "d", "fex", {"n": "uint16", "s": "str"}, segment=3))
        self.assertEqual(len(block), 1048 + 2 * 524)
        self.assertEqual(struct.unpack_from("<IHHI", block), (0x102, 0, 4, len(block)))
        self.assertEqual(struct.unpack_from("<I", block, 12)[0], 1)
        self.assertEqual(block[12 + 4:12 + 4 + 7], b"camera\0")
        self.assertEqual(struct.unpack_from("<II", block, 12 + 1028), (0x010203, 3))
        self.assertEqual(struct.unpack_from("<II", block, len(block) - 8), (10, 1))


class Refusals(unittest.TestCase):
    def setUp(self):
        self.names = describe(1, "det", "fex", {"n": "uint8", "x": "float32", "a": ("int16", 2), "s": "str"})
        self.good = dict(n=1, x=1.0, a=[[1, 2]], s="t")

    def test_each_names_the_field(self):
        for change, words in (
            (dict(n=256), r"field n \(uint8\) cannot hold 256: its range is 0 to 255"),
            (dict(n=1.5), r"field n needs an integer \(uint8\), got float 1.5"),
            (dict(n="1"), "field n needs a scalar of uint8, got str '1'"),
            (dict(n=None), "field n needs a scalar"),
            (dict(n=[1]), "field n needs a scalar of uint8"),
            (dict(x="y"), "field x needs a scalar of float32"),
            (dict(x=1e300), r"field x \(float32\) cannot hold"),
            (dict(a=[1, 2]), "field a needs rank 2, got a list of rank 1"),
            (dict(a=[[1, 2], [3]]), "field a: the list is not rectangular"),
            (dict(a=[[1, 40000]]), r"field a \(int16\) cannot hold the list"),
            (dict(a=[[1.5]]), r"field a \(int16\) cannot hold the list"),
            (dict(a=3), "field a needs an array of int16 with rank 2, got int"),
            (dict(a=array.array("i", [1])), "field a needs elements of int16"),
            (dict(a=array.array("h", [1])), "field a needs rank 2, got rank 1"),
            (dict(s=3), "field s needs a str, got int 3"),
            (dict(s="a\0b"), "field s: the text contains a NUL"),
            (dict(extra=1), "there is no field extra; its fields are n, x, a, s"),
        ):
            with self.assertRaisesRegex(BadValue, words):
                data(self.names, **dict(self.good, **change))
        with self.assertRaisesRegex(BadValue, "det_0 fex: field x, s has no value"):
            data(self.names, n=1, a=[[1]])

    def test_missing_and_unknown_without_arrays(self):
        names = describe(1, "det", "fex", {"n": "uint8", "x": "float32"})
        with self.assertRaisesRegex(BadValue, "field x has no value"):
            data(names, n=1)
        with self.assertRaisesRegex(BadValue, "there is no field y"):
            data(names, n=1, x=2, y=3)
        with self.assertRaisesRegex(BadValue, r"field n \(uint8\) cannot hold -1"):
            data(names, n=-1, x=2)

    @unittest.skipIf(numpy is None, "numpy is absent")
    def test_dtype_and_rank_of_numpy(self):
        with self.assertRaisesRegex(BadValue, r"field a needs dtype int16, got int64: use .astype\('int16'\)"):
            data(self.names, **dict(self.good, a=numpy.zeros((1, 2), "int64")))
        with self.assertRaisesRegex(BadValue, r"field a needs rank 2, got rank 3 \(shape \(1, 2, 1\)\)"):
            data(self.names, **dict(self.good, a=numpy.zeros((1, 2, 1), "int16")))
        with self.assertRaisesRegex(BadValue, r"field n needs a scalar of uint8, got ndarray of shape \(2,\)"):
            data(self.names, **dict(self.good, n=numpy.zeros(2, "uint8")))

    def test_definitions(self):
        for fields, words in (
            ({"a b": "int8"}, "field name 'a b'"), ({"": "int8"}, "field name ''"), ({"x" * 256: "int8"}, "at most 255"),
            ({"a": "int9"}, "'int9' is no element type"), ({"a": ("int8", 5)}, "has rank 5"), ({"a": ("str", 0)}, "a str has rank 1"),
            ({"a": ("int8", -1)}, "has rank -1"), ({"a": "enum"}, "no element type"), ({"a": complex}, "no element type"),
        ):
            with self.assertRaisesRegex(BadDefinition, words):
                new_fields(fields)
        with self.assertRaisesRegex(BadDefinition, "detector name"):
            check_detector("a-b")
        with self.assertRaisesRegex(BadDefinition, "version"):
            pack_version((1, 2, 256))

    def test_types_by_many_names(self):
        given = [("float", "float64"), (float, "float64"), (int, "int64"), (str, "str"), ("uint16", "uint16")]
        if numpy is not None:
            given += [(numpy.uint16, "uint16"), (numpy.dtype("<f4"), "float32"), (numpy.float64, "float64")]
        for spec, name in given:
            self.assertEqual(element_type(spec).name, name)

    def test_next_names_id(self):
        self.assertEqual(next_names_id([0x100, 0x10B, 0x1FF, 0x180, 0x255], 1), 0x10C)
        self.assertEqual(next_names_id([0x1FF], 1), 0x100)
        self.assertEqual(next_names_id([], 5), 0x500)
        with self.assertRaisesRegex(BadDefinition, "no names id left"):
            next_names_id([0x17F], 1)


if __name__ == "__main__":
    unittest.main()
