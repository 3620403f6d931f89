"""Frames that an ingester left in shared memory (docs/mapreduce.md): copied or borrowed, and noticed when they were let go."""

import os
import struct
import tempfile
import unittest

import package_path  # noqa: F401
from daqpipe.mapreduce.event import EventData, Frame, StreamData
from daqpipe.mapreduce.shared import Memories, TornFrame

START, STAMPS, UNIT = 65536, 4096, 65536


class SharedFrames(unittest.TestCase):
    def setUp(self) -> None:
        handle, self.path = tempfile.mkstemp()
        self.addCleanup(os.unlink, self.path)
        os.ftruncate(handle, START + 2 * UNIT)
        self.file = os.fdopen(handle, "r+b", buffering=0)
        self.addCleanup(self.file.close)
        self.put(0, START, b"a" * 70)
        self.memories = Memories()

    def put(self, slot: int, offset: int, frame: bytes, stamp: int = 5) -> None:
        self.file.seek(offset)
        self.file.write(frame)
        self.file.seek(STAMPS + 4 * slot)
        self.file.write(struct.pack("<i", stamp))

    def places(self, *rows: tuple) -> dict:
        return {"name": "/memory", "path": self.path, "places": [list(row) for row in rows]}

    def test_copies_stand_at_their_places_and_stay(self) -> None:
        self.put(3, START + UNIT, b"b" * 80, -7)
        frames = [Frame(b"head"), Frame(b"tail")]
        self.memories.insert(frames, self.places((1, START, 70, 0, 5), (3, START + UNIT, 80, 3, -7)), None)
        self.assertEqual(frames, [b"head", b"a" * 70, b"tail", b"b" * 80])
        self.assertIsInstance(frames[1], Frame)
        self.put(0, START, b"z" * 70, 6)
        self.assertEqual(frames[1].bytes, b"a" * 70)

    def test_a_frame_that_was_let_go_is_torn(self) -> None:
        for stamp in (0, 6):
            self.put(0, START, b"z" * 70, stamp)
            with self.assertRaises(TornFrame):
                self.memories.insert([], self.places((0, START, 70, 0, 5)), None)

    def test_borrowed_views_are_checked_when_they_are_given_back(self) -> None:
        for torn in (False, True):
            self.put(0, START, b"a" * 70)
            event, lent, shared = EventData(1), [], self.places((0, START, 70, 0, 5))
            event.streams["det"] = StreamData("T")
            self.memories.insert(event.streams["det"].frames, shared, lent)
            self.assertEqual(event.streams["det"].frames[0], b"a" * 70)
            with self.assertRaises(TypeError):
                event.streams["det"].frames[0][0] = 1
            if not torn:
                self.memories.give_back(event, lent, [shared])
                continue
            self.put(0, START, b"z" * 70, 6)
            with self.assertRaises(TornFrame):
                self.memories.give_back(event, lent, [shared])

    def test_a_view_that_is_kept_is_found(self) -> None:
        event, lent, shared = EventData(1), [], self.places((0, START, 70, 0, 5))
        event.streams["det"] = StreamData("T")
        self.memories.insert(event.streams["det"].frames, shared, lent)
        kept = event.streams["det"].frames[0][10:20]
        with self.assertRaises(BufferError):
            self.memories.give_back(event, lent, [shared])
        self.assertEqual(kept, b"a" * 10)

    def test_a_memory_that_has_grown_is_mapped_anew(self) -> None:
        self.memories.insert([], self.places((0, START, 70, 0, 5)), None)
        self.file.truncate(START + 4 * UNIT)
        self.put(1, START + 3 * UNIT, b"c" * 90)
        frames: list = []
        self.memories.insert(frames, self.places((0, START + 3 * UNIT, 90, 1, 5)), None)
        self.assertEqual(frames, [b"c" * 90])


if __name__ == "__main__":
    unittest.main()
