"""daqpipe.mapreduce: values as CBOR, frames, packets, the names that existing classes import, the published tree."""

import json
import math
import os
import random
import subprocess
import sys
import tempfile
import unittest
from array import array

import package_path
from daqpipe.mapreduce import alias, bslz4, cbor, pickles, running, tree
from daqpipe.mapreduce.data import contrast as contrast_data
from daqpipe.mapreduce.data import xspress3
from daqpipe.mapreduce.event import EventData, Frame, InternalWorkerMessage, NdArray, ResultData, StreamData
from daqpipe.mapreduce.middlewares import albaem, contrast, eiger_legacy, lecroy, pcap, positioncap, sardana, stream1, xspress
from daqpipe.mapreduce.parameters import BinaryParameter, BoolParameter, FloatParameter, IntParameter, StrParameter

numpy = cbor.numpy


def packed(typ, *parts):
    return StreamData(typ=typ, frames=[part if isinstance(part, bytes) else json.dumps(part).encode() for part in parts])


class Cbor(unittest.TestCase):
    def test_values_come_back(self):
        for value in (0, 23, 24, -1, -25, 255, 65536, 2**32, 2**64 - 1, -(2**64), 2**70, -(2**70), 1.5, -0.0, math.inf, True, False, None, "",
                      "grüße", b"\x00\xff", [], [1, [2, [3]]], {}, {"a": {"b": [1.5]}, 3: "three"}):
            self.assertEqual(cbor.loads(cbor.dumps(value)), value)
        self.assertTrue(math.isnan(cbor.loads(cbor.dumps(math.nan))))

    def test_known_bytes(self):
        for text, value in (("1903e8", 1000), ("3903e7", -1000), ("f93c00", 1.0), ("fa47c35000", 100000.0), ("5f42010243030405ff", b"\1\2\3\4\5"),
                            ("9f018202039f0405ffff", [1, [2, 3], [4, 5]]), ("bf61610161629f0203ffff", {"a": 1, "b": [2, 3]}),
                            ("c074323031332d30332d32315432303a30343a30305a", "2013-03-21T20:04:00Z"), ("c249010000000000000000", 2**64)):
            self.assertEqual(cbor.loads(bytes.fromhex(text)), value)
        self.assertEqual(cbor.dumps(array("H", [1, 2])).hex(), "d8454401000200")

    def test_arrays(self):
        back = cbor.loads(cbor.dumps({"a": array("d", [1.5, 2.5])}))["a"]
        self.assertEqual(list(back), [1.5, 2.5])
        shaped = cbor.loads(cbor.dumps(NdArray((2, 3), array("i", range(6)))))
        self.assertEqual((tuple(shaped.shape), shaped.tolist()), ((2, 3), [[0, 1, 2], [3, 4, 5]]))
        self.assertEqual(list(cbor.loads(bytes.fromhex("d8414400010002"))), [1, 2])  # big endian

    @unittest.skipIf(numpy is None, "numpy arrays need numpy")
    def test_numpy(self):
        for value in (numpy.arange(6, dtype="u2").reshape(2, 3), numpy.ones(3, ">f4"), numpy.zeros((0, 4)), numpy.arange(8).reshape(2, 2, 2).T):
            back = cbor.loads(cbor.dumps(value))
            self.assertTrue(numpy.array_equal(back, value) and back.shape == value.shape)
            self.assertTrue(back.flags.writeable)
        self.assertEqual(cbor.loads(cbor.dumps({"n": numpy.float32(0.5), "i": numpy.int16(-3)})), {"n": 0.5, "i": -3})
        self.assertEqual(cbor.loads(cbor.dumps(numpy.array([True, False]))).tolist(), [1, 0])
        with self.assertRaises(TypeError):
            cbor.dumps(numpy.array([object()]))

    def test_what_has_no_form(self):
        with self.assertRaisesRegex(TypeError, "a object cannot travel"):
            cbor.dumps({"x": object()})
        deep = []
        for _ in range(100):
            deep = [deep]
        with self.assertRaisesRegex(ValueError, "nested deeper"):
            cbor.dumps(deep)

    def test_garbage_is_refused_and_nothing_else_happens(self):
        good = cbor.dumps({"a": [1, 2.5, "x", b"y", array("H", [1, 2, 3])], "n": NdArray((1, 2), array("f", [1, 2]))})
        dice = random.Random(1)
        for _ in range(20000):
            bad = bytearray(good)
            for _ in range(dice.randint(1, 3)):
                bad[dice.randrange(len(bad))] = dice.randrange(256)
            try:
                cbor.loads(bytes(bad[:dice.randint(0, len(bad))]))
            except cbor.BadCbor:
                pass
        for text in ("81" * 1000, "9bffffffffffffffff", "bb00000000ffffffff", "5bffffffffffffffff", "ff", "1c", "d82801", "d8288201f6"):
            with self.assertRaises(cbor.BadCbor, msg=text):
                cbor.loads(bytes.fromhex(text))


