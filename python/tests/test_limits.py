"""Sizes: limits to the byte, full slots, policies; and everything that changes what becomes of an event: raw, drop, trigger."""

import json
import struct
import unittest

import package_path  # noqa: F401
from daqpipe import protocol as p
from dgrams import AUX, L1, RAW, SLOW_UPDATE, blocks_of, configure, data, dgram, event, seeded
from driver import Driver, WorkerError

# A blob of n bytes makes a block of 12 + 32 + 12 + n bytes.
BLOB = """
def configure(cfg):
    global fex
    fex = cfg.add("fex", blob=("uint8", 1))
def event(evt):
    evt.add(fex, blob=bytes(evt.time.nsec))
slow_update = event
"""
OVERHEAD = 24 + 56


class Oversize(unittest.TestCase):
    def test_events_and_others_have_their_own_limits(self):
        for transport in ("pipe", "sysv"):
            with Driver(BLOB, transport, pebble=1000, transition=8192, plain=True) as worker:
                worker.load().ask([configure()])
                for service, limit in ((L1, 1000), (11, 1000), (SLOW_UPDATE, 8192)):
                    for total in (limit - 1, limit, limit + 1, limit + 3000):
                        (result,) = worker.ask([dgram(service, 1, nsec=total - OVERHEAD)])
                        if total <= limit:
                            self.assertEqual((result.status, result.size), (p.CHANGED, total))
                        else:
                            self.assertEqual((result.status, result.size, result.needed), (p.OVERSIZE, 0, total))
                self.assertEqual(worker.stop(), 0)
                self.assertIn("needs 1001 bytes, the limit is 1000; added last: fex", worker.words())

    def test_a_configure_that_is_too_large(self):
        script = "def configure(cfg):\n    cfg.add('fex', {'f%d' % i: 'uint8' for i in range(20)})\ndef event(evt):\n    pass\n"
        with Driver(script, transition=len(configure()) + 1048 + 20 * 524 - 1, plain=True) as worker:
            (result,) = worker.load().ask([configure()])
            self.assertEqual((result.status, result.needed), (p.OVERSIZE, len(configure()) + 1048 + 20 * 524))

    def test_cut_supplies_the_first_bytes(self):
        for transport in ("pipe", "sysv"):
            with Driver(BLOB, transport, pebble=1000, transition=8192, oversize="cut", plain=True) as worker:
                worker.load().ask([configure()])
                for total in (1001, 5000, 50000):
                    whole = bytearray(dgram(L1, 1, nsec=total - OVERHEAD))
                    (result,) = worker.ask([bytes(whole)])
                    whole[20:24] = (total - 12).to_bytes(4, "little")
                    self.assertEqual((result.status, result.size, result.needed), (p.OVERSIZE, 1000, total))
                    self.assertEqual(result.bytes[:24], bytes(whole))

    def test_what_is_removed_makes_room_whatever_the_order(self):
        for lines in ("evt.remove('raw'); evt.add(fex, blob=bytes(n))", "evt.add(fex, blob=bytes(n)); evt.remove('raw')"):
            script = BLOB.split("def event")[0] + "def event(evt):\n    n = evt.det.raw.gain\n    %s\n" % lines
            for transport, slot_bytes in (("pipe", None), ("sysv", 8192)):
                with Driver(script, transport, pebble=4000, transition=5900, slot_bytes=slot_bytes, plain=True) as worker:
                    worker.load().ask([configure()])
                    for room, status in ((0, p.CHANGED), (1, p.OVERSIZE)):
                        big = data(RAW, image=[[1] * 1900], gain=4000 - OVERHEAD + room)
                        (result,) = worker.ask([dgram(L1, 1, big)])
                        self.assertEqual((result.status, result.size, result.needed),
                                         (p.CHANGED, 4000, 0) if status == p.CHANGED else (p.OVERSIZE, 0, 4001))

    def test_many_additions_beyond_every_limit_keep_no_memory(self):
        script = ("def configure(cfg):\n    global all\n    all = [cfg.add('f%d' % i, a=('uint8', 1)) for i in range(40)]\n"
                  "def event(evt):\n    for f in all:\n        evt.add(f, a=bytes(1 << 20))\n")
        with Driver(script, pebble=4096, transition=262144, plain=True) as worker:
            worker.load().ask([configure()])
            (result,) = worker.ask([event(1)])
            self.assertEqual((result.status, result.needed), (p.OVERSIZE, len(event(1)) + 40 * (56 + (1 << 20))))


