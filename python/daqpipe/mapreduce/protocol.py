"""Names of things, and what a payload is told about its service."""

from typing import Any, Dict, List, NewType, Optional

StreamName = NewType("StreamName", str)
WorkerName = NewType("WorkerName", str)
IngesterName = NewType("IngesterName", str)
ParameterName = NewType("ParameterName", str)
EventNumber = NewType("EventNumber", int)
WorkerTag = NewType("WorkerTag", str)


class WorkParameter:
    """A parameter as user code sees it: ``data`` as it came, ``value`` as its description says (bytes without one)."""

    __slots__ = ("name", "data", "value", "uuid")

    def __init__(self, name: str, data: bytes = b"", value: Any = None, uuid: Optional[str] = None) -> None:
        self.name = name
        self.data = data
        self.value = value
        self.uuid = uuid

    def __repr__(self) -> str:
        return "WorkParameter(name=%r, value=%r)" % (self.name, self.value)


class ServiceState:
    """The configuration that a service shows to others; every field is an attribute."""

    name: str
    service_uuid: str
    mapping_uuid: Optional[str]

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def model_dump(self) -> Dict[str, Any]:
        return dict(self.__dict__)

    def __repr__(self) -> str:
        return "%s(%s)" % (type(self).__name__, ", ".join("%s=%r" % item for item in self.__dict__.items()))


class WorkerState(ServiceState):
    tags: List[str]


class ReducerState(ServiceState):
    url: str
