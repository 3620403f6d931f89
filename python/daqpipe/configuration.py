"""The Configure transition: where scripts describe what they will add."""

from typing import Any, Dict, Mapping, Optional, Sequence

from .dgram import Dgram
from .errors import BadDefinition
from .handle import Handle
from .xtc.describe import check_detector, check_names_id, check_text, encode_names, new_fields, next_names_id, pack_version
from .xtc.names import Names

_SERVICE_DETECTORS = ("runinfo", "chunkinfo", "epics", "epicsinfo", "scan", "smdinfo")


class Configuration(Dgram):
    """
    A Configure. Read the detectors' settings with ``cfg.det.config.gain`` or ``cfg["hsd"][0].config``; it may be kept for as long as
    you like. Describe new data with :meth:`add`.
    """

    __slots__ = ()

    # A Configure takes descriptions where other dgrams take data; its data go through write().
    def add(  # type: ignore[override]
        self,
        algorithm: str,
        fields: Optional[Mapping[str, Any]] = None,
        *,
        version: Sequence[int] = (0, 0, 1),
        detector: Optional[str] = None,
        segment: Optional[int] = None,
        det_type: Optional[str] = None,
        det_id: Optional[str] = None,
        names_id: Optional[int] = None,
        node_id: Optional[int] = None,
        **more: Any,
    ) -> Handle:
        """
        Describes the data of a new algorithm, of this DRP's detector or of another or new one.

        ::

            fex = cfg.add("fex", sum="float64", hist=("uint32", 1), label="str")

        A field is an element type (``uint8`` ... ``int64``, ``float32``, ``float64``, ``str``, or the numpy type) or a pair of type and
        rank (0 to 4). Fields whose names are no Python names, or are names of arguments, go into `fields`.

        :param version: of the algorithm, three numbers
        :param det_type: default: as the detector is described already, else as drp-python was told
        :param names_id: number within the node; default 1 + the highest in use below 128
        :raises BadDefinition: if it is described already, or cannot be described
        """
        table = self._table
        name = table.own[0] if detector is None else detector
        number = segment if segment is not None else table.own[1] if name == table.own[0] else 0
        check_detector(name)
        check_text(algorithm, "algorithm")
        if not algorithm:
            raise BadDefinition("the algorithm has no name")
        if table.by_path.get((name, number, algorithm)):
            raise BadDefinition("%s_%d %s is described already" % (name, number, algorithm))
        if not 0 <= number <= 0xFFFFFFFF:
            raise BadDefinition("segment %d is no unsigned 32-bit number" % number)
        specs: Dict[str, Any] = dict(fields or {})
        for key, value in more.items():
            if key in specs:
                raise BadDefinition("field %s is given twice" % key)
            specs[key] = value
        known = next((n for n in table.by_id.values() if (n.det_name, n.segment) == (name, number)), None)
        known = known or next((n for n in table.by_id.values() if n.det_name == name), None)
        own_type, own_id = self._stream.identity(name) if self._stream is not None else ("", "")
        names = Names(self._new_id(known, node_id, names_id), name, number, algorithm, pack_version(version), new_fields(specs),
                      det_type if det_type is not None else known.det_type if known else own_type,
                      det_id if det_id is not None else known.det_id if known else own_id)
        check_text(names.det_type, "detector type")
        check_text(names.det_id, "detector id")
        edit = self._edit or self._open_edit()
        edit.add_block(encode_names(names), "the description of " + algorithm)
        table.define(names)
        return Handle(names, table)

    def write(self, handle: Handle, values: Optional[Mapping[str, Any]] = None, **fields: Any) -> None:
        """Adds configuration data: the values of an algorithm described with :meth:`add`, into the Configure itself."""
        Dgram.add(self, handle, values, **fields)

    def _new_id(self, known: Optional[Names], node: Optional[int], number: Optional[int]) -> int:
        table = self._table
        if node is None:
            own = next((n for n in table.by_id.values() if (n.det_name, n.segment) == table.own), None)
            like = known or own
            node = like.id >> 8 if like else self.src & 0xFFF
        if number is None:
            id = next_names_id(table.by_id, node)
        elif 0 <= number <= 255:
            id = node << 8 | number
        else:
            raise BadDefinition("names id %r is outside 0 to 255" % (number,))
        check_names_id(id)
        if id in table.by_id:
            raise BadDefinition("names id 0x%x belongs to %s" % (id, table.by_id[id]))
        return id


def own_detector(table: Any, name: str, segment: int) -> Any:
    """Detector and segment of this DRP: as drp-python was told, else the first of the Configure that is no service detector."""
    if name:
        return name, segment
    for path, ids in table.by_path.items():
        if ids and path[0] not in _SERVICE_DETECTORS:
            return path[0], path[1]
    return "", segment
