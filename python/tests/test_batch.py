"""process_batch: columns of many events at once."""

import unittest

import package_path  # noqa: F401
from daqpipe import protocol as p
from daqpipe.xtc.arrays import numpy
from dgrams import AUX, L1, RAW, blocks_of, configure, data, dgram, event, parent, seeded
from driver import Driver, WorkerError


def printed(body, dgrams, config=None, **settings):
    """What a batch script prints, and its results."""
    script = "from daqpipe import drp\ndef show(x):\n    print(x.tolist() if hasattr(x, 'tolist') else list(x))\n"
    script += "def process_batch(batch):\n" + "".join("    %s\n" % line for line in body)
    with Driver(script, "sysv", **settings) as worker:
        worker.load().ask([config or configure()])
        results = worker.ask(dgrams)
        worker.stop()
        return worker.words().splitlines(), results


class Reading(unittest.TestCase):
    def test_columns(self):
        words, results = printed(
            ["print(len(batch))", "show(batch.sizes)", "show(batch.sec)", "show(batch.nsec)", "show(batch.timestamps)", "show(batch.env)",
             "show(batch.damage)", "show(batch.stack('det.raw.gain'))", "show(batch.stack('aux[1].raw.n'))", "show(batch.has('aux.raw'))",
             "print(batch[1].det.raw.gain, [e.time.nsec for e in batch])"],
            [event(n) for n in range(3)])
        self.assertEqual(words, ["3", str([len(event(0))] * 3), "[100, 100, 100]", "[0, 1, 2]", str([(100 << 32) + n for n in range(3)]),
                                 str([12 << 24 | 1] * 3), "[0, 0, 0]", "[0, -1, -2]", "[0, 1, 2]", "[True, True, True]", "-1 [0, 1, 2]"])
        self.assertEqual([r.status for r in results], [p.SAME] * 3)

    def test_missing_data(self):
        some = [event(0), dgram(L1, 100, nsec=1), event(2)]
        words, _ = printed(["show(batch.stack('det.raw.gain', fill=-99))", "show(batch.has('det.raw'))"], some)
        self.assertEqual(words, ["[0, -99, -2]", "[True, False, True]"])
        with self.assertRaisesRegex(WorkerError, "the event at 100.000000001 has no such data"):
            printed(["batch.stack('det.raw.gain')"], some)

    def test_paths(self):
        for path, words in (("gain", "is not of the form"), ("opal.raw.x", "there is no detector opal"), ("det.fex.x", "no algorithm fex"),
                            ("aux[0].raw.n", "aux has no segment 0")):
            with self.assertRaisesRegex(WorkerError, words):
                printed(["batch.stack(%r)" % path], [event(0)])

    @unittest.skipIf(numpy is None, "numpy is absent")
    def test_alike_rows_are_one_view(self):
        """Nothing is copied where all events are laid out alike; one that differs is noticed."""
        body = ["image = batch.stack('det.raw.image')", "print(image.shape, image.base is not None, image.flags.writeable, image.flags.owndata)",
                "show(image)"]
        images = [[[n, n + 1, n + 2], [n + 3, n + 4, n + 5]] for n in range(4)]
        words, _ = printed(body, [event(n) for n in range(4)])
        self.assertEqual(words, ["(4, 2, 3) True False False", str(images)])
        swapped = dgram(L1, 100, data(AUX, energy=[1.0, 0.5], n=1), data(RAW, image=images[1], gain=-1), nsec=1)
        self.assertEqual(len(swapped), len(event(1)))
        words, _ = printed(body, [event(0), swapped, event(2), event(3)])
        self.assertEqual(words, ["(4, 2, 3) False False True", str(images)])

    @unittest.skipIf(numpy is None, "numpy is absent")
    def test_shapes_and_damage_that_differ(self):
        first = dgram(L1, 100, data(RAW, image=[[1, 2, 3], [4, 5, 6]], gain=0))
        other = dgram(L1, 100, data(RAW, image=[[1, 2], [3, 4], [5, 6]], gain=0))
        self.assertEqual(len(first), len(other))
        with self.assertRaisesRegex(WorkerError, "another shape from event to event"):
            printed(["batch.stack('det.raw.image')"], [first, other])
        hidden = dgram(L1, 100, data(RAW, image=[[1, 2, 3], [4, 5, 6]], gain=0), damage=8)
        words, _ = printed(["show(batch.stack('det.raw.gain', fill=5))"], [first, hidden])
        self.assertEqual(words, ["[0, 5]"])

    @unittest.skipIf(numpy is None, "numpy is absent")
    def test_inside_parents(self):
        rows = [dgram(L1, 100, parent(3, data(AUX, energy=[n, n + 1], n=n)), nsec=n) for n in range(3)]
        words, _ = printed(["e = batch.stack('aux.raw.energy')", "show(e)", "print(e.flags.owndata)"], rows)
        self.assertEqual(words, ["[[0.0, 1.0], [1.0, 2.0], [2.0, 3.0]]", "False"])


