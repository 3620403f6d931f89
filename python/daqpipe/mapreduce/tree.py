"""
``publish`` as a tree of groups and datasets, one node or one selection at a time (spec mapreduce.md 11). Node asks; nothing else of it
leaves this process.

A dictionary is a group; ``X_attrs`` beside X holds its attributes, ``_attrs`` those of the group itself. Keys that are no texts are
skipped, and values that have no form in HDF5.
"""

import math
import re
from array import array
from typing import Any, Dict, List, Optional, Sequence, Tuple

from .data.blob import numpy
from .event import NdArray

_ATTRIBUTES = "_attrs"
_SCALAR = {"class": "H5S_SCALAR"}
_TEXT = {"class": "H5T_STRING", "length": "H5T_VARIABLE", "charSet": "H5T_CSET_UTF8", "strPad": "H5T_STR_NULLTERM"}
_KINDS = {"i": "I", "u": "U", "b": "U"}


class NoSuchSelection(ValueError):
    """A selection that does not fit the dataset."""


def escaped(key: str) -> str:
    """A key as it stands in paths: its slashes are no separators."""
    return re.sub("%(?=2F|25)", "%25", key).replace("/", "%2F")


def _number(kind: str, size: int, order: str) -> Dict[str, Any]:
    if kind == "f":
        return {"class": "H5T_FLOAT", "base": "H5T_IEEE_F%d%s" % (8 * size, order)}
    return {"class": "H5T_INTEGER", "base": "H5T_STD_%s%d%s" % (_KINDS[kind], 8 * size, order)}


def _numpy_type(dtype: Any) -> Optional[Dict[str, Any]]:
    if dtype.fields is not None:
        fields = [{"name": name, "type": _numpy_type(dtype[name])} for name in dtype.names]
        return None if any(field["type"] is None for field in fields) else {"class": "H5T_COMPOUND", "fields": fields}
    if dtype.kind in "US":
        return dict(_TEXT)
    if dtype.kind not in "fiub":
        return None
    return _number(dtype.kind, dtype.itemsize, "BE" if dtype.newbyteorder("=") != dtype else "LE")


class _Dataset:
    """
    A value in the form it is served in. ``flat`` is the elements in C order with ``size`` bytes each, or None if the value goes as JSON
    (``plain``).
    """

    __slots__ = ("shape", "type", "array", "flat", "size", "plain")

    def __init__(self, shape: Sequence[int], type: Dict[str, Any]) -> None:
        self.shape = tuple(shape)
        self.type = type
        self.array: Any = None
        self.flat: Any = None
        self.size = 0
        self.plain: Any = None

    @property
    def space(self) -> Dict[str, Any]:
        return dict(_SCALAR) if not self.shape and self.array is None and self.flat is None else {
            "class": "H5S_SIMPLE", "dims": list(self.shape)}


def _scalar(value: Any, type: Dict[str, Any]) -> _Dataset:
    made = _Dataset((), type)
    made.plain = None if isinstance(value, float) and not math.isfinite(value) else value
    return made


def _boolean(value: bool) -> _Dataset:
    """One byte, and said to be one."""
    made = _scalar(int(value), _number("i", 1, "LE"))
    made.size = 1
    return made


def dataset(value: Any) -> Optional[_Dataset]:
    """None for a value that has no form."""
    if isinstance(value, bool):
        return _boolean(value)
    if isinstance(value, int):
        return _scalar(int(value), _number("i", 8, "LE")) if -(1 << 63) <= value < 1 << 63 else None
    if isinstance(value, float):
        return _scalar(float(value), _number("f", 8, "LE"))
    if isinstance(value, str):
        return _scalar(str(value), dict(_TEXT))
    if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        return _of_numpy(value)
    if isinstance(value, (bytes, bytearray)):
        return _of_memory(array("B", value), (len(value),))
    if isinstance(value, array):
        return _of_memory(value, (len(value),))
    if isinstance(value, NdArray):
        return _of_memory(value.data, value.shape)
    if isinstance(value, (list, tuple)):
        return _of_list(value)
    return None


def _of_numpy(value: Any) -> Optional[_Dataset]:
    described = _numpy_type(value.dtype)
    if described is None:
        return None
    if value.ndim == 0 and value.dtype.fields is None:
        return _boolean(bool(value)) if value.dtype.kind == "b" else _scalar(value.item(), described)
    made = _Dataset(value.shape, described)
    made.array = value
    return made


def _of_memory(value: Any, shape: Sequence[int]) -> Optional[_Dataset]:
    code = getattr(value, "typecode", "")
    if not code or code not in "bBhHiIlLqQfd":
        return None
    kind = "f" if code in "fd" else "u" if code.isupper() else "i"
    made = _Dataset(shape, _number(kind, value.itemsize, "LE"))
    made.flat, made.size = value, value.itemsize
    return made


