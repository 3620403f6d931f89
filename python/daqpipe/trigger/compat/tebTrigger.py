"""The event loop of trigger scripts, under its older name."""

from daqpipe.trigger.loop import ArgsParser, CubeTriggerDataSource, Detector, Event, TriggerDataSource

__all__ = ["ArgsParser", "CubeTriggerDataSource", "Detector", "Event", "TriggerDataSource"]
