"""OpenVINO's engine: one for the whole process, and for as long as it lives."""

import importlib
import sys
import threading
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import openvino

CONVERTER = "openvino.tools.ovc"

_one_at_a_time = threading.Lock()


def inference_engine() -> "openvino.Core":
    """The engine that every model of this process is compiled by.

    Its plugin for processors gives the thread that first compiles a model another stack to handle signals on, and takes
    the memory away when the last model and the last engine are gone, in whatever order engines go. With an engine a
    model, a thread was left with a stack that was no more, and the next signal, such as that of a time limit, ended the
    process.
    """
    with _one_at_a_time:
        return _engine()


@cache
def _engine() -> "openvino.Core":
    return cast("openvino.Core", _import_openvino().Core())


def _import_openvino() -> ModuleType:
    """OpenVINO, here and not at the top: reading a manifest must not cost the import of an inference engine.

    Its model converter is two thirds of that import; it is left out, for which OpenVINO's own import is prepared.
    """
    if "openvino" in sys.modules:
        return importlib.import_module("openvino")  # which waits where another thread is importing it
    sys.modules[CONVERTER] = cast("ModuleType", None)  # what Python takes for "cannot be imported"
    try:
        return importlib.import_module("openvino")
    finally:
        sys.modules.pop(CONVERTER, None)