class Packets(unittest.TestCase):
    def test_stins(self):
        start = stream1.parse(packed("STINS", {"htype": "header", "msg_number": 0, "filename": "x.h5", "extra": 5}))
        self.assertEqual((start.filename, start.extra), ("x.h5", 5))
        fields = {"htype": "image", "msg_number": 1, "frame": 0, "shape": [2, 2], "type": "uint16", "compression": "none"}
        image = stream1.parse(packed("STINS", fields, array("H", [1, 2, 3, 4]).tobytes()))
        self.assertEqual(image.data.tolist(), [[1, 2], [3, 4]])
        again = stream1.parse(image.to_stream_data())
        self.assertEqual(again.array().tolist(), [[1, 2], [3, 4]])
        with self.assertRaises(ValueError):
            stream1.parse(packed("STINS", {"htype": "image", "msg_number": 1}))
        with self.assertRaises(AssertionError):
            stream1.parse(packed("PCAP", {"htype": "series_end", "msg_number": 2}))

    def test_compressed_images_stay_as_they_are_until_asked_for(self):
        raw = bytes(range(16))
        rows = bytes(sum((raw[8 * group + i] >> k & 1) << i for i in range(8)) for k in range(8) for group in range(2))
        block = bytes([0xF0, 1]) + rows
        blob = (16 + 3).to_bytes(8, "big") + (16).to_bytes(4, "big") + len(block).to_bytes(4, "big") + block + b"\1\2\3"
        fields = {"htype": "image", "msg_number": 1, "frame": 0, "shape": [19], "type": "uint8", "compression": "bslz4"}
        image = stream1.parse(packed("STINS", fields, blob))
        self.assertFalse(hasattr(image, "data"))
        self.assertEqual(bytes(image.array().tolist()), raw + b"\1\2\3")
        for bad in (blob[:-1], blob + b"x", blob[:4], blob[:12] + b"\xff" * 4 + blob[16:], b"\0" * 12):
            with self.assertRaises(bslz4.BadBlob):
                bslz4.decode(bad, 19, 1)

    def test_pickles_only_when_accepted(self):
        started = contrast_data.ContrastStarted(path="/x", scannr=2, description="d", snapshot={"a": 1})
        data = started.to_stream_data()
        with self.assertRaises(pickles.PickleRefused):
            contrast.parse(data)
        pickles.accepted = True
        try:
            self.assertEqual(contrast.parse(data), started)
            image = xspress3.XspressImage(frame=0, shape=[2], type="uint32", data=array("I", [1, 2]), meta={"ocr": [0.5]})
            self.assertEqual(xspress.parse(image.to_stream_data()).meta["ocr"], [0.5])
        finally:
            pickles.accepted = False

    def test_text_lines_of_a_position_capture(self):
        parser = positioncap.PositioncapParser()
        with self.assertRaises(ValueError):
            parser.parse(packed("PCAP_RAW", b" 1 2\n"))
        header = b"arm_time: 2024-10-07T08:49:10.627Z\nmissed: 0\nfields:\n PCAP.TS double Value\n COUNTER1.OUT uint32 Value\n"
        for _ in range(2):
            start = parser.parse(packed("PCAP_RAW", header))
        self.assertEqual(start.arm_time.isoformat(), "2024-10-07T08:49:10.627000")
        values = parser.parse(packed("PCAP_RAW", b" 0.5 7\n"))
        self.assertEqual({name: field.value for name, field in values.fields.items()}, {"PCAP.TS.Value": 0.5, "COUNTER1.OUT.Value": 7})
        self.assertEqual(parser.parse(start.to_stream_data(parser.fields)).arm_time, start.arm_time)
        self.assertEqual(type(parser.parse(packed("PCAP_RAW", b"END 2 Disarmed\n"))).__name__, "PositionCapEnd")

    def test_all_others(self):
        base = {"message_id": 1, "version": 1}
        self.assertEqual(pcap.parse(packed("PCAP", {**base, "message_type": "data", "frame_number": 4, "INENC1.VAL": 0.5})).frame_number, 4)
        start = pcap.parse(packed("PCAP", {**base, "message_type": "series-start", "arm_time": "2024-10-07T08:49:10.627Z"}))
        self.assertEqual(start.arm_time.year, 2024)
        data = {**base, "message_type": "data", "frame_number": 1, "timestamp": 0.5, "acquisition_timestamp": 5, "channel1": 1e-9}
        self.assertEqual(albaem.parse(packed("albaem", data)).channel1, 1e-9)
        self.assertEqual(sardana.parse(packed("sardana", {"type": "RecordData", "timestamp": 0.5, "mot": 3})).mot, 3)
        eiger = eiger_legacy.parse(packed("EIGER_LEGACY", {"htype": "dimage-1.0", "frame": 2}, {"shape": [1]}, b"\1\2", {"start": 0}, {}))
        self.assertEqual((eiger.data["buffer"], eiger.config), (b"\1\2", {"start": 0}))
        traces = {"htype": "traces", "ch": 2, "ts": 0.5, "frame": 0, "shape": [1, 2], "dtype": "float64"}
        frame = packed("lecroy_9fwdWp6Rq7", {"htype": "msg", "what": 1, "frame": 0, "channels": [2]}, traces,
                       array("d", [1, 2]).tobytes(), b"pickled times", {"htype": "msg", "what": 2, "frame": 0})
        names = [type(packet).__name__ for packet in lecroy.parse_all(frame)]
        self.assertEqual(names, ["LecroyStart", "LecroyData", "LecroySequence"])


