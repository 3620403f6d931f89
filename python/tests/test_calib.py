"""Constants as they are published: the reader over frames, files for workers, repeats, and the plain socket."""

import contextlib
import hashlib
import json
import os
import random
import socket
import struct
import tempfile
import threading
import unittest

import package_path  # noqa: F401
from daqpipe import calib, frames, zmtp
from daqpipe.constants import Source
from daqpipe.errors import BadConstants, MissingConstants
from dgrams import BEGIN_RUN, configure, dgram
from driver import Driver, WorkerError


def message(change=None, constants=None, **header):
    """Frames of a set with one detector; `change` sees the header before it is written."""
    constants = constants or {"pedestals": ("<f4", [2, 3], struct.pack("<6f", *range(6))), "geometry": (None, None, b"QUAD 1\n"),
                              "mask": ("|u1", [0, 4], b""), "gain": ("<f8", [], struct.pack("<d", 2.5))}
    described, blobs = {}, []
    for ctype, (dtype, shape, content) in constants.items():
        described[ctype] = {"kind": "str" if dtype is None else "ndarray", "dtype": dtype, "shape": shape, "blob": len(blobs),
                            "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "doc": {"run": 7, "big": 2 ** 60}}
        blobs.append(content)
    whole = {"v": 1, "origin": "0123456789abcdef", "seq": 3, "partition": 0, "exp": "tst1", "run": 7, "complete": True, "stale": False,
             "hash": hashlib.sha256(b"".join(blobs)).hexdigest(), "detectors": {"epix": {"id": "epix_0102", "constants": described}}}
    whole.update(header)
    if change:
        change(whole)
    return [b"calib/1", json.dumps(whole).encode()] + blobs


def laid_out(parts):
    """The file that drp-python makes of the frames."""
    head = struct.pack("<8sQ", b"calibset", len(parts))
    at, table, body = len(head) + 16 * len(parts), b"", b""
    for part in parts:
        gap = -at % 64
        table += struct.pack("<QQ", at + gap, len(part))
        body += bytes(gap) + part
        at += gap + len(part)
    return head + table + body


class Reader(unittest.TestCase):
    def test_a_message(self):
        constants = frames.read_frames(message())
        self.assertEqual((constants.exp, constants.run, constants.stale, constants.source.seq), ("tst1", 7, False, 3))
        self.assertEqual((list(constants), list(constants["epix"])), (["epix"], ["pedestals", "geometry", "mask", "gain"]))
        self.assertEqual(constants["epix"].id, "epix_0102")
        data, doc = constants["epix"]["pedestals"]
        self.assertEqual((data.tolist(), doc), ([[0, 1, 2], [3, 4, 5]], {"run": 7, "big": 2 ** 60}))
        self.assertIs(constants["epix"]["pedestals"][0], data)
        with self.assertRaises((ValueError, TypeError)):
            data[0, 0] = 1
        self.assertEqual(constants["epix"]["geometry"][0], "QUAD 1\n")
        self.assertEqual(constants["epix"]["gain"][0].tolist(), 2.5)
        self.assertEqual(len(constants["epix"]["mask"][0]), 0)
        self.assertRegex(repr(constants), "run 7 of tst1: epix .pedestals, geometry")
        with self.assertRaisesRegex(MissingConstants, "no constants pixel_rms of epix; there are pedestals"):
            constants["epix"]["pixel_rms"]
        self.assertIn("STALE", calib.describe(frames.read_frames(message(stale=True)))[0])

    def test_what_later_versions_add(self):
        def change(header):
            header["news"] = {}
            header["detectors"]["epix"]["constants"]["tree"] = {"kind": "tree"}
            header["detectors"]["epix"]["constants"]["model"] = dict(header["detectors"]["epix"]["constants"]["geometry"], kind="bytes")
        constants = frames.read_frames(message(change))
        self.assertNotIn("tree", constants["epix"])
        self.assertEqual(constants["epix"]["model"][0], b"QUAD 1\n")

    def test_arrays_are_not_copied(self):
        content = bytearray(struct.pack("<2f", 1, 2))
        parts = message(constants={"pedestals": ("<f4", [2], bytes(content))})
        parts[2] = content
        data, _ = frames.read_frames(parts)["epix"]["pedestals"]
        content[:4] = struct.pack("<f", 9)
        self.assertEqual(data.tolist(), [9, 2])

    def test_what_is_wrong(self):
        def at(key, value, **more):
            def change(header):
                header["detectors"]["epix"]["constants"]["pedestals"].update({key: value}, **more)
            return message(change)
        cut, flipped = message(), message()
        cut[2] = cut[2][:-1]
        flipped[2] = b"\1" + flipped[2][1:]
        cases = [(message(v=2), "version 2"), (message(v=None), "version None"), (message(detectors=[]), "detectors is no object"), (message(seq=-1), "seq"),
                 (message(hash=None), "hash"), (message()[1:], "begin with calib/1"), ([b"calib/1"], "calib/1"), ([b"calib/1", b"{"], "no JSON"),
                 ([b"calib/1", b"[" * 100000], "no JSON"), (cut, "has 23 bytes; the header says 24"), (flipped, "another sha256"),
                 (at("shape", [2, 4]), "needs 32 bytes and has 24"), (at("shape", [2, True]), "shape"), (at("dtype", "|O"), "dtype"),
                 (at("dtype", ">f4"), "dtype"), (at("blob", 17), "no blob 17"), (at("blob", -1), "no blob -1"), (at("bytes", 20, shape=[5]), "header says 20"),
                 (message(shm={"name": "/../etc/passwd", "bytes": 3}), "no name of a shared segment"), (message(shm=[]), "shm is no object")]
        for parts, words in cases:
            with self.subTest(words), self.assertRaisesRegex(BadConstants, words):
                frames.read_frames(parts)
        with self.assertRaises(FileNotFoundError):
            frames.read_frames(message(shm={"name": "/daqpipe-no-such-%d" % os.getpid(), "bytes": 3}))

    def test_garbage_raises_one_kind_of_error(self):
        chance, refused = random.Random(5), 0
        for _ in range(400):
            parts = [bytearray(part) for part in message()]
            part = chance.choice([part for part in parts if part])
            for _ in range(chance.randint(1, 3)):
                part[chance.randrange(len(part))] = chance.randrange(256)
            try:
                frames.read_frames(parts)
            except BadConstants:
                refused += 1
        self.assertGreater(refused, 200)

    def test_a_segment(self):
        def change(header):
            header["shm"] = {"name": name, "bytes": 64}
            for i, constant in enumerate(header["detectors"]["epix"]["constants"].values()):
                del constant["blob"]
                constant["offset"] = i * 64
        name = "/daqpipe-test-%d" % os.getpid()
        path = "/dev/shm" + name
        parts = message(change, constants={"pedestals": ("<f4", [2], struct.pack("<2f", 1, 2))})[:2]
        with open(path, "wb") as file:
            file.write(struct.pack("<2f", 1, 2).ljust(64, b"\0"))
        try:
            os.chmod(path, 0o600)
            constants = frames.read_frames(parts)
            os.chmod(path, 0o622)
            with self.assertRaisesRegex(BadConstants, "written by others"):
                frames.read_frames(parts)
        finally:
            os.unlink(path)
        self.assertEqual(constants["epix"]["pedestals"][0].tolist(), [1, 2])


class Repeats(unittest.TestCase):
    def test_rules(self):
        repeats = calib.Repeats()
        for origin, seq, run, digest, known in (("a", 4, 1, "h", False), ("a", 4, 1, "h", True), ("a", 3, 9, "x", True), ("a", 5, 1, "h", False),
                                                ("b", 1, 1, "h", True), ("b", 1, 1, "h", True), ("b", 2, 2, "h", False), ("c", 1, 2, "other", False)):
            with self.subTest(origin=origin, seq=seq, run=run):
                self.assertEqual(repeats.is_repeat(Source("tst1", run, origin, seq, False, digest)), known)


class Workers(unittest.TestCase):
    """What drp-python tells its workers at BeginRun."""

    SCRIPT = "def begin_run(run):\n    print(run.constants.hash, run.constants['epix']['pedestals'][0].tolist())\ndef event(evt):\n    pass\n"

    def test_a_set_in_a_file(self):
        parts = message()
        digest = json.loads(parts[1].decode())["hash"]
        with tempfile.NamedTemporaryFile() as file, Driver(self.SCRIPT, plain=True) as worker:
            file.write(laid_out(parts))
            file.flush()
            worker.load().ask([configure()])
            result, = worker.ask([dgram(BEGIN_RUN, 2)], constants=json.dumps({"set": file.name}))
            self.assertEqual(result.reserved, int(digest[:8], 16))
            result, = worker.ask([dgram(BEGIN_RUN, 3)], constants=json.dumps({"set": file.name}))
            worker.stop()
            self.assertEqual(worker.words().splitlines(), ["%s [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]" % digest] * 2)

    def test_no_set_and_a_wrong_one(self):
        for told, words in (({"none": "nobody sent any"}, "nobody sent any"), ({"set": "/dev/null"}, "no set of constants")):
            with self.subTest(words), Driver(self.SCRIPT, plain=True) as worker:
                worker.load().ask([configure()])
                with self.assertRaisesRegex(WorkerError, words):
                    worker.ask([dgram(BEGIN_RUN, 2)], constants=json.dumps(told))


class Sockets(unittest.TestCase):
    """The plain socket against another end that does not keep to the rules; against real ones see test/python/calib.test.ts."""

    def serve(self, *answers):
        """One answer per connection, behind greeting and READY."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def work():
            for answer in answers:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    connection.sendall(zmtp._GREETING + b"\x04\x1a\x05READY\x0bSocket-Type\x00\x00\x00\x04XPUB" + answer)
                    if not answer.endswith(b"stay"):
                        connection.shutdown(socket.SHUT_WR)
                    while connection.recv(1000):
                        pass
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        return "tcp://127.0.0.1:%d" % listener.getsockname()[1]

    def test_frames_commands_and_broken_connections(self):
        long = bytes(300)
        good = b"\x04\x07\x04PING\0\0" + b"\x01\x07calib/1" + b"\x03" + (300).to_bytes(8, "big") + long + b"\x00\x02ok"
        endpoint = self.serve(b"\x01\x07calib", b"\x06\xff", b"\x02" + bytes([255] * 8), good)
        with zmtp.Subscriber(endpoint, b"calib/1") as subscriber:
            subscriber._connection.close()
            subscriber._connection = zmtp.Connection(endpoint, b"calib/1")
            self.assertEqual([bytes(part) for part in subscriber.receive(20)], [b"calib/1", long, b"ok"])

    def test_time_runs_out(self):
        for endpoint in (self.serve(b"\x01\x07calstay"), "ipc:///nowhere/at/all", self.serve()):
            with self.subTest(endpoint), zmtp.Subscriber(endpoint) as subscriber:
                with self.assertRaisesRegex(TimeoutError, "nothing came from %s within 0.3 s" % endpoint):
                    subscriber.receive(0.3)

    def test_addresses(self):
        self.assertEqual(zmtp.address("tcp://[::1]:80"), (socket.AF_INET6, ("::1", 80)))
        for wrong in ("", "tcp://", "tcp://host", "ipc://", "udp://1:1", "/tmp/x"):
            with self.assertRaisesRegex(ValueError, "ipc://PATH or tcp://HOST:PORT"):
                calib.Subscriber(wrong)


if __name__ == "__main__":
    unittest.main()
