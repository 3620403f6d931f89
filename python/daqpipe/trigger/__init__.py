"""
Decisions of the trigger in Python: what a script imports that ``teb-decide --script`` runs.

    from daqpipe.trigger import accept, run, mebs, KEEP

    accept("andor_0", keys=("npeaks",))

    def decide(ev):
        npeaks = ev.get("andor_0", {}).get("npeaks")
        if npeaks is None:
            return KEEP
        return npeaks > 3, mebs("ami") if ev.slow else 0

    run(decide)

A script that merely defines ``decide(event)`` or ``decide_batch(events)`` need not call ``run``.
"""

from typing import Any, List, Optional, Tuple, Union

from .columns import Batch
from .event import Event
from .prim import Declaration, Prim, schema_number
from .running import run
from .conversation import session
from .views import (
    BldTebData, EBeamTebData, GasDetTebData, GmdTebData, HrEncoderTebData, PhaseCavityTebData, Piranha4TTTebData, TimingTebData, TmoTebData,
    TripperTebData, XGmdTebData,
)

__all__ = [
    "Batch", "BldTebData", "EBeamTebData", "Event", "GasDetTebData", "GmdTebData", "HrEncoderTebData", "KEEP", "PhaseCavityTebData",
    "Piranha4TTTebData", "Prim", "TimingTebData", "TmoTebData", "TripperTebData", "XGmdTebData", "accept", "config", "mebs", "run",
    "schema_number",
]

KEEP: Tuple[bool, int] = (True, 0)
"""Record the event, show it to nobody."""


def accept(alias: str, kind: Optional[str] = None, version: Union[int, Tuple[int, ...]] = (), schema: Union[int, Tuple[int, ...]] = (),
           keys: Tuple[str, ...] = ()) -> None:
    """
    Declares what the script accepts from a source. Anything else is counted, and is missing for the script.

    :param kind: ``tmo``, ``timing``, ``bld``, ``hrencoder``, ``piranha4``, ``tripper`` for fixed layouts, ``tprm``, ``bytes``; else by alias
    :param version: version or versions of self-describing primitives
    :param schema: number or numbers of their schemas
    :param keys: names that each primitive should have; missing ones are counted by name
    """
    versions = (version,) if isinstance(version, int) else tuple(version)
    schemas = (schema,) if isinstance(schema, int) else tuple(schema)
    session().declare(alias, Declaration(kind, versions, schemas, (keys,) if isinstance(keys, str) else tuple(keys)))


def mebs(names: Union[None, str, List[str], Tuple[str, ...]] = None) -> int:
    """Mask of all monitors, or of those whose alias contains the text, or one of the texts."""
    return session().mebs(names)


def config() -> Any:
    """The trigger's part of the configuration (``trigger_body``); from the first event on."""
    return session().body
