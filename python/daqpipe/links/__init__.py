"""The ways between drp-python and a worker."""

from typing import Union

from ..settings import Settings
from .pipe import PipeLink
from .sysv import SysvLink

Link = Union[PipeLink, SysvLink]


def open_link(settings: Settings) -> Link:
    """:raises OSError: if an object of the transport cannot be opened"""
    return SysvLink(settings) if settings.transport == "sysv" else PipeLink(settings)
