"""Packets: what the messages of each kind of source hold."""
