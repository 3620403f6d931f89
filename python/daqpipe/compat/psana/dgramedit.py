"""Definitions of detectors and algorithms that a script adds."""

from daqpipe.xtc.layout import CHARSTR, ELEMENT_TYPES

__all__ = ["AlgDef", "DataType", "DetectorDef"]


class AlgDef:
    """Name and version of an algorithm."""

    def __init__(self, name: str, major: int, minor: int, micro: int) -> None:
        self.name, self.major, self.minor, self.micro = name, major, minor, micro


class DetectorDef:
    """Name, type and unique id of a detector."""

    def __init__(self, name: str, dettype: str, detid: str) -> None:
        self.name, self.dettype, self.detid = name, dettype, detid


class DataType:
    """Numbers of the element types in the format, by name: ``DataType.FLOAT``."""

    UINT8, UINT16, UINT32, UINT64, INT8, INT16, INT32, INT64, FLOAT, DOUBLE, CHARSTR = range(len(ELEMENT_TYPES[:CHARSTR + 1]))
