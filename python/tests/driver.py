"""The other side of a worker: starts one and speaks the message protocol with it, through pipes or System V objects."""

import ctypes
import errno
import json
import os
import select
import struct
import subprocess
import sys
import tempfile
import time

import package_path  # noqa: F401
from daqpipe import protocol as p

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
WITHOUT_NUMPY = os.path.join(PACKAGE, "tests", "without_numpy")
IPC_PRIVATE, IPC_RMID, IPC_NOWAIT = 0, 0, 0o4000
TIMEOUT = 20.0
TRANSPORTS = ("pipe", "sysv")
#: a script that changes nothing
NOTHING = "def event(evt):\n    pass\n"


class Result:
    """One entry of a result slot."""

    def __init__(self, slot, i):
        entry = p.RESULT_ENTRY.unpack_from(slot, p.RESULT_TABLE + p.RESULT_ENTRY_SIZE * i)
        self.offset, self.size, self.status, self.flags, triggers, self.needed, self.reserved = entry
        self.bytes = bytes(slot[self.offset:self.offset + self.size])
        self.trigger = bytes(slot[self.offset + self.size:self.offset + self.size + triggers])


class WorkerError(Exception):
    """The worker sent ERROR; the results before it are in `results`."""

    def __init__(self, text, results):
        super().__init__(text)
        self.results = results


