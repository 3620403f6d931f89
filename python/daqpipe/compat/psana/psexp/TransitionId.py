"""Transition ids."""

from daqpipe.dgram import Service

# Plain numbers: existing scripts format them too.
TransitionId = type("TransitionId", (), {service.name: int(service) for service in Service})
