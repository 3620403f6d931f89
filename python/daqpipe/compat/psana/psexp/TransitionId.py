"""Transition ids."""


class TransitionId:
    """Numbers of the services of dgrams."""

    ClearReadout = 0
    Reset = 1
    Configure = 2
    Unconfigure = 3
    BeginRun = 4
    EndRun = 5
    BeginStep = 6
    EndStep = 7
    Enable = 8
    Disable = 9
    SlowUpdate = 10
    Unused_11 = 11
    L1Accept = 12