class Events(unittest.TestCase):
    def test_frames_are_bytes_and_have_them(self):
        frame = Frame(b"abc")
        self.assertEqual((frame.bytes, bytes(frame), len(frame)), (b"abc", b"abc", 3))
        self.assertEqual(json.loads(Frame(b"[1]").bytes), [1])

    def test_messages_make_an_event(self):
        messages = [InternalWorkerMessage(event_number=4, streams={name: StreamData(typ="X", frames=[b""])}) for name in "ab"]
        self.assertEqual(sorted(EventData.from_internals(messages).streams), ["a", "b"])
        with self.assertRaises(ValueError):
            EventData.from_internals(messages + messages[:1])
        self.assertEqual(ResultData(event_number=1, worker="w", payload={}, parameters_hash=None).payload, {})

    def test_parameters(self):
        for kind, data, value in ((StrParameter, b"x", "x"), (StrParameter, b"\xff", ""), (IntParameter, b" -5", -5), (IntParameter, b"x", 0),
                                  (FloatParameter, b"1e3", 1000.0), (FloatParameter, b"", 0.0), (BoolParameter, b"True", True),
                                  (BoolParameter, b"true", False), (BinaryParameter, b"\0", b"\0")):
            self.assertEqual(kind.from_bytes(data), value)
        self.assertEqual(IntParameter(name="a", default=3).described(), {"name": "a", "description": None, "dtype": "int", "default": 3})

    def test_imports_of_dranspose(self):
        alias.install()
        from dranspose.event import EventData as theirs  # type: ignore[import-not-found]
        from dranspose.middlewares import stream1 as parser  # type: ignore[import-not-found]

        self.assertIs(theirs, EventData)
        self.assertIs(parser, stream1)


