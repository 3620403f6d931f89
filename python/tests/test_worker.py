"""What scripts do in a worker, driven through the message protocol over pipes and System V objects."""

import unittest

import package_path  # noqa: F401
import samples
from daqpipe import protocol as p
from dgrams import (
    AUX, BEGIN_RUN, CONFIGURE, DISABLE, ENABLE, END_RUN, L1, RAW, SLOW_UPDATE, UNCONFIGURE, blocks_of, configure, data, dgram, event,
    image, names_block, parent,
)
from driver import NOTHING, TRANSPORTS, Driver, WorkerError

ADD = """
from daqpipe import drp
def configure(cfg):
    global fex
    fex = cfg.add("fex", sum="float64", hist=("uint32", 1), label="str")
def event(evt):
    n = evt["aux"][1].raw.n
    if n % 2:
        evt.add(fex, sum=n / 2, hist=[n, n + 1], label="event %d" % n)
    if n % 3 == 0:
        evt.remove("raw")
"""

LOOP = """
from daqpipe import drp
cfg = drp.configure()
fex = cfg.add("fex", sum="float64", hist=("uint32", 1), label="str")
for evt in drp.events():
    n = evt["aux"][1].raw.n
    if n % 2:
        evt.add(fex, sum=n / 2, hist=[n, n + 1], label="event %d" % n)
    if n % 3 == 0:
        evt.remove("raw")
print("loop over")
"""

BATCH = """
from daqpipe import drp
def configure(cfg):
    global fex
    fex = cfg.add("fex", sum="float64", hist=("uint32", 1), label="str")
def process_batch(batch):
    n = [int(x) for x in batch.stack("aux.raw.n")]
    batch.add(fex, sum=[x / 2 for x in n], hist=[[x, x + 1] for x in n], label=["event %d" % x for x in n],
              where=[x % 2 for x in n])
    batch.remove("raw", where=[x % 3 == 0 for x in n])
"""


def expected(n):
    """What ADD makes of event(n), or None for the input itself."""
    if n % 2 == 0 and n % 3:
        return None
    from daqpipe.xtc.describe import new_fields, pack_version
    from daqpipe.xtc.names import Names
    fex = Names(0x102, "det", 0, "fex", pack_version((0, 0, 1)), new_fields({"sum": "float64", "hist": ("uint32", 1), "label": "str"}))
    parts = [] if n % 3 == 0 else [image(n)]
    parts.append(data(AUX, energy=[float(n), 0.5], n=n))
    if n % 2:
        parts.append(data(fex, sum=n / 2, hist=[n, n + 1], label="event %d" % n))
    return dgram(L1, 100, *parts, nsec=n)


