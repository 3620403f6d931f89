"""``parse(StreamData)`` for each kind of source: frames in, a packet out (spec mapreduce.md 8)."""
