"""Parameters that a payload describes, so that they can be shown and set (spec mapreduce.md 9)."""

from typing import Any, ClassVar, Dict, Optional, Union


class ParameterBase:
    """Name, description and default of a parameter. Bytes travel; :meth:`from_bytes` makes the value of them."""

    dtype: ClassVar[str] = "binary"

    def __init__(self, name: str, description: Optional[str] = None, default: Any = None, **ignored: Any) -> None:
        self.name = name
        self.description = description
        self.default = self.empty() if default is None else default

    @classmethod
    def empty(cls) -> Any:
        """The value of no bytes at all."""
        return b""

    @classmethod
    def from_bytes(cls, data: bytes) -> Any:
        return bytes(data)

    @classmethod
    def to_bytes(cls, value: Any) -> bytes:
        return value if isinstance(value, bytes) else str(value).encode()

    def described(self) -> Dict[str, Any]:
        """The description as it is written to Redis."""
        default = self.default.decode("latin-1") if isinstance(self.default, bytes) else self.default
        return {"name": str(self.name), "description": self.description, "dtype": self.dtype, "default": default}

    def __repr__(self) -> str:
        return "%s(name=%r, default=%r)" % (type(self).__name__, self.name, self.default)


class BinaryParameter(ParameterBase):
    pass


class StrParameter(ParameterBase):
    dtype = "str"

    @classmethod
    def empty(cls) -> Any:
        return ""

    @classmethod
    def from_bytes(cls, data: bytes) -> Any:
        try:
            return bytes(data).decode()
        except UnicodeDecodeError:
            return ""


class IntParameter(ParameterBase):
    dtype = "int"

    @classmethod
    def empty(cls) -> Any:
        return 0

    @classmethod
    def from_bytes(cls, data: bytes) -> Any:
        try:
            return int(bytes(data))
        except ValueError:
            return 0


class FloatParameter(ParameterBase):
    dtype = "float"

    @classmethod
    def empty(cls) -> Any:
        return 0.0

    @classmethod
    def from_bytes(cls, data: bytes) -> Any:
        try:
            return float(bytes(data))
        except ValueError:
            return 0.0


class BoolParameter(ParameterBase):
    dtype = "bool"

    @classmethod
    def empty(cls) -> Any:
        return False

    @classmethod
    def from_bytes(cls, data: bytes) -> Any:
        return bytes(data) == b"True"


ParameterType = Union[StrParameter, BinaryParameter, IntParameter, FloatParameter, BoolParameter]
BY_DTYPE = {kind.dtype: kind for kind in (BinaryParameter, StrParameter, IntParameter, FloatParameter, BoolParameter)}
