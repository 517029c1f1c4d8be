"""Dataclasses as JSON and back, exactly: what one function measures and another one reads.

The types of the fields say how a value is read, so a field that is added to a dataclass needs nothing here. JSON, not
pickle: reading it can run no code.
"""

import base64
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Plain = Any
"""What JSON holds: None, bool, int, float, str, lists, and dicts with names for keys."""

Value = TypeVar("Value")

_ARRAY = np.ndarray


class SerialisationError(ValueError):
    """The bytes are not what `dumps` made of a value of this type."""


def dumps(value: object) -> bytes:
    """A dataclass, with all that it holds, as JSON."""
    return json.dumps(_plain(value), separators=(",", ":"), allow_nan=False).encode()


def loads(kind: type[Value], data: bytes) -> Value:
    """The value of type `kind` that `dumps` wrote; raises SerialisationError where it did not."""
    try:
        value: Value = _value(kind, json.loads(data))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SerialisationError(f"this is no {kind.__name__}: {error!r}") from error
    return value


def _plain(value: object) -> Plain:
    match value:
        case None | bool() | int() | float() | str():
            return value
        case Mapping():
            return {str(name): _plain(each) for name, each in value.items()}
        case tuple() | list():
            return [_plain(each) for each in value]
        case _ if is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return _plain_leaf(value)


def _plain_leaf(value: object) -> Plain:
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case Fraction():
            return [value.numerator, value.denominator]
        case _ARRAY():
            return {"type": value.dtype.str, "shape": list(value.shape), "data": _plain_leaf(value.tobytes())}
    raise TypeError(f"a {type(value).__name__} cannot be written")


def _value(kind: Any, plain: Plain) -> Any:  # noqa: ANN401 (types of fields are values here)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return None if plain is None else _value(next(each for each in arguments if each is not type(None)), plain)
    if origin is tuple:
        return _tuple(arguments, plain)
    if origin is _ARRAY:
        return _array(plain)
    if origin is not None and issubclass(origin, Mapping):
        return {name: _value(arguments[1], each) for name, each in plain.items()}
    return _single(kind, plain)


def _single(kind: Any, plain: Plain) -> Any:  # noqa: ANN401
    if is_dataclass(kind) and isinstance(kind, type):
        hints = typing.get_type_hints(kind)
        return kind(**{field.name: _value(hints[field.name], plain[field.name]) for field in fields(kind)})
    if kind is Fraction:
        return Fraction(*plain)
    if kind is bytes:
        return base64.b64decode(plain, validate=True)
    if issubclass(kind, Enum):
        return kind(plain)
    if kind is float and type(plain) is int:
        return float(plain)
    if type(plain) is not kind:
        raise TypeError(f"{plain!r} is no {kind.__name__}")
    return plain


def _tuple(arguments: tuple[Any, ...], plain: Plain) -> tuple[Any, ...]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_value(arguments[0], each) for each in plain)
    return tuple(_value(kind, each) for kind, each in zip(arguments, plain, strict=True))


def _array(plain: Plain) -> NDArray[Any]:
    data = base64.b64decode(plain["data"], validate=True)
    return np.frombuffer(data, dtype=np.dtype(plain["type"])).reshape(plain["shape"]).copy()
