"""The worker as a process: its output, its signals, its end, and what it is started with."""

import os
import signal
import subprocess
import sys
import time
import unittest

import package_path
from daqpipe import protocol as p
from dgrams import configure, event
from driver import NOTHING, TRANSPORTS, Driver


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Process(unittest.TestCase):
    def test_print_goes_to_stderr(self):
        script = "import os, sys\nprint('from print')\nos.write(1, b'from fd 1\\n')\nsys.stdout.write('x\\n')\ndef event(evt):\n    print('evt')\n"
        for transport in TRANSPORTS:
            with Driver(script, transport, plain=True) as worker:
                worker.load().ask([configure()])
                worker.ask([event(1)])
                self.assertEqual(worker.stop(), 0)
                for words in ("from print", "from fd 1", "evt"):
                    self.assertIn(words, worker.words())

    def test_interrupt_is_the_parents_business(self):
        for transport in TRANSPORTS:
            with Driver(NOTHING, transport, plain=True) as worker:
                worker.load().ask([configure()])
                worker.process.send_signal(signal.SIGINT)
                time.sleep(0.05)
                self.assertEqual(worker.ask([event(1)])[0].status, p.SAME)
                worker.process.send_signal(signal.SIGTERM)
                self.assertEqual(worker.wait(), -signal.SIGTERM)

    def test_end_of_the_pipe(self):
        with Driver(NOTHING, plain=True) as worker:
            worker.load()
            os.close(worker.link.out)
            worker.link.out = os.open(os.devnull, os.O_WRONLY)
            self.assertEqual(worker.wait(), 0)

    def test_dies_with_its_parent(self):
        """SIGKILL of whoever started it ends the worker, although its pipes stay open."""
        down, up = os.pipe(), os.pipe()
        self.addCleanup(lambda: [os.close(fd) for fd in down + up])
        starter = ("import json, os, subprocess, sys\n"
                   "argument = dict(transport='pipe', script='none.py', args=[], slots=1, slotBytes=8192, pebble=4096, transition=4096,\n"
                   "                parentPid=os.getpid())\n"
                   "os.dup2(%d, 3), os.dup2(%d, 4)\n"
                   "child = subprocess.Popen([sys.executable, '-m', 'daqpipe.worker', json.dumps(argument)], pass_fds=(3, 4))\n"
                   "print(child.pid, flush=True)\nchild.wait()\n" % (down[0], up[1]))
        # Numbers above 4, so that nothing is in the way of 3 and 4.
        with subprocess.Popen([sys.executable, "-c", starter], env=dict(os.environ, PYTHONPATH=package_path.ROOT), pass_fds=(down[0], up[1]),
                              stdout=subprocess.PIPE) as parent_:
            worker = int(parent_.stdout.readline())
            self.assertEqual(p.decode(os.read(up[0], p.MESSAGE_SIZE)).type, p.HELLO)
            self.assertTrue(alive(worker))
            parent_.kill()
        until = time.time() + 10
        while alive(worker) and time.time() < until:
            time.sleep(0.02)
        self.assertFalse(alive(worker))

    def test_messages_of_another_generation_are_ignored(self):
        for transport in TRANSPORTS:
            with Driver(NOTHING, transport, plain=True) as worker:
                worker.link.send(p.encode(p.STOP, worker.generation + 1, 99), b"")
                worker.load().ask([configure()])
                self.assertEqual(worker.stop(), 0)

    def test_wrong_start(self):
        for argument, words in (("{}", "lacks transport"), ("[]", "no JSON object"), ("{", "Expecting"),
                                ('{"transport":"pipe","script":"x","args":[],"slots":1,"slotBytes":1,"pebble":1,"transition":1,"parentPid":1}',
                                 "is gone")):
            done = subprocess.run([sys.executable, "-m", "daqpipe.worker", argument], env=dict(os.environ, PYTHONPATH=package_path.ROOT),
                                  stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 2)
            self.assertIn(words, done.stderr.decode())

    def test_arguments_and_identity(self):
        script = ("import sys\nfrom daqpipe import drp\nprint(sys.argv[1:], drp.args(), drp.settings().partition, drp_info.det_name, worker_num, "
                  "__name__, __file__ == sys.argv[0])\ndef event(evt):\n    pass\n")
        with Driver(script, args=["--threshold", "3"], plain=True) as worker:
            worker.load()
            worker.stop()
            self.assertIn("['--threshold', '3'] ['--threshold', '3'] 3 det 0 __main__ True", worker.words())

    def test_outside_a_worker(self):
        from daqpipe import drp
        with self.assertRaisesRegex(drp.Misuse, "only in a script that drp-python runs"):
            next(drp.events())


if __name__ == "__main__":
    unittest.main()