class FullSlots(unittest.TestCase):
    STYLES = {
        "functions": "{def_}def event(evt):\n    seen(evt.time.nsec)\n    evt.add(fex, blob=bytes([evt.time.nsec]) * 900)\n",
        "batch": "{def_}def process_batch(batch):\n    ns = [evt.time.nsec for evt in batch]\n    [seen(n) for n in ns]\n"
                 "    batch.add(fex, blob=[bytes([n]) * 900 for n in ns])\n",
        "loop": "{see}from daqpipe import drp\nfex = drp.configure().add('fex', blob=('uint8', 1))\nfor evt in drp.events():\n"
                "    seen(evt.time.nsec)\n    evt.add(fex, blob=bytes([evt.time.nsec]) * 900)\n",
    }
    SEE = "def seen(n):\n    print('seen', n)\n"
    DEF = SEE + "def configure(cfg):\n    global fex\n    fex = cfg.add('fex', blob=('uint8', 1))\n"

    def test_every_event_is_seen_once_and_comes_back_in_order(self):
        """Results larger together than a slot: short answers, asked again, never computed twice."""
        for transport in ("pipe", "sysv"):
            for script in self.STYLES.values():
                script = script.format(def_=self.DEF, see=self.SEE)
                with Driver(script, transport, pebble=2048, transition=6000, slot_bytes=8192, triggerBytes=64, plain=True) as worker:
                    worker.load().ask([configure()])
                    whole = [dgram(L1, 1, nsec=n) for n in range(60)]
                    first = worker.once(whole)
                    self.assertTrue(0 < len(first) < 60)
                    # Another slot's request in between must not disturb what waits.
                    other = worker.ask([dgram(L1, 2, nsec=n) for n in range(200, 203)], slot=1)
                    rest = worker.ask(whole, first=len(first))
                    for n, result in enumerate(first + rest):
                        self.assertEqual((result.status, result.bytes[-900:]), (p.CHANGED, bytes([n]) * 900))
                    self.assertEqual([r.bytes[-1] for r in other], [200, 201, 202])
                    self.assertEqual(worker.stop(), 0)
                    seen = [int(line.split()[1]) for line in worker.words().splitlines()]
                    self.assertEqual(sorted(seen), list(range(60)) + [200, 201, 202])

    def test_random_sizes(self):
        rng = seeded("slots")
        with Driver(BLOB, "sysv", pebble=3000, transition=6000, slot_bytes=8192, oversize="cut", plain=True) as worker:
            worker.load().ask([configure()])
            for _ in range(20):
                sizes = [rng.choice([0, 1, 500, 2919, 2920, 2921, rng.randint(0, 4000)]) for _ in range(rng.randint(1, 32))]
                for size, result in zip(sizes, worker.ask([dgram(L1, 1, nsec=size) for size in sizes])):
                    total = size + OVERHEAD
                    self.assertEqual((result.status, result.size, result.needed),
                                     (p.CHANGED, total, 0) if total <= 3000 else (p.OVERSIZE, 3000, total))

    def test_a_slot_that_holds_not_even_one(self):
        with Driver(BLOB, pebble=20000, transition=20000, slot_bytes=8192, plain=True) as worker:
            worker.load().ask([configure()])
            with self.assertRaisesRegex(WorkerError, "does not fit a slot of 8192 bytes"):
                worker.ask([dgram(L1, 1, nsec=9000)])


