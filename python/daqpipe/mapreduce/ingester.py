"""For source classes."""


class IsSoftwareTriggered(Exception):
    """Yielded by a source instead of data: the frames of this stream are made event by event, when the event is known."""