def _of_list(value: Any) -> Optional[_Dataset]:
    flat, shape = _flattened(value)
    if shape is None:
        return None
    if flat and all(isinstance(item, str) for item in flat):
        made = _Dataset(shape, dict(_TEXT))
        made.array = made.plain = value
        return made
    plain = [item.item() if hasattr(item, "item") else item for item in flat]
    if all(isinstance(item, int) and -(1 << 63) <= item < 1 << 63 for item in plain) and plain:
        return _of_memory(array("q", plain), shape)
    if all(isinstance(item, (int, float)) for item in plain):
        return _of_memory(array("d", plain), shape)
    return None


def _flattened(value: Any) -> Tuple[List[Any], Optional[Tuple[int, ...]]]:
    """Elements of nested lists, and their shape; no shape if it is ragged."""
    if numpy is not None and isinstance(value, numpy.ndarray):
        return list(value.ravel()), value.shape
    if not isinstance(value, (list, tuple)):
        return [value], ()
    flat: List[Any] = []
    shapes = set()
    for item in value:
        more, shape = _flattened(item)
        flat += more
        shapes.add(shape)
    if len(shapes) > 1 or None in shapes:
        return flat, None
    return flat, (len(value),) + (shapes.pop() if shapes else ())


def _find(publish: Any, path: Sequence[str]) -> Tuple[bool, Any, Any]:
    """Whether there is such a node, the node, and its attributes."""
    if not isinstance(publish, dict):
        return False, None, None
    here: Any = publish
    attributes: Any = publish.get(_ATTRIBUTES)
    for step in path:
        if not isinstance(here, dict):
            return False, None, None
        key = next((key for key in _links(here) if escaped(key) == step), None)
        if key is None:
            return False, None, None
        beside = here.get(key + _ATTRIBUTES)
        here = here[key]
        inside = here.get(_ATTRIBUTES) if isinstance(here, dict) else None
        attributes = {**(inside if isinstance(inside, dict) else {}), **(beside if isinstance(beside, dict) else {})}
    return True, here, attributes


def _links(group: Dict[Any, Any]) -> List[str]:
    return [key for key in list(group) if isinstance(key, str) and key and not key.endswith(_ATTRIBUTES)]


def node(publish: Any, path: Sequence[str]) -> Optional[Dict[str, Any]]:
    """What the node is; None if there is none."""
    found, here, attributes = _find(publish, path)
    if not found:
        return None
    described = {"attributes": _attributes(attributes)}
    if isinstance(here, dict):
        links = []
        for key in _links(here):
            item = here[key]
            if isinstance(item, dict):
                links.append([escaped(key), "groups"])
            elif dataset(item) is not None:
                links.append([escaped(key), "datasets"])
        return {"kind": "group", "links": links, **described}
    made = dataset(here)
    return None if made is None else {"kind": "dataset", "shape": made.space, "type": made.type, **described}


def _attributes(attributes: Any) -> List[Dict[str, Any]]:
    if not isinstance(attributes, dict):
        return []
    made = []
    for key, value in list(attributes.items()):
        one = dataset(value) if isinstance(key, str) and key else None
        if one is not None:
            made.append({"name": escaped(key), "shape": one.space, "type": one.type, "value": _plain(one)})
    return made


def _plain(made: _Dataset) -> Any:
    if made.array is not None:
        return made.array.tolist() if hasattr(made.array, "tolist") else made.array
    return made.plain if made.flat is None else NdArray(made.shape, made.flat).tolist()


def value(publish: Any, path: Sequence[str], select: Optional[Sequence[Sequence[int]]]) -> Tuple[Dict[str, Any], Sequence[bytes]]:
    """
    A dataset, or a part of it: JSON under ``value``, or the bytes of its elements.

    :param select: per dimension first, end and step; None for the whole
    :raises NoSuchSelection: if it has another number of dimensions
    """
    found, here, _ = _find(publish, path)
    made = dataset(here) if found and not isinstance(here, dict) else None
    if made is None:
        return {"none": True}, ()
    if select is not None and len(select) != len(made.shape):
        raise NoSuchSelection("%d dimensions are selected of %d" % (len(select), len(made.shape)))
    cut = None if select is None else tuple(slice(*one) for one in select)
    if made.array is not None and made.type["class"] == "H5T_STRING":
        if isinstance(made.array, (list, tuple)):
            return {"value": _cut_list(made.array, cut)}, ()
        return {"value": (made.array if cut is None else made.array[cut]).tolist()}, ()
    if made.array is not None:
        return {}, [numpy.ascontiguousarray(made.array if cut is None else made.array[cut]).tobytes()]
    if made.flat is None:
        return ({}, [bytes((made.plain,))]) if made.size == 1 else ({"value": made.plain}, ())
    if cut is None:
        return {}, [made.flat.tobytes()]
    return {}, [b"".join(made.flat[i:i + 1].tobytes() for i in _places(made.shape, cut))]


def _cut_list(values: Any, cut: Any) -> Any:
    if not cut:
        return values
    return [_cut_list(item, cut[1:]) for item in values[cut[0]]]


def _places(shape: Sequence[int], cut: Sequence[slice]) -> List[int]:
    places = [0]
    for length, part in zip(shape, cut):
        places = [at * length + i for at in places for i in range(*part.indices(length))]
    return places
