"""What a detector tells the trigger: the peak of every waveform.  drp-python examples/trigger/primitive.py -u hsd_0 --trigger-out URL"""


def event(evt):
    if evt.det is not None and "raw" in evt.det and hasattr(evt.det.raw, "waveform"):
        evt.trigger({"peak": int(max(evt.det.raw.waveform.tolist()[0]))})
