"""The scripts in examples/drp, and scripts written for psana, do what they say."""

import os
import unittest

import package_path
from daqpipe import protocol as p
from daqpipe.xtc.arrays import numpy
from dgrams import (
    BEGIN_RUN, BEGIN_STEP, END_RUN, END_STEP, L1, UNCONFIGURE, blocks_of, configure, data, describe, dgram, event, names_block, seeded,
)
from driver import Driver, WorkerError

EXAMPLES = os.path.join(os.path.dirname(package_path.ROOT), "examples", "drp")
WAVES = describe(0x100, "hsd", "raw", {"waveform": ("uint16", 2)})
WAVES_CONFIGURE = dgram(2, 1, names_block(WAVES))


def waves(n):
    rng = seeded("wave %d" % n)
    wave = [rng.randint(1000, 3000) for _ in range(64)]
    return wave, dgram(L1, 100, data(WAVES, waveform=[wave]), nsec=n)


def example(name, **settings):
    return Driver(os.path.join(EXAMPLES, name), "sysv", detName="hsd", **settings)


class Examples(unittest.TestCase):
    def test_fex_20_lines(self):
        with example("fex_20_lines.py") as worker:
            (config,) = worker.load().ask([WAVES_CONFIGURE])
            made = [waves(n) for n in range(40)]
            for (wave, _), result in zip(made, worker.ask([bytes_ for _, bytes_ in made])):
                found = blocks_of(config.bytes, result.bytes)[0][1][3]
                self.assertEqual((found["sum"], found["peak"], found["peak_at"]), (sum(wave), max(wave), wave.index(max(wave))))
        with open(os.path.join(EXAMPLES, "fex_20_lines.py")) as file:
            lines = [line for line in file.read().splitlines() if line.strip()]
        self.assertLessEqual(len(lines), 20)

    def test_batch_mean(self):
        with example("batch_mean.py") as worker:
            (config,) = worker.load().ask([WAVES_CONFIGURE])
            made = [waves(n) for n in range(40)]
            for (wave, _), result in zip(made, worker.ask([bytes_ for _, bytes_ in made])):
                found = blocks_of(config.bytes, result.bytes)[0][1][3]
                self.assertEqual((found["mean"], found["low"], found["high"]), (sum(wave) / 64, min(wave), max(wave)))

    def test_psana_style(self):
        with example("psana_style.py", env={"DAQPIPE_COMPAT": "1"}) as worker:
            (config,) = worker.load().ask([WAVES_CONFIGURE])
            worker.ask([dgram(BEGIN_RUN, 2)])
            made = [waves(n) for n in range(5)]
            for n, ((wave, bytes_), result) in enumerate(zip(made, worker.ask([bytes_ for _, bytes_ in made]))):
                blocks, _ = blocks_of(config.bytes, result.bytes)
                self.assertEqual([block[2] for block in blocks], ["fex"] if n % 2 == 0 else ["raw", "fex"])
                self.assertEqual(blocks[-1][3], {"highest": max(wave), "comment": "event %d of this worker" % n})

    @unittest.skipIf(numpy is None, "numpy is absent: photons.py needs it")
    def test_photons(self):
        """Every photon that was put in is found, where it is, and counted for the trigger."""
        rng = numpy.random.default_rng(7)
        raw = describe(0x100, "hsd", "raw", {"image": ("uint16", 2)})
        with example("photons.py", triggerBytes=256, pebble=1 << 20, transition=1 << 20) as worker:
            (config,) = worker.load().ask([dgram(2, 1, names_block(raw))])
            worker.ask([dgram(BEGIN_RUN, 2)])
            for n in (0, 1, 40):
                image = rng.normal(100, 3, (96, 128))
                places = rng.permutation(96 * 128 // 16)[:n]
                for place in places:
                    # One photon per cell of 4 x 4 pixels, its charge shared by two pixels.
                    row, column = divmod(place, 32)
                    image[4 * row + 1, 4 * column + 1] += 50
                    image[4 * row + 1, 4 * column + 2] += 50
                (result,) = worker.ask([dgram(L1, 3, data(raw, image=image.astype("uint16")))])
                ((_, _, alg, fex),), _ = blocks_of(config.bytes, result.bytes)
                self.assertEqual((alg, fex["n"], len(fex["energy"])), ("fex", n, n))
                self.assertEqual(result.trigger[12:], b'{"npeaks":%d}' % n)
                found = sorted((round(float(y) - 1), round(float(x) - 1.5)) for x, y in zip(fex["x"], fex["y"]))
                self.assertEqual(found, sorted((4 * (place // 32), 4 * (place % 32)) for place in places.tolist()))
                self.assertTrue(numpy.allclose(fex["energy"], 1.25, atol=0.2))

    @unittest.skipUnless(numpy is None, "numpy is there")
    def test_photons_without_numpy_says_so(self):
        with example("photons.py") as worker:
            with self.assertRaisesRegex(WorkerError, "needs numpy"):
                worker.load()


PSANA = """
from psana import DataSource
from psana.dgramedit import AlgDef, DetectorDef, DataType
import psana.psexp.TransitionId
ds = DataSource(drp=drp_info, monitor=False)
own = DetectorDef(drp_info.det_name, drp_info.det_type, drp_info.det_id)
cfg = ds.add_detector(own, AlgDef("config", 0, 0, 1), {"threshold": (float, 0)}, None, None, drp_info.det_segment)
det = ds.add_detector(own, AlgDef("fex", 0, 0, 2), {"n": ("uint32", 0), "a": ("float32", 1)}, segment=0)
new = ds.add_detector(DetectorDef("extra", "type", "id"), AlgDef("raw", 1, 0, 0), {"t": (str, 1)})
cfg.config.threshold = 1.5
ds.add_data(cfg.config)
for run in ds.runs():
    detector = run.Detector("det")
    other = run.Detector("aux")
    for step in run.steps() if STEPS else [run]:
        for evt in step.events():
            image = detector.raw.raw(evt)
            if image is None:
                continue
            det.fex.n = float(detector.raw.gain(evt) + 10)
            det.fex.a = [float(x) for x in other.raw.energy(evt).tolist()]
            ds.add_data(det.fex)
            new.raw.t = str(evt.timestamp & 0xffffffff)
            ds.adddata(new.raw)
            ds.remove_data("det", "raw")
print("ended")
"""


class Page(unittest.TestCase):
    @unittest.skipIf(numpy is None, "numpy is absent: the page's examples use it")
    def test_the_examples_of_the_page_run(self):
        with open(os.path.join(os.path.dirname(package_path.ROOT), "docs", "python-api.md")) as file:
            blocks = [part.split("```")[0] for part in file.read().split("```python")[1:]]
        scripts = [block for block in blocks if "def event" in block or "def process_batch" in block]
        self.assertEqual((len(blocks), len(scripts)), (4, 2))
        for script in scripts:
            with Driver(script, detName="hsd") as worker:
                worker.load().ask([WAVES_CONFIGURE])
                worker.ask([dgram(BEGIN_RUN, 2)])
                self.assertEqual([r.status for r in worker.ask([waves(n)[1] for n in range(3)])], [p.CHANGED] * 3)


class Psana(unittest.TestCase):
    def test_cycles_with_runs_and_steps(self):
        for steps in (False, True):
            with Driver(PSANA.replace("STEPS", str(steps)), env={"DAQPIPE_COMPAT": "1"}) as worker:
                for cycle in range(2):
                    worker.load()
                    (config,) = worker.ask([configure()])
                    self.assertEqual(blocks_of(config.bytes, config.bytes)[0], [("det", 0, "config", {"threshold": 1.5})])
                    for run in range(2):
                        for service in (BEGIN_RUN, BEGIN_STEP):
                            self.assertEqual(worker.ask([dgram(service, 2)])[0].status, p.SAME)
                        empty, one = worker.ask([dgram(L1, 3), event(1)])
                        self.assertEqual(empty.status, p.SAME)
                        aux, fex, extra = blocks_of(config.bytes, one.bytes)[0]
                        self.assertEqual((fex[3]["n"], fex[3]["a"].tolist()), (9, [1.0, 0.5]))
                        self.assertEqual(extra, ("extra", 0, "raw", {"t": "1"}))
                        for service in (END_STEP, END_RUN):
                            self.assertEqual(worker.ask([dgram(service, 4)])[0].status, p.SAME)
                    worker.ask([dgram(UNCONFIGURE, 5)])
                self.assertEqual(worker.stop(), 0)
                self.assertEqual(worker.words(), "ended\nended\n")

    def test_refusals(self):
        start = PSANA.split("for run in")[0]
        for lines, words in (
            ("for run in ds.runs():\n    ds.add_detector(own, AlgDef('x', 0, 0, 1), {})\n", "add_detector must come before"),
            ("ds.remove_data('det', 'raw')\n", "remove_data works on an event"),
            ("for run in ds.runs():\n    for evt in run.events():\n        ds.add_data(det.fex)\n", "field n, a has no value"),
            ("for run in ds.runs():\n    run.Detector('opal')\n", "there is no detector opal; there are det, aux"),
            ("for run in ds.runs():\n    for evt in run.events():\n        run.Detector('det').raw.calib(evt)\n", "calib needs the real psana"),
            ("for run in ds.runs():\n    for evt in run.events():\n        run.Detector('det').raw.pixels(evt)\n", "no field pixels"),
            ("DataSource('exp=x')\n", "only DataSource"),
        ):
            with Driver(start + lines, env={"DAQPIPE_COMPAT": "1"}, plain=True) as worker:
                with self.assertRaisesRegex(WorkerError, words):
                    worker.load()
                    worker.ask([configure()])
                    worker.ask([dgram(BEGIN_RUN, 2)])
                    worker.ask([event(1)])


if __name__ == "__main__":
    unittest.main()