class Calls(unittest.TestCase):
    def test_methods_get_as_many_arguments_as_they_take(self):
        def call(method):
            return running.accepted(method, ("event", "parameters"), {"tick": True})("event", "parameters", tick=True)

        self.assertEqual(call(lambda event, parameters, tick: (event, parameters, tick)), ("event", "parameters", True))
        self.assertEqual(call(lambda event, parameters=None: (event, parameters)), ("event", "parameters"))
        self.assertEqual(call(lambda event: event), "event")
        self.assertEqual(call(lambda event, *args, **kwargs: (args, kwargs)), (("parameters",), {"tick": True}))


class Classes(unittest.TestCase):
    def described(self, path):
        try:
            running.load(path)
        except Exception as error:
            # Without this frame, as the process of a class has it.
            return running.describe(error.with_traceback(error.__traceback__.tb_next))
        self.fail("%s was found" % path)

    def test_a_class_that_is_not_there_is_named_without_how_it_was_sought(self):
        for path, text in (("nowhere_at_all:C", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
                           ("nowhere_at_all.deep:C", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
                           ("json:Such", "AttributeError: module 'json' has no attribute 'Such'"),
                           ("json", "ValueError: 'json' is not module:Class")):
            self.assertEqual(self.described(path), {"text": text, "place": "", "traceback": ""})

    def test_what_a_module_raises_has_its_place(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, line, text in (("lacks_a_module", "import nowhere_at_all", "ModuleNotFoundError: No module named 'nowhere_at_all'"),
                                     ("raises", "raise ValueError('no')", "ValueError: no")):
                file = os.path.join(folder, name + ".py")
                with open(file, "w") as module:
                    module.write("\n%s\n" % line)
                found = self.described(file + ":C")
                self.assertEqual((found["text"], found["place"]), (text, file + ":2"))
                self.assertIn(line, found["traceback"])
                self.assertNotIn("importlib", found["traceback"])


class Tree(unittest.TestCase):
    def test_types(self):
        def kind(value):
            made = tree.dataset(value)
            return None if made is None else made.type.get("base", made.type["class"])

        self.assertEqual([kind(x) for x in (1, 1.5, "x", True, [1, 2], [1, 2.5], ["a"], [[1], [1, 2]], object(), 2**70)],
                         ["H5T_STD_I64LE", "H5T_IEEE_F64LE", "H5T_STRING", "H5T_STD_I8LE", "H5T_STD_I64LE", "H5T_IEEE_F64LE", "H5T_STRING",
                          None, None, None])
        if numpy is not None:
            row = numpy.zeros(2, [("a", ">f4"), ("b", "u1")])
            self.assertEqual([kind(numpy.zeros(2, t)) for t in ("u2", ">f4", "?")], ["H5T_STD_U16LE", "H5T_IEEE_F32BE", "H5T_STD_U8LE"])
            self.assertEqual([f["type"]["base"] for f in tree.dataset(row).type["fields"]], ["H5T_IEEE_F32BE", "H5T_STD_U8LE"])

    def test_keys_with_slashes(self):
        for key in ("a/b", "a%2Fb", "50%", "%252F", "/"):
            self.assertIsNotNone(tree.node({key: 1}, [tree.escaped(key)]))
            self.assertNotIn("/", tree.escaped(key))
        self.assertEqual(len({tree.escaped(key) for key in ("a/b", "a%2Fb", "a%252Fb")}), 3)


class WithoutNumpy(unittest.TestCase):
    def test_the_package_works_without_it(self):
        code = ("from daqpipe.mapreduce import cbor, tree; from daqpipe.mapreduce.event import NdArray; from array import array;"
                "print(cbor.numpy, cbor.loads(cbor.dumps(NdArray((1,2), array('f',[1,2])))).tolist(), tree.value({'x':[1,2]},['x'],[[1,2,1]]))")
        path = os.pathsep.join((os.path.join(os.path.dirname(__file__), "without_numpy"), package_path.ROOT))
        found = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True)
        self.assertEqual(found.stdout.strip(), "None [[1.0, 2.0]] ({}, [b'\\x02\\x00\\x00\\x00\\x00\\x00\\x00\\x00'])")


if __name__ == "__main__":
    unittest.main()