class Driver:
    """
    One worker process. Use as a context manager: whatever happens, the process and the IPC objects are gone afterwards.
    `plain`: without numpy, whose import takes longer than most tests.
    """

    def __init__(self, script, transport="pipe", pebble=65536, transition=262144, slots=2, slot_bytes=None, env=None, plain=False,
                 **settings):
        self.folder = tempfile.TemporaryDirectory()
        if "\n" in script:
            path = os.path.join(self.folder.name, "script.py")
            with open(path, "w") as file:
                file.write(script)
            script = path
        self.transport, self.slots = transport, slots
        self.slot_bytes = slot_bytes or -(-(2048 + max(pebble, transition) + 512) // 4096) * 4096
        self.sequence = 0
        argument = dict(transport=transport, script=script, args=[], slots=slots, slotBytes=self.slot_bytes, pebble=pebble,
                        transition=transition, parentPid=os.getpid(), generation=7, detName="det", detType="camera", detId="serial",
                        segment=0, partition=3, worker=0, workers=1, instrument="tst", raw="script", oversize="abort",
                        triggerBytes=0, allowDrop=False, constants=None)
        argument.update(settings)
        self.generation = argument["generation"]
        self.stderr = tempfile.TemporaryFile()
        command = [sys.executable, "-u", "-m", "daqpipe.worker"]
        path = os.pathsep.join(part for part in (os.environ.get("PYTHONPATH"), WITHOUT_NUMPY if plain else None) if part)
        # One thread: the import of numpy is what most of a test's time goes to.
        environment = dict(os.environ, PYTHONPATH=PACKAGE + (os.pathsep + path if path else ""), OPENBLAS_NUM_THREADS="1", **(env or {}))
        self.link = (Pipes if transport == "pipe" else SysvObjects)(self)
        argument.update(self.link.arguments())
        self.process = self.link.start(command + [json.dumps(argument)], environment, self.stderr)

    def __enter__(self):
        try:
            self.expect(p.HELLO)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.link.close()
        self.stderr.close()
        self.folder.cleanup()

    def words(self):
        """What the worker wrote to stderr so far."""
        self.stderr.seek(0)
        return self.stderr.read().decode()

    def send(self, kind, slot=0, count=0, used=0, contents=b""):
        self.sequence += 1
        self.link.send(p.encode(kind, self.generation, self.sequence, slot, count, used), contents)

    def expect(self, kind):
        """The next message, which must be of that type. :raises WorkerError: if it is an ERROR instead"""
        message, contents = self.link.receive()
        if message.type == p.ERROR and kind != p.ERROR:
            raise WorkerError(self.link.error(message, contents), [])
        assert message.type == kind, "expected message %d, got %d; stderr: %s" % (kind, message.type, self.words())
        return message, contents

    def load(self):
        """SCRIPT, READY."""
        self.send(p.SCRIPT)
        self.expect(p.READY)
        return self

    def write(self, dgrams, slot=0, flags=(), first=0):
        """
        Puts dgrams side by side into an input slot, and those from `first` on into its table; returns the used part. The others keep
        their places, as in a request for the rest.
        """
        memory = self.link.input(slot)
        at = p.INPUT_PAYLOAD
        memory[0:4] = (len(dgrams) - first).to_bytes(4, "little")
        for i, dgram in enumerate(dgrams):
            memory[at:at + len(dgram)] = dgram
            if i >= first:
                entry = p.INPUT_TABLE + p.INPUT_ENTRY.size * (i - first)
                p.INPUT_ENTRY.pack_into(memory, entry, at, len(dgram), flags[i] if flags else 0)
            at += len(dgram)
        return at

    def once(self, dgrams, slot=0, flags=(), first=0):
        """One request for the dgrams from `first` on, one answer; maybe fewer results than dgrams."""
        used = self.write(dgrams, slot, flags, first)
        try:
            self.send(p.DGRAMS, slot, len(dgrams) - first, used, self.link.input(slot)[:used])
        except BrokenPipeError:
            pass  # an ERROR that came behind short results is still to be read
        message, contents = self.link.receive()
        results = []
        if message.type == p.RESULTS:
            assert message.sequence == self.sequence and message.slot == slot, message
            memory = self.link.result(message, contents)
            results = [Result(memory, i) for i in range(message.count)]
            assert struct.unpack_from("<I", memory)[0] == message.count
            for result in results:
                assert result.offset + result.size + len(result.trigger) <= message.bytes, "a result behind the used part"
        if message.type == p.ERROR:
            raise WorkerError(self.link.error(message, contents), results)
        return results

    def ask(self, dgrams, slot=0, flags=(), first=0, constants=""):
        """Results of all dgrams from `first` on; asks again for those that were not begun. `constants`: what a BeginRun says of them."""
        told = constants.encode()
        self.link.input(slot)[p.INPUT_CONSTANTS:p.INPUT_CONSTANTS + 4 + len(told)] = len(told).to_bytes(4, "little") + told
        results = []
        while first + len(results) < len(dgrams):
            try:
                more = self.once(dgrams, slot, flags, first + len(results))
            except WorkerError as error:
                raise WorkerError(str(error), results) from None
            assert more, "no result at all"
            results += more
        return results

    def stop(self):
        """STOP, STOPPED; exit status."""
        self.send(p.STOP)
        self.expect(p.STOPPED)
        return self.wait()

    def wait(self):
        return self.process.wait(TIMEOUT)


class Pipes:
    def __init__(self, driver):
        self.driver = driver
        self.inputs = [bytearray(driver.slot_bytes) for _ in range(driver.slots)]
        self.down = os.pipe()
        self.up = os.pipe()

    def arguments(self):
        return {}

    def start(self, command, environment, stderr):
        down, up = self.down[0], self.up[1]

        def place():
            # Both may sit on 3 or 4 already: move them away first.
            a, b = os.dup(down), os.dup(up)
            spare = [os.dup(a) for _ in range(4)]
            a, b = os.dup(a), os.dup(b)
            os.dup2(a, 3)
            os.dup2(b, 4)
            del spare

        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, close_fds=False,
                                   preexec_fn=place)
        os.close(down)
        os.close(up)
        self.out, self.back = self.down[1], self.up[0]
        return process

    def send(self, message, contents):
        data = memoryview(bytes(message) + bytes(contents))
        while data:
            data = data[os.write(self.out, data):]

    def _read(self, size, deadline):
        data = b""
        while len(data) < size:
            if not select.select([self.back], [], [], max(0.0, deadline - time.time()))[0]:
                raise TimeoutError("nothing from the worker; stderr: " + self.driver.words())
            more = os.read(self.back, size - len(data))
            if not more:
                raise EOFError("the worker is gone (%s); stderr: %s" % (self.driver.process.wait(5), self.driver.words()))
            data += more
        return data

    def receive(self, timeout=TIMEOUT):
        deadline = time.time() + timeout
        message = p.decode(self._read(p.MESSAGE_SIZE, deadline))
        carries = message.type in (p.RESULTS, p.ERROR)
        return message, self._read(message.bytes, deadline) if carries else b""

    def input(self, slot):
        return memoryview(self.inputs[slot])

    def result(self, message, contents):
        return contents

    def error(self, message, contents):
        return contents.decode()

    def close(self):
        for fd in (self.out, self.back):
            os.close(fd)


