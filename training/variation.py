"""Frames as other episodes might have drawn and shot them: colour, light, line, framing, sharpness, compression.

What never varies in the labelled episode is what a head would otherwise lean on.
"""

import cv2
import numpy as np

from screen_time.manifest import InputSpec
from screen_time.preprocessing import prepare, without_black_bars
from screen_time.samples import Frame

COPIES = 2
"""Varied copies of each frame; see docs/training.md for what other numbers give."""

WORKING_HEIGHT = 360
"""Pixels: frames are varied at about twice the model's size, so that a closer framing still has its detail."""

CLOSEST_FRAMING = 0.75
HUE_TURN = 18 / 256
GREY_SHARE = 0.15
CAST = 0.15


def vary(frame: Frame, spec: InputSpec, generator: np.random.Generator) -> Frame:
    """A varied copy of `frame` (any size, RGB) as a model of `spec` takes it."""
    image = _framed(_mirrored(_smaller(without_black_bars(frame)), generator), generator)
    image = _coloured(image, generator)
    image = _compressed(_sharpened(image, generator), generator)
    return prepare(image, spec)


def _smaller(frame: Frame) -> Frame:
    height, width = frame.shape[:2]
    if height <= WORKING_HEIGHT:
        return frame
    size = (max(1, round(width * WORKING_HEIGHT / height)), WORKING_HEIGHT)
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _mirrored(frame: Frame, generator: np.random.Generator) -> Frame:
    return frame[:, ::-1] if generator.random() < 0.5 else frame


def _framed(frame: Frame, generator: np.random.Generator) -> Frame:
    """A closer framing: characters of another size, at another place."""
    scale = generator.uniform(CLOSEST_FRAMING, 1)
    height, width = (max(1, int(side * scale)) for side in frame.shape[:2])
    top = int(generator.integers(0, frame.shape[0] - height + 1))
    left = int(generator.integers(0, frame.shape[1] - width + 1))
    return frame[top : top + height, left : left + width]


def _coloured(frame: Frame, generator: np.random.Generator) -> Frame:
    """Another palette and another light: hue, saturation (at times none), brightness, gamma, a colour cast."""
    colours = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2HSV_FULL).astype(np.float32)
    colours[..., 0] = (colours[..., 0] + 256 * generator.uniform(-HUE_TURN, HUE_TURN)) % 256
    colours[..., 1] *= 0 if generator.random() < GREY_SHARE else generator.uniform(0.3, 1.4)
    light = np.clip(colours[..., 2] / 255 * generator.uniform(0.7, 1.2), 0, 1)
    colours[..., 2] = 255 * light ** generator.uniform(0.7, 1.5)
    image = cv2.cvtColor(np.clip(colours, 0, 255).astype(np.uint8), cv2.COLOR_HSV2RGB_FULL)
    return np.clip(image * generator.uniform(1 - CAST, 1 + CAST, 3), 0, 255).astype(np.uint8)


def _sharpened(frame: Frame, generator: np.random.Generator) -> Frame:
    """A softer or a harder line, or the line as it is."""
    kind = generator.random()
    if kind < 0.35:
        return np.asarray(cv2.GaussianBlur(frame, (0, 0), generator.uniform(0.6, 1.8)), dtype=np.uint8)
    if kind < 0.6:
        detail = frame - cv2.GaussianBlur(frame, (0, 0), 1.5).astype(np.float32)
        return np.clip(frame + detail * generator.uniform(0.5, 1.5), 0, 255).astype(np.uint8)
    return frame


def _compressed(frame: Frame, generator: np.random.Generator) -> Frame:
    """Half of the time as a low bit rate leaves it."""
    if generator.random() < 0.5:
        return frame
    quality = int(generator.integers(15, 60))
    _done, data = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)
