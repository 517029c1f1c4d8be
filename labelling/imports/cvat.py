"""CVAT: tags of pictures, as "CVAT for images" (XML) has them."""

from collections.abc import Iterator
from xml.etree import ElementTree as ET

from labelling.imports.said import Said, file_name
from training.errors import LabelError


def read_xml(data: bytes) -> Iterator[Said]:
    """Every picture with a tag; one without may not have been looked at, and is left out."""
    try:
        # The user's own file, and expat refuses entities that grow without bounds.
        root = ET.fromstring(data)  # noqa: S314
    except ET.ParseError as error:
        raise LabelError(f"The export is no XML that can be read: {error}.") from error
    if root.tag != "annotations":
        raise LabelError("The XML is none of CVAT's; export it as `CVAT for images 1.1`.")
    for image in root.iter("image"):
        tags = tuple(tag.attrib["label"] for tag in image.iter("tag"))
        if tags:
            yield Said(file_name(image.attrib["name"]), tags)