class Writing(unittest.TestCase):
    def test_refusals(self):
        start = "def configure(cfg):\n    global fex\n    fex = cfg.add('fex', n='uint8')\ndef process_batch(batch):\n    "
        for line, words in (("batch.add(fex, n=[1, 2])", "field n needs one value for each of the 3 events, got 2"),
                            ("batch.add(fex, n=1)", "field n needs one value for each of the 3 events, got no"),
                            ("batch.add(fex)", "field n has no value"),
                            ("batch.add(fex, n=[1, 2, 3], where=[1])", "where= needs one boolean for each of the 3 events, got 1"),
                            ("batch.add(fex, n=[1, 2, 300])", r"field n \(uint8\) cannot hold 300"),
                            ("batch[0].add(fex, n=1)", "add to the batch"),
                            ("batch.trigger([b''])", "needed for each of the 3 events, got 1")):
            with Driver(start + line + "\n", plain=True) as worker:
                worker.load().ask([configure()])
                with self.assertRaisesRegex(WorkerError, words):
                    worker.ask([event(n) for n in range(3)])

    @unittest.skipIf(numpy is None, "numpy is absent")
    def test_arrays_with_a_leading_dimension(self):
        script = ("import numpy as np\ndef configure(cfg):\n    global fex\n    fex = cfg.add('fex', sum='float64', h=('uint16', 2), t='str')\n"
                  "def process_batch(batch):\n    im = batch.stack('det.raw.image')\n"
                  "    batch.add(fex, sum=im.sum(axis=(1, 2)), h=im * np.uint16(2), t=['t'] * len(batch))\n    batch.remove('raw')\n")
        with Driver(script, "sysv") as worker:
            (config,) = worker.load().ask([configure()])
            for n, result in enumerate(worker.ask([event(n) for n in range(64)])):
                aux, fex = blocks_of(config.bytes, result.bytes)[0]
                self.assertEqual(aux[0], "aux")
                self.assertEqual((fex[3]["sum"], fex[3]["h"].tolist()), (6.0 * n + 15, [[2 * n, 2 * n + 2, 2 * n + 4], [2 * n + 6, 2 * n + 8, 2 * n + 10]]))

    @unittest.skipIf(numpy is None, "numpy is absent")
    def test_the_short_cut_gives_the_same_bytes(self):
        """Seeded additions of all types, with removals inside nested Parents: whole batches at once, and event by event."""
        rng = seeded("short cut")
        for case in range(12):
            fields = {"f%d" % i: (rng.choice(["uint8", "int16", "uint32", "int64", "uint64", "float32", "float64"]), rng.randint(0, 3))
                      for i in range(rng.randint(1, 5))}
            shapes = {name: [rng.randint(0, 3) for _ in range(rank)] for name, (_, rank) in fields.items()}
            script = ("import numpy as np, daqpipe.batch\nsettle, used = daqpipe.batch.settle_alike, []\n"
                      "daqpipe.batch.settle_alike = lambda *a: used.append(settle(*a)) or used[-1]\n"
                      "fields, shapes, case = %r, %r, %d\n" % (fields, shapes, case) +
                      "def configure(cfg):\n    global fex, one\n    fex, one = cfg.add('fex', fields), cfg.add('one', n='uint16')\n"
                      "def process_batch(batch):\n    rng = np.random.default_rng(int(batch.nsec[0]))\n"
                      "    where = [True] * len(batch) if batch.sec[0] == 101 else None\n"
                      "    batch.add(one, n=np.arange(len(batch)), where=where)\n"
                      "    batch.add(fex, {k: (rng.random((len(batch), *shapes[k])) * 100).astype(t) for k, (t, _) in fields.items()}, where=where)\n"
                      "    if case % 2: batch.remove('raw', where=where)\n"
                      "def end_run(end):\n    print(used)\n")
            inside = [parent(5, image_(n), parent(6, image_(n + 1), data(AUX, energy=[n, n], n=n))) for n in range(20)]
            with Driver(script, "sysv") as worker:
                worker.load().ask([configure()])
                rows = [[dgram(L1, sec, part, data(AUX, energy=[0, 1], n=7), nsec=n) for n, part in enumerate(inside)] for sec in (100, 101)]
                quick, slow = worker.ask(rows[0]), worker.ask(rows[1])
                worker.ask([dgram(5, 9)])
                worker.stop()
                # The times differ, to tell the script which way to take.
                self.assertEqual([r.bytes[8:] for r in quick], [r.bytes[8:] for r in slow])
                self.assertEqual({r.status for r in quick}, {p.CHANGED})
                self.assertEqual(worker.words(), "[True]\n")


def image_(n):
    return data(RAW, image=[[n, n + 1], [n + 2, n + 3]], gain=n)


if __name__ == "__main__":
    unittest.main()
