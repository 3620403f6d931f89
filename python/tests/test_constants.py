"""Constants of a run, with and without numpy."""

import json
import os
import struct
import tempfile
import unittest

import package_path  # noqa: F401
from daqpipe import npy
from daqpipe.constants import constants_in, no_constants
from daqpipe.errors import BadDgram, MissingConstants
from daqpipe.xtc.arrays import numpy
from dgrams import BEGIN_RUN, configure, dgram
from driver import Driver


def stored(descr, shape, content, fortran=False, version=1):
    header = repr({"descr": descr, "fortran_order": fortran, "shape": shape}).encode()
    header += b" " * (64 - (10 + len(header)) % 64 - 1) + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + content


class Files(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def put(self, path, content):
        path = os.path.join(self.folder.name, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content if isinstance(content, bytes) else content.encode())
        return path

    def test_a_folder(self):
        self.put("epix/pedestals.npy", stored("<f4", (2, 3), struct.pack("<6f", *range(6))))
        self.put("epix/pedestals.doc.json", json.dumps({"run": 7}))
        self.put("epix/geometry.txt", "QUAD 1\n")
        self.put("epix/any.json", "[1, 2.5]")
        self.put("opal/mask.npy", stored("|u1", (4,), bytes(4)))
        constants = constants_in(self.folder.name)
        data, doc = constants["epix"]["pedestals"]
        self.assertEqual((data.tolist(), doc), ([[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]], {"run": 7}))
        self.assertEqual(constants["epix"]["geometry"], ("QUAD 1\n", {}))
        self.assertEqual(constants["epix"]["any"], ([1, 2.5], {}))
        self.assertEqual((list(constants), list(constants["epix"])), (["epix", "opal"], ["any", "geometry", "pedestals"]))
        self.assertIs(constants["epix"]["pedestals"][0], data)
        with self.assertRaises((ValueError, TypeError)):
            data[0, 0] = 1
        for look, words in ((lambda: constants["opal"]["pedestals"], "no constants pedestals of opal; there are mask"),
                            (lambda: constants["x"], "no constants of detector x; there are some of epix, opal"),
                            (lambda: constants["../epix"], "no constants of detector ../epix"),
                            (lambda: no_constants("nobody sent any")["epix"], "nobody sent any")):
            with self.assertRaisesRegex(MissingConstants, words):
                look()

    def test_npy_without_numpy(self):
        for version in (1, 2, 3):
            content = stored("<i2", (2, 2), struct.pack("<4h", 1, -2, 3, -4), version=version)
            self.assertEqual(npy._parse("f", content).tolist(), [[1, -2], [3, -4]])
        for descr, char in (("<f8", "d"), ("<u8", "Q"), ("|i1", "b"), ("|b1", "B")):
            view = npy._parse("f", stored(descr, (3,), bytes(3 * struct.calcsize(char))))
            self.assertEqual((view.format, view.shape, view.readonly), (char, (3,), True))
        for content, words in ((b"no", "is no .npy file"), (stored("|O", (1,), b""), "element type"), (stored(">f4", (1,), bytes(4)), "element type"),
                               (stored("<f4", (2, 2), bytes(16), fortran=True), "Fortran"), (stored("<f4", (5,), bytes(4)), "cut short"),
                               (stored("<f4", (5,), b"")[:40], "header")):
            with self.assertRaisesRegex(BadDgram, words):
                npy._parse("f", content)

    @unittest.skipIf(numpy is None, "numpy is absent")
    def test_npy_with_numpy(self):
        path = os.path.join(self.folder.name, "a.npy")
        for array in (numpy.arange(6, dtype="f4").reshape(2, 3), numpy.asfortranarray(numpy.eye(3)), numpy.float32(3)):
            numpy.save(path, array)
            self.assertTrue(numpy.array_equal(npy.read_npy(path), array))
        for array in (numpy.arange(6, dtype="u2").reshape(2, 3), numpy.zeros(0)):
            numpy.save(path, array)
            with open(path, "rb") as file:
                self.assertEqual(npy._parse(path, file.read()).tolist(), array.tolist())
        numpy.save(path, numpy.array([{}]), allow_pickle=True)
        with self.assertRaises(BadDgram):
            npy.read_npy(path)

    def test_of_a_run(self):
        self.put("det/pedestals.npy", stored("<f4", (2,), struct.pack("<2f", 1, 2)))
        script = "def event(evt):\n    pass\ndef begin_run(run):\n    print(run.constants['det']['pedestals'][0].tolist())\n"
        script += "def event(evt):\n    print(evt.run.constants['det']['pedestals'][1])\n"
        with Driver(script, constants=self.folder.name) as worker:
            worker.load().ask([configure()])
            worker.ask([dgram(BEGIN_RUN, 2)])
            worker.ask([dgram(12, 3)])
            worker.stop()
            self.assertEqual(worker.words().splitlines(), ["[1.0, 2.0]", "{}"])


if __name__ == "__main__":
    unittest.main()
