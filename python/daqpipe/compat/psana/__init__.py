"""
The part of psana that scripts of a DRP use, on the runtime of daqpipe: ``DataSource(drp=drp_info)``. Found only where the real psana is
not installed, or where DAQPIPE_COMPAT=1 asks for it.
"""

from .datasource import DataSource
from .dgramedit import AlgDef, DetectorDef

__all__ = ["AlgDef", "DataSource", "DetectorDef"]
