"""
Primitives of fixed layout: the classes by which scripts read them. They have no tag, so the kind is chosen by the source's alias. A payload
that is too short is a ValueError of the constructor.
"""

from struct import Struct, error
from typing import Any, Dict, List, NamedTuple, Optional, Tuple


class Field(NamedTuple):
    """A number at a fixed place, for columns: offset, type as numpy and struct spell it, right shift, mask (0: none), elements."""

    offset: int
    type: str
    shift: int = 0
    mask: int = 0
    elements: int = 1


class View:
    """What all views share."""

    __slots__ = ("_values",)
    LAYOUT = Struct("")
    FIELDS: Dict[str, Field] = {}

    def __init__(self, payload: Any) -> None:
        try:
            self._values = self.LAYOUT.unpack_from(payload)
        except (error, TypeError):
            raise ValueError("%s needs %d bytes" % (type(self).__name__, self.LAYOUT.size)) from None

    def __repr__(self) -> str:
        return "<%s %s>" % (type(self).__name__, self._values)


class TmoTebData(View):
    """Two numbers of the producer."""

    __slots__ = ()
    LAYOUT = Struct("<II")
    FIELDS = {"write": Field(0, "<u4"), "monitor": Field(4, "<u4")}

    @property
    def write(self) -> int:
        """The first number."""
        return self._values[0]

    @property
    def monitor(self) -> int:
        """The second number."""
        return self._values[1]


class TimingTebData(View):
    """Destination of the beam and event codes."""

    __slots__ = ()
    LAYOUT = Struct("<B3x9I")
    FIELDS = {"destination": Field(0, "u1", 0, 0x7F), "beam": Field(0, "u1", 7, 1), "eventcodes": Field(4, "<u4", 0, 0, 9)}

    def destination(self) -> int:
        """Where the beam went, if there was any."""
        return self._values[0] & 0x7F

    def beam(self) -> int:
        """1 if there was beam."""
        return self._values[0] >> 7

    def has_eventcode(self, code: int) -> bool:
        """Whether the event code, 0 to 287, was sent."""
        return 0 <= code < 288 and bool(self._values[1 + (code >> 5)] >> (code & 31) & 1)

    def has_destination(self, destination: int) -> bool:
        """Whether there was beam, and it went there."""
        return self._values[0] == (destination | 0x80)

    def eventcodes(self) -> List[int]:
        """All event codes, ascending."""
        return [code for code in range(288) if self._values[1 + (code >> 5)] >> (code & 31) & 1]

    def eventcodes_to_int(self, lo: int, hi: int) -> int:
        """The event codes from `lo` to `hi` as bits of a number, `lo` being bit 0."""
        return sum(1 << (code - lo) for code in range(lo, hi + 1) if self.has_eventcode(code))


class HrEncoderTebData(View):
    """High-rate encoder."""

    __slots__ = ()
    LAYOUT = Struct("<iBBBx")
    FIELDS = {"position": Field(0, "<i4"), "encErrCnt": Field(4, "u1"), "missedTrigCnt": Field(5, "u1"), "latches": Field(6, "u1", 5)}

    def position(self) -> int:
        """Encoder position."""
        return self._values[0]

    def encErrCnt(self) -> int:
        """Encoder errors."""
        return self._values[1]

    def missedTrigCnt(self) -> int:
        """Missed triggers."""
        return self._values[2]

    def latches(self) -> int:
        """The three latch bits."""
        return self._values[3] >> 5


class Piranha4TTTebData(View):
    """Time tool."""

    __slots__ = ()
    LAYOUT = Struct("<6d")
    FIELDS = {name: Field(8 * i, "<f8") for i, name in enumerate(("ampl", "fltpos", "fltpos_ps", "fltpos_fwhm", "amplnxt", "refampl"))}

    def valid(self) -> bool:
        """A negative amplitude says that nothing was found."""
        return self._values[0] >= 0


def _method(i: int, shift: Optional[int] = None) -> Any:
    if shift is None:
        return lambda self: self._values[i]
    return lambda self: self._values[i] >> shift & 3


for _i, _name in enumerate(Piranha4TTTebData.FIELDS):
    setattr(Piranha4TTTebData, _name, _method(_i))


def _block(name: str, fields: Tuple[str, ...], severity: bool) -> Any:
    """Class of a block of BldTebData: f64 values, then two bits of severity for each."""
    layout = Struct("<%dd%s" % (len(fields), "Q" if severity else ""))
    members: Dict[str, Any] = {"__slots__": (), "LAYOUT": layout, "__doc__": "Beam line data: %s." % ", ".join(fields)}
    members["FIELDS"] = {field: Field(8 * i, "<f8") for i, field in enumerate(fields)}
    for i, field in enumerate(fields):
        members[field] = _method(i)
        if severity:
            members[field + "_sevr"] = _method(len(fields), 2 * i)
    return type(name, (View,), members)


GmdTebData = _block("GmdTebData", ("milliJoulesPerPulse",), True)
XGmdTebData = _block("XGmdTebData", ("milliJoulesPerPulse", "POSY"), True)
PhaseCavityTebData = _block("PhaseCavityTebData", ("fitTime1", "fitTime2", "charge1", "charge2"), True)
GasDetTebData = _block("GasDetTebData", ("f11ENRC", "f12ENRC", "f21ENRC", "f22ENRC", "f63ENRC", "f64ENRC"), False)
EBeamTebData = _block("EBeamTebData", ("l3Energy",), False)

_BLD = (("gmd", GmdTebData), ("xgmd", XGmdTebData), ("pcav", PhaseCavityTebData), ("pcavs", PhaseCavityTebData),
        ("gasdet", GasDetTebData), ("ebeam", EBeamTebData), ("ebeams", EBeamTebData))


class BldTebData(View):
    """Beam line data: the blocks that the sources word names, one after the other."""

    __slots__ = ("_blocks",)
    LAYOUT = Struct("<Q")

    def __init__(self, payload: Any) -> None:
        super().__init__(payload)
        self._blocks: Dict[str, Any] = {}
        at = 8
        for bit, (name, kind) in enumerate(_BLD):
            if self._values[0] >> bit & 1:
                self._blocks[name] = kind(payload[at:])
                at += kind.LAYOUT.size

    def sources(self) -> int:
        """Mask of the blocks."""
        return self._values[0]


def _bld(name: str) -> Any:
    return lambda self: self._blocks.get(name)


for _name, _ in _BLD:
    setattr(BldTebData, _name, _bld(_name))


class TripperTebData(View):
    """Detector protection: 36 bytes that depend on the detector, and its type."""

    __slots__ = ()
    LAYOUT = Struct("<36s30s")

    def data(self) -> bytes:
        """The 36 bytes."""
        return self._values[0]

    def detType(self) -> str:
        """Type of the detector."""
        return self._values[1].split(b"\0")[0].decode("latin-1")


KINDS: Dict[str, Any] = {
    "tmo": TmoTebData, "timing": TimingTebData, "bld": BldTebData, "hrencoder": HrEncoderTebData, "piranha4": Piranha4TTTebData,
    "tripper": TripperTebData,
}


def kind_of(alias: str) -> Optional[str]:
    """The kind that an alias such as ``timing_0`` stands for."""
    name = alias.lower()
    return next((kind for kind in KINDS if name.startswith(kind)), None)
