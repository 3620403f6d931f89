"""What trigger scripts see: views, primitives, events, columns with and without numpy."""

import json
import struct
import unittest
from binascii import crc_hqx

import package_path  # noqa: F401
from daqpipe.trigger import KEEP, schema_number, views
from daqpipe.trigger.answers import WrongAnswer, encode
from daqpipe.trigger.columns import Batch
from daqpipe.trigger.conversation import Session
from daqpipe.trigger.dgrams import EbDgram, ResultDgram
from daqpipe.trigger.event import Event
from daqpipe.trigger.prim import EVERYTHING, BadPrimitive, BadVersion, Declaration, Prim, decode
from daqpipe.trigger.protocol import ENTRY, FREE, HELLO, RECORD, RESULT
from daqpipe.xtc.arrays import numpy
from dgrams import data, describe, dgram, names_block


class Silent:
    """A channel on which only HELLO comes."""

    def __init__(self, **more):
        drps = {str(i): {"drp_id": i, "proc_info": {"alias": alias}, "det_info": {"readout": i // 2}}
                for i, alias in enumerate(("timing_0", "andor_0", "cam_1", "cam_2"))}
        mebs = {str(i): {"meb_id": i, "proc_info": {"alias": alias}} for i, alias in ((0, "ami-meb0"), (3, "usr-meb3"))}
        self.hello = dict({"connect": {"body": {"drp": drps, "meb": mebs}}, "partition": 0}, **more)

    def receive(self):
        from daqpipe.trigger.channel import Frame
        return Frame(HELLO, 0, json.dumps(self.hello).encode(), 0)


def record(pid, source, payload=b"", rogs=1, keep=0):
    return RECORD.pack(pid | 1 << 62, 7, 1000, rogs | keep << 22 | 12 << 24, source, 0, 0, 12 + len(payload)) + payload


def event_bytes(pid, payloads, rogs=1, damage=0):
    records = b"".join(record(pid, source, payload, rogs) for source, payload in sorted(payloads.items()))
    return ENTRY.pack(pid, len(payloads), damage, len(records)) + records


def batch_of(events, session=None):
    return Batch(session or Session(Silent()), b"".join(events) + FREE.pack(1, 2, 3, 4), len(events))


def timing(*codes, destination=3):
    words = [0] * 9
    for code in codes:
        words[code >> 5] |= 1 << (code & 31)
    return struct.pack("<B3x9I", destination | 0x80, *words)


def tprm(values, codec=1, version=0, schema=0):
    text = values if isinstance(values, bytes) else json.dumps(values).encode()
    return struct.pack("<4sBBHI", b"TPRM", codec, version, schema, len(text)) + text


class Views(unittest.TestCase):
    def test_fixed(self):
        clock = views.TimingTebData(timing(30, 257))
        self.assertEqual((clock.eventcodes(), clock.has_eventcode(30), clock.has_eventcode(31), clock.has_eventcode(999)), ([30, 257], True, False, False))
        self.assertEqual((clock.eventcodes_to_int(29, 31), clock.has_destination(3), clock.has_destination(2)), (2, True, False))
        encoder = views.HrEncoderTebData(struct.pack("<iBBBB", -5, 1, 2, 0xE0, 0))
        self.assertEqual((encoder.position(), encoder.encErrCnt(), encoder.missedTrigCnt(), encoder.latches()), (-5, 1, 2, 7))
        tool = views.Piranha4TTTebData(struct.pack("<6d", -1, 2, 3, 4, 5, 6))
        self.assertEqual((tool.valid(), tool.fltpos(), tool.refampl()), (False, 2.0, 6.0))
        with self.assertRaisesRegex(ValueError, "TmoTebData needs 8 bytes"):
            views.TmoTebData(b"1234567")

    def test_beam_line(self):
        bld = views.BldTebData(struct.pack("<Q dQ 6d d", 0b0110001, 1.5, 2, 1, 2, 3, 4, 5, 6, 13.5))
        self.assertEqual((bld.gmd().milliJoulesPerPulse(), bld.gmd().milliJoulesPerPulse_sevr()), (1.5, 2))
        self.assertEqual((bld.gasdet().f22ENRC(), bld.ebeam().l3Energy(), bld.xgmd(), bld.ebeams()), (4.0, 13.5, None, None))
        with self.assertRaises(ValueError):
            views.BldTebData(struct.pack("<Qd", 1, 1.5))

    def test_dgrams_of_the_existing_system(self):
        one = EbDgram(view=record(0x123456, 5, b"12345678", rogs=3))
        self.assertEqual((one.pulseId(), one.readoutGroups(), one.service(), one.sizeofPayload()), (0x123456, 3, 12, 8))
        self.assertEqual((one.xtc.src.value(), one.xtc.extent, one.xtc.payload(), one.time.seconds(), one.time.value()),
                         (5, 20, b"12345678", 1000, 1000 << 32 | 7))
        memory = bytearray(RECORD.pack(0x123456, 5, 1000, 0x0C400003, 0x10000001, 0, 3, 12) + bytes(4) + struct.pack("<I", 0x40000002))
        result = ResultDgram(memory, True, 15)
        self.assertEqual(memory.hex(), "5634120000000000" "05000000e8030000" "0300400c01000010" "0000030014000000" "3e00000002000040")
        self.assertEqual((result.persist(), result.monitor()), (True, 15))


class Primitives(unittest.TestCase):
    def test_json(self):
        missed = []
        prim = decode(tprm({"n": 4}, version=2, schema=7), Declaration(None, (2,), (7,), ("m",)), False, missed.append)
        self.assertEqual((prim.get("n"), prim.get("x"), prim.get("x", 5), prim.require("n"), prim.require("n", "y"), "n" in prim, prim["n"]),
                         (4, None, 5, True, False, True, 4))
        self.assertEqual((missed, prim.version, prim.schema, list(prim.keys())), (["m", "x", "x", "y"], 2, 7, ["n"]))
        with self.assertRaises(KeyError):
            prim["x"]

    def test_what_cannot_be_used(self):
        for frame in (b"TPRM", tprm({})[:-1], tprm({}) + b"x", tprm(b"[1]"), tprm(b"{"), tprm(b"\xff"), tprm({}, codec=7), tprm(b"\x80", codec=2), tprm(b"x", codec=3)):
            with self.assertRaises(BadPrimitive):
                decode(frame, EVERYTHING, False, lambda key: None)
        with self.assertRaises(BadVersion):
            decode(tprm({}, schema=3), Declaration(schemas=(1, 2)), False, lambda key: None)
        with self.assertRaises(BadPrimitive):
            decode(tprm(b"cos\nnothing_here\n.", codec=2), EVERYTHING, True, lambda key: None)

    def test_xtc(self):
        names = describe(0x100, "andor", "raw", {"npeaks": ("uint16", 0), "sums": ("float64", 1)})
        frame = tprm(dgram(12, 1, names_block(names), data(names, npeaks=4, sums=[1.0, 2.0])), codec=3)
        prim = decode(frame, EVERYTHING, False, lambda key: None)
        self.assertEqual((prim["npeaks"], prim["sums"].tolist()), (4, [1.0, 2.0]))

    def test_schema_number(self):
        # The check value of CRC-16/CCITT-FALSE, for the text 123456789, is 0x29b1.
        self.assertEqual(crc_hqx(b"123456789", 0xFFFF), 0x29B1)
        self.assertEqual(schema_number([("n", "u4"), ("m", "f8")]), crc_hqx(b"n:u4,m:f8", 0xFFFF))


class Events(unittest.TestCase):
    def test_one(self):
        session = Session(Silent())
        buffer = event_bytes(99, {0: timing(30), 1: tprm({"n": 4}), 2: b""}, rogs=3, damage=16) + FREE.pack(1, 2, 3, 4)
        one = Event(session, buffer, 16, 3, 99, 16, 0)
        self.assertEqual((one.pid, one.rogs, one.slow, one.keep, one.time, one.damage, one.missing, one.free(2)),
                         (99, 3, True, False, (1000, 7), 16, ["cam_2"], 3))
        self.assertTrue(one.get("timing_0").has_eventcode(30))
        self.assertEqual((one.get("andor")["n"], one.get("cam_1"), one.get("cam_1", 7), one.get("nobody"), one.get("cam")), (4, None, 7, None, None))
        self.assertEqual((session.mebs(), session.mebs("ami"), session.mebs(["usr", "x"]), session.mebs("x")), (9, 1, 8, 0))

    def test_answers(self):
        for answer, word in ((None, 2), (True, 2), (False, 0), (KEEP, 2), ((False, -1), 60), ((True, 1 << 80 | 1), 6), ((1, 0, 5), 0x502)):
            self.assertEqual(encode(answer), word, answer)
        for answer in (1, "yes", (True,), (True, 1.0), (True, None), ("x", 1), (True, 1, -1), (True, 1, 1 << 24), (True, 1, 1, 1), [True, 1]):
            with self.assertRaises(WrongAnswer):
                encode(answer)


class Columns(unittest.TestCase):
    def test_alike(self):
        batch = batch_of([event_bytes(2 ** 40 + i, {0: timing(i), 1: struct.pack("<II", i, 9)}, rogs=3) for i in range(64)])
        for _ in range(2):
            self.assertEqual(list(batch.pid), [2 ** 40 + i for i in range(64)])
            self.assertEqual(list(batch.col("andor_0", "write")), list(range(64)))
        self.assertEqual(list(batch.rogs), [3] * 64)
        self.assertEqual([i for i, has in enumerate(batch.eventcode("timing_0", 40)) if has], [40])
        self.assertEqual(list(batch.col("timing_0", "destination")), [3] * 64)
        self.assertEqual((batch.free(1), len(batch), batch[5].pid), (2, 64, 2 ** 40 + 5))

    def test_same_answers_as_one_by_one(self):
        """Whatever mixture lies in a batch."""
        kinds = [{0: timing(3), 1: struct.pack("<II", 5, 6)}, {1: struct.pack("<II", 7, 8)}, {0: timing(4), 1: tprm({"write": 3})}, {0: b"short"}, {},
                 {1: b"12345678901234567890", 2: b""}, {0: timing(9), 3: struct.pack("<II", 1, 2)}]
        events = [event_bytes(100 + i, kinds[i * i % 11 % len(kinds)]) for i in range(50)]
        batch = batch_of(events)
        singles = [batch_of([event]) for event in events]
        for alias, field, fill in (("andor_0", "write", -1), ("timing_0", "destination", 0), ("cam_2", "monitor", 5), ("nobody", "x", 0)):
            self.assertEqual(list(batch.col(alias, field, fill)), [single.col(alias, field, fill)[0] for single in singles], alias)
            self.assertEqual(list(batch.has(alias)), [single.has(alias)[0] for single in singles], alias)
        self.assertEqual(list(batch.pid), [100 + i for i in range(50)])

    def test_keys(self):
        batch = batch_of([event_bytes(i, {1: tprm({"n": i} if i % 2 else {})}) for i in range(6)])
        self.assertEqual(list(batch.col("andor", "n", -1)), [-1, 1, -1, 3, -1, 5])

    def test_answers(self):
        batch = batch_of([event_bytes(i, {0: timing(i)}) for i in range(4)])
        out = bytearray(4 * RESULT.size)
        write = [value > 1 for value in range(4)]
        some = write if numpy is None else numpy.array(write)
        for answer, words in ((None, [2] * 4), (True, [2] * 4), (some, [0, 0, 2, 2]), ((some, 3), [12, 12, 14, 14]), ((False, [0, 1, 2, -1]), [0, 4, 8, 60]),
                              ((True, 0, [0, 1, 2, 3]), [2, 258, 514, 770])):
            batch.answer(answer, out)
            self.assertEqual([RESULT.unpack_from(out, i * RESULT.size) for i in range(4)], [(i, words[i], 0) for i in range(4)])
        for answer in ((True,), (True, 0, 0, 0), ([True, False], 0), (True, [1, 2]), (True, "x"), ([0.5] * 4, 0), (["a"] * 4, 0)):
            with self.assertRaises(WrongAnswer):
                batch.answer(answer, out)

    def test_prim_objects_do_not_raise(self):
        self.assertIsNone(Prim({}).get("x"))


if __name__ == "__main__":
    unittest.main()