class Policies(unittest.TestCase):
    REMOVE = "def event(evt):\n    print(int(evt.keep_raw))\n    evt.remove('raw')\n"

    def lean(self, n):
        return dgram(L1, 100, data(AUX, energy=[float(n), 0.5], n=n), nsec=n)

    def test_raw(self):
        for raw, script, flags, removed in (
            ("script", self.REMOVE, 0, True), ("keep", self.REMOVE, 0, False), ("drop", "def event(evt):\n    pass\n", 0, True),
            ("script", self.REMOVE, p.KEEP_RAW, False), ("drop", "def event(evt):\n    pass\n", p.KEEP_RAW, False),
            ("script", self.REMOVE, p.REPETITION, True), ("drop", "def process_batch(b):\n    pass\n", 0, True),
            ("drop", "from daqpipe import drp\nfor evt in drp.events():\n    pass\n", 0, True),
            ("script", "def process_batch(b):\n    b.remove('raw')\n", 0, True),
        ):
            with Driver(script, raw=raw, plain=True) as worker:
                worker.load().ask([configure()])
                for n, result in enumerate(worker.ask([event(n) for n in range(3)], flags=[flags] * 3)):
                    self.assertEqual((result.status, result.bytes), (p.CHANGED, self.lean(n)) if removed else (p.SAME, b""), (raw, flags))

    def test_other_detectors_and_segments(self):
        for call, left in (("'raw', 'aux'", [0x100]), ("'raw', 'aux', 1", [0x100]), ("'raw', 'aux', 0", None), ("'raw'", [0x101])):
            script = "def event(evt):\n    evt.remove(%s)\n" % call
            with Driver(script, plain=True) as worker:
                worker.load().ask([configure()])
                if left is None:
                    with self.assertRaisesRegex(WorkerError, "aux has no algorithm raw to remove"):
                        worker.ask([event(1)])
                    continue
                (result,) = worker.ask([event(1)])
                _, contents = blocks_of(configure(), result.bytes)
                self.assertEqual([id for id, _, _ in contents.blocks], left)

    def test_drop(self):
        for script in ("def event(evt):\n    if evt.time.nsec % 2:\n        evt.drop()\n",
                       "def process_batch(b):\n    b.drop([e.time.nsec % 2 for e in b])\n"):
            with Driver(script, allowDrop=True, plain=True) as worker:
                worker.load().ask([configure()])
                self.assertEqual([r.status for r in worker.ask([event(n) for n in range(4)])], [p.SAME, p.DROPPED] * 2)


class Trigger(unittest.TestCase):
    SCRIPT = """
def configure(cfg):
    global fex
    fex = cfg.add("fex", n="uint8")
def event(evt):
    n = evt.time.nsec
    if n == 0: evt.trigger(b"raw bytes")
    if n == 1: evt.trigger({"n": 1, "xs": [1.5]}); evt.add(fex, n=1)
    if n == 2: evt.trigger(b"x" * 65)
    if n == 3: evt.trigger(b"y" * 64); evt.remove("raw")
"""

    def test_frames(self):
        for transport in ("pipe", "sysv"):
            with Driver(self.SCRIPT, transport, triggerBytes=64, plain=True) as worker:
                worker.load().ask([configure()])
                zero, one, two, three, four = worker.ask([event(n) for n in range(5)])
                self.assertEqual((zero.status, zero.trigger), (p.SAME, b"raw bytes"))
                magic, codec, version, schema, length = struct.unpack_from("<4sBBHI", one.trigger)
                self.assertEqual((one.status, magic, codec, version, schema, length), (p.CHANGED, b"TPRM", 1, 0, 0, len(one.trigger) - 12))
                self.assertEqual(json.loads(one.trigger[12:].decode()), {"n": 1, "xs": [1.5]})
                self.assertEqual((two.status, two.trigger, two.flags), (p.SAME, b"", p.TRIGGER_TOO_LONG))
                self.assertEqual((three.status, three.trigger), (p.CHANGED, b"y" * 64))
                self.assertEqual((four.status, four.trigger), (p.SAME, b""))

    def test_of_a_batch(self):
        with Driver("def process_batch(b):\n    b.trigger([None if e.time.nsec == 1 else {'n': e.time.nsec} for e in b])\n", triggerBytes=64, plain=True) as worker:
            worker.load().ask([configure()])
            self.assertEqual([r.trigger[12:] for r in worker.ask([event(n) for n in range(3)])], [b'{"n":0}', b"", b'{"n":2}'])

    def test_refusals(self):
        for value, words in (("3", "must be bytes or a dictionary, not int"), ("{'a': object()}", "cannot be written as JSON"),
                             ("{'a': float('nan')}", "cannot be written as JSON")):
            with Driver("def event(evt):\n    evt.trigger(%s)\n" % value, triggerBytes=64, plain=True) as worker:
                worker.load().ask([configure()])
                with self.assertRaisesRegex(WorkerError, words):
                    worker.ask([event(1)])


if __name__ == "__main__":
    unittest.main()