class Styles(unittest.TestCase):
    def test_functions_loop_and_batch_agree(self):
        """Every style over every transport gives the same bytes, and they are what the format says."""
        for transport in TRANSPORTS:
            configurations = set()
            for script in (ADD, LOOP, BATCH):
                with Driver(script, transport) as worker:
                    worker.load()
                    (configured,) = worker.ask([configure()])
                    self.assertEqual(configured.status, p.CHANGED)
                    configurations.add(configured.bytes)
                    self.assertEqual([r.status for r in worker.ask([dgram(BEGIN_RUN, 2)])], [p.SAME])
                    for first, count in ((0, 1), (1, 63), (64, 64), (128, 7)):
                        results = worker.ask([event(n) for n in range(first, first + count)], slot=first % 2)
                        for n, result in enumerate(results, first):
                            want = expected(n)
                            self.assertEqual((result.status, result.bytes), (p.SAME, b"") if want is None else (p.CHANGED, want), n)
                    self.assertEqual([r.status for r in worker.ask([dgram(UNCONFIGURE, 900)])], [p.SAME])
                    self.assertEqual(worker.stop(), 0)
            self.assertEqual(len(configurations), 1)

    def test_configure_comes_back_with_its_names(self):
        with Driver(ADD) as worker:
            (result,) = worker.load().ask([configure()])
            self.assertEqual(result.bytes[24:len(configure())], configure()[24:])
            _, contents = blocks_of(result.bytes, result.bytes)
            self.assertEqual([id for id, _, _ in contents.names], [0x100, 0x101, 0x102])
            self.assertFalse(contents.problem)

    def test_cycles(self):
        """Unconfigure and Configure again, with and without SCRIPT in between; modules keep their state, the script does not."""
        for script in (ADD, LOOP):
            for again in (True, False):
                with Driver(script, "sysv") as worker:
                    worker.load()
                    for cycle in range(3):
                        self.assertEqual(worker.ask([configure(1 + cycle)])[0].status, p.CHANGED)
                        for service in (BEGIN_RUN, ENABLE, SLOW_UPDATE, DISABLE, END_RUN):
                            self.assertEqual(worker.ask([dgram(service, 5)])[0].status, p.SAME)
                        self.assertEqual(worker.ask([event(1)])[0].bytes, expected(1))
                        if again:
                            worker.ask([dgram(UNCONFIGURE, 9)])
                            worker.load()
                    self.assertEqual(worker.stop(), 0)

    def test_all_transitions_reach_their_functions(self):
        script = "\n".join("def %s(x):\n    print('%s', int(x.service))" % (name, name) for name in (
            "configure", "unconfigure", "begin_run", "end_run", "begin_step", "end_step", "enable", "disable", "slow_update", "event"))
        with Driver(script + "\n") as worker:
            worker.load()
            for service in (2, 4, 6, 8, 10, 12, 9, 7, 5, 3):
                worker.ask([dgram(service, 5)])
            worker.stop()
            self.assertEqual(worker.words().split(), ["configure", "2", "begin_run", "4", "begin_step", "6", "enable", "8", "slow_update", "10",
                                                      "event", "12", "disable", "9", "end_step", "7", "end_run", "5", "unconfigure", "3"])

    def test_transitions_can_be_kept_and_changed(self):
        script = ("def configure(cfg):\n    global fex, kept\n    kept = cfg\n    fex = cfg.add('info', n='uint8', t='str')\n"
                  "    cfg.write(fex, n=1, t='config')\n"
                  "def slow_update(d):\n    d.add(fex, n=2, t='slow')\n"
                  "def event(evt):\n    evt.add(fex, n=kept['aux'].segments[0], t=str(evt.run.number))\n")
        runinfo_config, runinfo_data = runinfo()
        with Driver(script) as worker:
            worker.load()
            (config,) = worker.ask([configure(1, runinfo_config)])
            self.assertEqual(blocks_of(config.bytes, config.bytes)[0], [("det", 0, "info", {"n": 1, "t": "config"})])
            worker.ask([dgram(BEGIN_RUN, 2, runinfo_data)])
            (slow,) = worker.ask([dgram(SLOW_UPDATE, 3)])
            self.assertEqual(blocks_of(config.bytes, slow.bytes)[0], [("det", 0, "info", {"n": 2, "t": "slow"})])
            (evt,) = worker.ask([dgram(L1, 4)])
            self.assertEqual(blocks_of(config.bytes, evt.bytes)[0], [("det", 0, "info", {"n": 1, "t": "17"})])


def runinfo():
    from dgrams import describe
    names = describe(0x1FF, "runinfo", "runinfo", {"expt": "str", "runnum": "uint32"}, det_type="runinfo", det_id="")
    return names_block(names), data(names, expt="xpptut15", runnum=17)


