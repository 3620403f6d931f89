"""
A script as it is written for psana. It runs unmodified under psana (drp-python --ipc posix) and on the runtime of daqpipe:

    dgram-gen | drp-python examples/drp/psana_style.py -u hsd_0 | dgram-cat -d
"""

from psana import DataSource
from psana.dgramedit import AlgDef, DetectorDef

ds = DataSource(drp=drp_info, monitor=False)  # noqa: F821 - drp_info is among the globals that the worker gives to a script

detdef = DetectorDef(drp_info.det_name, drp_info.det_type, drp_info.det_id)  # noqa: F821
segment = drp_info.det_segment  # noqa: F821
det = ds.add_detector(detdef, AlgDef("fex", 0, 0, 1), {"highest": (int, 0), "comment": (str, 1)}, segment=segment)

for run in ds.runs():
    hsd = run.Detector(drp_info.det_name)  # noqa: F821
    for number, evt in enumerate(run.events()):
        wave = hsd.raw.waveform(evt)
        det.fex.highest = int(max(max(row) for row in wave.tolist()))
        det.fex.comment = "event %d of this worker" % number
        ds.add_data(det.fex)
        if number % 2 == 0:
            ds.remove_data(drp_info.det_name, "raw")  # noqa: F821
