"""
The server of the existing monitor, as the specification tells it (spec live.md): one shared return queue, buffers passed on from client to
client in serial order. Written apart from shmem-serve, so that shm:TAG and daqpipe.live meet something that is not our own.

    standin_server.py FOLDER TAG FILE distributed|serial CLIENTS EVENTS_PER_SECOND

FOLDER has posix_ct.py. Plays FILE once when all clients are there; prints one JSON line: events, given, returned, and whether all came back.
"""

import json
import socket
import struct
import sys
import time

folder, tag, file, order, clients, rate = sys.argv[1:7]
sys.path.insert(0, folder)
from posix_ct import Queue, Segment, queue_unlink, segment_unlink  # noqa: E402

BUFFERS, SIZE, EXTRA = 8, 0x10000, 18
clients, serial, rate = int(clients), order == "serial", float(rate)
BEGIN, END, ENABLE, L1 = {2: 0, 4: 1, 6: 2, 8: 3}, {3: 0, 5: 1, 7: 2, 9: 3}, 8, 12
words = struct.pack("<III", BUFFERS + EXTRA | clients << 8 | (0 if serial else clients) << 16, SIZE, 0)
message = lambda index: struct.pack("<i", index) + words  # noqa: E731
names = ["/PdsToMonitorEvQueue_%s_%d" % (tag, i) for i in range(clients + 1)]
discovery = Queue("/PdsFromMonitorDiscovery_" + tag, True, True, True, 2, 16, nonblock=True)
segment = Segment("/PdsMonitorSharedMemory_" + tag, True, True, (BUFFERS + EXTRA) * SIZE)
queues = [Queue(name, True, True, True, BUFFERS // clients if i < clients else BUFFERS, 16, nonblock=True) for i, name in enumerate(names)]


def put(index, data):
    segment.mem[index * SIZE:index * SIZE + len(data)] = data


def take(queue):
    try:
        return struct.unpack("<iIII", queue.receive(0)[0])[0]
    except (OSError, TimeoutError):
        return None


def dgrams():
    with open(file, "rb") as source:
        while True:
            head = source.read(24)
            if not head:
                return
            yield head + source.read(struct.unpack_from("<I", head, 20)[0] - 12)


def answered(sockets, index):
    for one in sockets:
        data = b""
        while len(data) < 16:
            data += one.recv(16 - len(data))
        assert data == message(index), data


listener = socket.socket()
port = 32768
while True:
    try:
        listener.bind(("127.0.0.1", port))
        break
    except OSError:
        port += 1
listener.listen(10)
given = events = came = 0
free, turn = list(range(BUFFERS)), 0
try:
    sockets = []
    for number in range(clients):
        discovery.try_send(message(port))
        one, _ = listener.accept()
        one.sendall(message(number))
        sockets.append(one)
    time.sleep(0.2)
    slot = 0
    for dgram in dgrams():
        service = dgram[11] & 15
        if service != L1:
            time.sleep(0.05)  # events before it have been taken by now
            index = BUFFERS + slot % EXTRA
            slot += 1
            put(index, dgram)
            for one in sockets:
                one.sendall(message(index))
            answered(sockets, index)
            continue
        events += 1
        time.sleep(1 / rate)
        for index in iter(lambda: take(queues[clients]), None):
            free.append(index)
            came += 1
        if not free:
            continue
        index = free.pop(0)
        put(index, dgram)
        to = 0 if serial else turn % clients
        turn += 1
        if queues[to].try_send(message(index)):
            given += 1
        else:
            free.append(index)
    deadline = time.time() + 2
    while came < given and time.time() < deadline:
        if take(queues[clients]) is not None:
            came += 1
    print(json.dumps({"events": events, "given": given, "returned": came}))
finally:
    for name in names + ["/PdsFromMonitorDiscovery_" + tag]:
        queue_unlink(name)
    segment_unlink("/PdsMonitorSharedMemory_" + tag)