class Identity(unittest.TestCase):
    @samples.needs_samples
    def test_recorded_files_come_back_as_they_are(self):
        """A script that changes nothing, or reads everything, or adds and removes nothing in the end."""
        read_all = ("def event(evt):\n    for det in evt.detectors:\n        for seg in evt[det]:\n            for alg in seg.algorithms:\n"
                    "                seg[alg].items()\nconfigure = begin_run = slow_update = event\n")
        loop = "from daqpipe import drp\nfor d in drp.dgrams():\n    pass\n"
        events = 0
        for transport, script in (("pipe", NOTHING), ("sysv", read_all), ("sysv", loop)):
            with Driver(script, transport, pebble=4 << 20, transition=4 << 20, slots=1, detName="") as worker:
                worker.load()
                for path in samples.files():
                    if script == loop and not samples.frames(path)[0][11] & 15 == CONFIGURE:
                        continue
                    for request in requests(samples.frames(path)):
                        for result in worker.ask(request):
                            self.assertEqual((result.status, result.size, result.trigger), (p.SAME, 0, b""))
                            events += 1
        self.assertGreater(events, 5000)

    @samples.needs_samples
    def test_additions_leave_the_recorded_blocks_as_they_are(self):
        script = "def configure(cfg):\n    global fex\n    fex = cfg.add('fex9', n='uint8')\ndef event(evt):\n    evt.add(fex, n=7)\n"
        for path in samples.files():
            frames = samples.frames(path)
            if frames[0][11] & 15 != CONFIGURE:
                continue
            with Driver(script, "sysv", pebble=4 << 20, transition=4 << 20, slots=1, detName="") as worker:
                worker.load()
                for request in requests(frames[:40]):
                    for bytes_, result in zip(request, worker.ask(request)):
                        service = bytes_[11] & 15
                        added = {CONFIGURE: 1048 + 524, L1: 37}.get(service, 0)
                        if added == 0:
                            self.assertEqual(result.status, p.SAME)
                            continue
                        self.assertEqual(result.size, len(bytes_) + added)
                        self.assertEqual(result.bytes[:20] + result.bytes[24:len(bytes_)], bytes_[:20] + bytes_[24:])
                        self.assertEqual(int.from_bytes(result.bytes[20:24], "little"), result.size - 12)

    def test_nested_parents_shrink(self):
        """A block is removed deep inside: every Parent around it gets smaller by as much, everything else stays."""
        def built(n, inner):
            return dgram(L1, 7, parent(5, data(AUX, energy=[0.5], n=n)), parent(6, data(AUX, energy=[], n=n), parent(7, *inner)),
                         data(AUX, energy=[1.0, 2.0], n=n), nsec=n)
        names = dgram(CONFIGURE, 1, parent(5, names_block(RAW)), parent(6, names_block(AUX)))
        with Driver("def event(evt):\n    evt.remove('raw')\n") as worker:
            worker.load().ask([names])
            whole = [built(n, [image(n), data(AUX, energy=[3.0], n=n), image(n + 1)]) for n in range(5)]
            lean = [built(n, [data(AUX, energy=[3.0], n=n)]) for n in range(5)]
            self.assertEqual([r.bytes for r in worker.ask(whole)], lean)

    def test_corrupted_and_broken_dgrams_go_out_as_they_came(self):
        broken = bytearray(event(1))
        broken[24 + 8:24 + 12] = (5).to_bytes(4, "little")
        for bad in (event(1, damage=8), bytes(broken)):
            for script in (NOTHING, "def configure(cfg):\n    global f\n    f = cfg.add('f', n='uint8')\ndef event(evt):\n    evt.add(f, n=1)\n"):
                with Driver(script) as worker:
                    worker.load().ask([configure()])
                    self.assertEqual([r.status for r in worker.ask([bad, bad])], [p.SAME, p.SAME])
                    self.assertEqual(worker.stop(), 0)
                    self.assertEqual(worker.words().count("goes out as it came"), 0 if script == NOTHING else 1)


def requests(frames):
    """Batches of events as drp-python sends them: transitions alone."""
    batch = []
    for bytes_ in frames:
        event_ = bytes_[11] & 15 in (11, 12)
        if batch and (not event_ or len(batch) == 16 or sum(map(len, batch)) + len(bytes_) > 4 << 20):
            yield batch
            batch = []
        if event_:
            batch.append(bytes_)
        else:
            yield [bytes_]
    if batch:
        yield batch


