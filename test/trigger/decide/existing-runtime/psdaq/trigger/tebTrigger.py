"""Stand-in of the existing trigger runtime: the Python side of the protocol of spec teb.md, section 6, written from that page."""

import json
import mmap
import struct
import sys

import posix_ipc


class TriggerDataSource:
    def __init__(self):
        words = {word[:2]: word[2:] for word in sys.argv[1:]}
        key = words["-b"][1:]
        try:
            self.inputs = posix_ipc.MessageQueue("/mqtebinp_" + key, read=True, write=False)
            self.results = posix_ipc.MessageQueue("/mqtebres_" + key, read=False, write=True)
        except posix_ipc.Error as error:
            print("no queues:", error)
            sys.exit(1)
        _, name, size, *slots = self.wait("i").split(",")
        self.slots = [int(slot) for slot in slots]
        self.input = self.map(name, int(size))
        self.results.send(b"g")
        _, name, size = self.wait("r").split(",")
        self.result_memory = self.map(name, int(size))
        text = b""
        while True:
            message = self.wait("cd")
            text += self.input[:int(message[2:])]
            self.results.send(message[0].encode())
            if message[0] == "d":
                break
        self.connect_info = json.loads(text)
        self.wait("g")
        self.results.send(b"g")

    def map(self, name, size):
        memory = posix_ipc.SharedMemory(name, size=size)
        return mmap.mmap(memory.fd, memory.size)

    def wait(self, letters):
        while True:
            message, _ = self.inputs.receive()
            if chr(message[0]) in letters:
                return message.decode()
            print("passed over", message)

    def events(self):
        while True:
            message = self.wait("gs")
            if message[0] == "s":
                return
            yield list(self.contributions(int(message[1:], 16)))

    def contributions(self, mask):
        at = 0
        for i, size in enumerate(self.slots):
            if mask >> i & 1:
                extent = struct.unpack_from("<I", self.input, at + 28)[0]
                source = struct.unpack_from("<I", self.input, at + 20)[0]
                yield source & 0xFFFFFFF, self.input[at + 32:at + 20 + extent]
            at += size

    def result(self, persist, monitor):
        extent, data = struct.unpack_from("<II", self.result_memory, 28)
        data = bool(persist) << 1 | (monitor & 15) << 2
        struct.pack_into("<II", self.result_memory, 28, extent + 8, data)
        self.results.send(b"g")