class SysvObjects:
    def __init__(self, driver):
        self.driver = driver
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.libc.shmat.restype = ctypes.c_void_p
        self.libc.shmdt.argtypes = [ctypes.c_void_p]
        self.libc.msgrcv.restype = ctypes.c_ssize_t
        self.libc.msgrcv.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long, ctypes.c_int]
        self.libc.msgsnd.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
        size = 4096 + driver.slots * driver.slot_bytes
        self.queues = [self._made(self.libc.msgget(IPC_PRIVATE, 0o600)) for _ in range(2)]
        self.libc.shmget.argtypes = [ctypes.c_int, ctypes.c_size_t, ctypes.c_int]
        self.segments = [self._made(self.libc.shmget(IPC_PRIVATE, size, 0o600)) for _ in range(2)]
        self.addresses = [self.libc.shmat(segment, None, 0) for segment in self.segments]
        self.memory = [memoryview((ctypes.c_char * size).from_address(address)).cast("B") for address in self.addresses]
        for memory in self.memory:
            p.SEGMENT.pack_into(memory, 0, p.SEGMENT_MAGIC, p.LAYOUT_VERSION, driver.slots, driver.slot_bytes)

    @staticmethod
    def _made(id):
        if id < 0:
            raise OSError(ctypes.get_errno(), "no System V objects: " + os.strerror(ctypes.get_errno()))
        return id

    def arguments(self):
        return dict(inQueue=self.queues[0], resQueue=self.queues[1], inSegment=self.segments[0], resSegment=self.segments[1])

    def start(self, command, environment, stderr):
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr)

    def send(self, message, contents):
        text = ctypes.create_string_buffer(struct.pack("<q", 1) + bytes(message), 8 + len(message))
        assert self.libc.msgsnd(self.queues[0], text, len(message), 0) == 0, os.strerror(ctypes.get_errno())

    def receive(self, timeout=TIMEOUT):
        deadline = time.time() + timeout
        text = ctypes.create_string_buffer(8 + 64)
        pause = 0.0
        while True:
            size = self.libc.msgrcv(self.queues[1], text, 64, 0, IPC_NOWAIT)
            if size >= 0:
                return p.decode(text.raw[8:8 + size]), b""
            assert ctypes.get_errno() in (errno.ENOMSG, errno.EINTR), os.strerror(ctypes.get_errno())
            if self.driver.process.poll() is not None and pause:
                raise EOFError("the worker is gone (%s); stderr: %s" % (self.driver.process.returncode, self.driver.words()))
            if time.time() > deadline:
                raise TimeoutError("nothing from the worker; stderr: " + self.driver.words())
            pause = min(pause + 0.0002, 0.005)
            time.sleep(pause)

    def _slot(self, memory, slot):
        at = 4096 + slot * self.driver.slot_bytes
        return memory[at:at + self.driver.slot_bytes]

    def input(self, slot):
        return self._slot(self.memory[0], slot)

    def result(self, message, contents):
        return self._slot(self.memory[1], message.slot)[:message.bytes]

    def error(self, message, contents):
        memory = self.memory[1]
        size = struct.unpack_from("<I", memory, p.ERROR_TEXT)[0]
        assert size == message.bytes
        return bytes(memory[p.ERROR_TEXT + 4:p.ERROR_TEXT + 4 + size]).decode()

    def close(self):
        for queue in self.queues:
            self.libc.msgctl(queue, IPC_RMID, None)
        for segment, address in zip(self.segments, self.addresses):
            self.libc.shmctl(segment, IPC_RMID, None)
            self.libc.shmdt(address)