class Failures(unittest.TestCase):
    number = 0

    def failing(self, script, *words, ask=None, **settings):
        Failures.number += 1
        with Driver(script, TRANSPORTS[Failures.number % 2], **settings, plain=True) as worker:
            with self.assertRaises(WorkerError) as caught:
                worker.load().ask([configure()])
                worker.ask(ask or [event(n) for n in range(5)])
            for word in words:
                self.assertIn(word, str(caught.exception))
            self.assertNotIn("\n", str(caught.exception))
            self.assertEqual(worker.wait(), 1)
            self.assertRegex(worker.words(), "Traceback|SyntaxError")
        return caught.exception

    def test_exception_in_an_event(self):
        """The events before are answered, the one that failed is named, the traceback is on stderr."""
        error = self.failing("def event(evt):\n    if evt.time.nsec == 3:\n        raise ValueError('bad\\npixel')\n",
                             "ValueError: bad pixel", "script.py:3", "in L1Accept at 100.000000003")
        self.assertEqual([r.status for r in error.results], [p.SAME] * 3)

    def test_exception_in_the_first_event_and_in_a_loop(self):
        self.assertEqual(self.failing("def event(evt):\n    1 / 0\n", "ZeroDivisionError", "100.000000000").results, [])
        loop = "from daqpipe import drp\nfor evt in drp.events():\n    if evt.time.nsec == 2:\n        evt.det.raw.nothing\n"
        self.assertEqual(len(self.failing(loop, "det_0 raw has no field nothing", "script.py:4").results), 2)

    def test_in_configure(self):
        self.failing("def configure(cfg):\n    cfg.opal\ndef event(evt):\n    pass\n", "AttributeError", "in Configure at 1.000000000")

    def test_in_the_script_itself(self):
        self.failing("import nothing_of_this_name\n\n", "nothing_of_this_name", "script.py:1")
        self.failing("def event(evt)\n    pass\n", "SyntaxError", "script.py:1")
        self.failing("x = 1\n\n", "neither a function event(evt)")
        self.failing("def event(e): pass\ndef process_batch(b): pass\n", "both event(evt) and process_batch(batch)")
        self.failing("import sys\nsys.exit('enough')\n", "the script called exit(enough)")

    def test_leaving_the_loop(self):
        self.failing("from daqpipe import drp\nfor evt in drp.events():\n    break\n", "left its loop over the events")

    def test_values(self):
        start = "def configure(cfg):\n    global fex\n    fex = cfg.add('fex', n='uint8', a=('float32', 1))\ndef event(evt):\n    "
        self.failing(start + "evt.add(fex, n=1)\n", "det_0 fex: field a has no value")
        self.failing(start + "evt.add(fex, n=300, a=[])\n", "field n (uint8) cannot hold 300")
        self.failing(start + "evt.add(fex, n=3, a=[[1.0]])\n", "field a needs rank 1, got a list of rank 2")
        self.failing(start + "evt.add(fex, n=3, a=[], b=1)\n", "there is no field b")
        self.failing(start + "[evt.add(fex, n=3, a=[]) for _ in '12']\n", "det_0 fex was added to this event already")
        self.failing(start + "evt.remove('nothing')\n", "det has no algorithm nothing")

    def test_definitions(self):
        def defining(line, *words):
            self.failing("def configure(cfg):\n    %s\ndef event(evt):\n    pass\n" % line, *words)
        defining("cfg.add('raw', n='uint8')", "det_0 raw is described already")
        defining("[cfg.add('fex', n='uint8') for _ in '12']", "det_0 fex is described already")
        defining("cfg.add('fex', n='uint7')", "'uint7' is no element type")
        defining("cfg.add('fex', {'n': 'uint8'}, n='uint8')", "field n is given twice")
        defining("cfg.add('fex', n='uint8', names_id=1)", "names id 0x101 belongs to aux_1 raw")
        defining("cfg.add('fex', n='uint8', detector='a-b')", "detector name 'a-b'")

    def test_handles_of_another_configure(self):
        script = ("fex = None\ndef configure(cfg):\n    global fex\n    fex = fex or cfg.add('fex', n='uint8')\n"
                  "def event(evt):\n    evt.add(fex, n=1)\n")
        with Driver(script, plain=True) as worker:
            worker.load().ask([configure()])
            worker.ask([event(1)])
            worker.ask([configure()])
            with self.assertRaisesRegex(WorkerError, "det_0 fex was described in another Configure"):
                worker.ask([event(2)])

    def test_an_event_is_over_when_it_is_over(self):
        self.failing("kept = []\ndef event(evt):\n    kept.append(evt)\n    kept[0].det.raw\n", "this event is over")

    def test_switches(self):
        self.failing("def event(evt):\n    evt.drop()\n", "only with --allow-drop")
        self.failing("def event(evt):\n    evt.trigger(b'')\n", "--trigger-out")
        self.failing("def begin_run(r):\n    r.constants['det']\ndef event(e):\n    pass\n", "without --constants", ask=[dgram(BEGIN_RUN, 1)])


if __name__ == "__main__":
    unittest.main()
