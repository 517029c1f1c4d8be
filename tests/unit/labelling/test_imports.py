"""What other tools export for image classification, as they write it."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from labelling.imports import import_labels
from training.errors import LabelError
from training.labels import read_label_file

EXPECTED = {0: {"tom"}, 1000: {"jerry", "tom"}, 2500: {"nobody"}}


def ls_task(image: str, *answers: list[str]) -> dict[str, Any]:
    """A task of Label Studio's full JSON, with an annotation for each answer."""
    return {
        "id": 7,
        "data": {"image": image},
        "annotations": [
            {
                "id": number,
                "was_cancelled": False,
                "result": [
                    {"from_name": "choice", "to_name": "image", "type": "choices", "value": {"choices": answer}}
                ],
            }
            for number, answer in enumerate(answers)
        ],
        "predictions": [],
    }


LABEL_STUDIO = json.dumps(
    [
        ls_task("/data/upload/3/0a1b2c3d-frame0.jpg", ["tom"]),
        ls_task("/data/local-files/?d=frames/frame1.jpg", ["tom", "jerry"]),
        ls_task("s3://bucket/frames/frame2.5.jpg", ["nobody"]),
        ls_task("s3://bucket/frames/frame3.jpg"),
        {**ls_task("s3://bucket/frames/frame4.jpg"), "annotations": [{"was_cancelled": True, "result": []}]},
    ]
)
LABEL_STUDIO_MIN = json.dumps(
    [
        {"image": "/data/upload/3/0a1b2c3d-frame0.jpg", "id": 1, "choice": "tom", "annotator": 1, "lead_time": 2.1},
        {"image": "/data/upload/3/0a1b2c3d-frame1.jpg", "id": 2, "choice": {"choices": ["jerry", "tom"]}},
        {"image": "/data/upload/3/0a1b2c3d-frame2.5.jpg", "id": 3, "choice": "nobody"},
    ]
)
LABEL_STUDIO_CSV = (
    "annotation_id,annotator,choice,created_at,id,image,lead_time,updated_at\n"
    "1,1,tom,2026-01-01,1,/data/upload/3/0a1b2c3d-frame0.jpg,2.1,2026-01-01\n"
    '2,1,"{""choices"": [""jerry"", ""tom""]}",2026-01-01,2,/data/upload/3/frame1.jpg,1,2026-01-01\n'
    "3,1,nobody,2026-01-01,3,/data/upload/3/frame2.5.jpg,1,2026-01-01\n"
)
CVAT = """<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta><task><name>cats</name><labels><label><name>tom</name></label></labels></task></meta>
  <image id="0" name="frame0.jpg" width="640" height="360"><tag label="tom" source="manual"></tag></image>
  <image id="1" name="frames/frame1.jpg" width="640" height="360">
    <tag label="tom" source="manual"></tag><tag label="jerry" source="manual"></tag>
    <box label="tom" xtl="1" ytl="1" xbr="2" ybr="2"></box>
  </image>
  <image id="2" name="frame2.5.jpg" width="640" height="360"><tag label="nobody" source="manual"></tag></image>
  <image id="3" name="frame3.jpg" width="640" height="360"></image>
</annotations>
"""
VIA_2 = {
    "frame0.jpg1234": {"filename": "frame0.jpg", "size": 1234, "regions": [], "file_attributes": {"who": "tom"}},
    "frame1.jpg99": {
        "filename": "frame1.jpg", "size": 99, "regions": [], "file_attributes": {"who": {"tom": True, "jerry": True}}
    },
    "frame2.5.jpg9": {"filename": "frame2.5.jpg", "size": 9, "regions": [], "file_attributes": {"who": "nobody"}},
    "frame3.jpg9": {"filename": "frame3.jpg", "size": 9, "regions": [], "file_attributes": {}},
}  # fmt: skip
VIA_2_PROJECT = {"_via_settings": {}, "_via_img_metadata": VIA_2, "_via_attributes": {"file": {}, "region": {}}}
VIA_2_CSV = (
    "filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes\n"
    'frame0.jpg,1,"{""who"":""tom""}",2,0,"{}","{}"\n'
    'frame0.jpg,1,"{""who"":""tom""}",2,1,"{}","{}"\n'
    'frame1.jpg,1,"{""who"":{""tom"":true,""jerry"":true}}",0,0,"{}","{}"\n'
    'frame2.5.jpg,1,"{""who"":""nobody""}",0,0,"{}","{}"\n'
    'frame3.jpg,1,"{}",0,0,"{}","{}"\n'
)
VIA_3 = {
    "project": {"pid": "__VIA_PROJECT_ID__", "data_format_version": "3.1.2"},
    "attribute": {"1": {"aname": "who", "options": {"0": "tom", "1": "jerry", "2": "nobody"}}},
    "file": {str(n): {"fid": n, "fname": name, "type": 2, "src": name} for n, name in enumerate(
        ["frame0.jpg", "frame1.jpg", "frame2.5.jpg"], start=1)},
    "metadata": {
        "a": {"vid": "1", "flg": 0, "z": [], "xy": [], "av": {"1": "0"}},
        "b": {"vid": "2", "flg": 0, "z": [], "xy": [], "av": {"1": "0,1"}},
        "c": {"vid": "3", "flg": 0, "z": [], "xy": [], "av": {"1": "2"}},
        "region": {"vid": "1", "flg": 0, "z": [], "xy": [2, 1, 1, 5, 5], "av": {"1": "1"}},
    },
    "view": {str(n): {"fid_list": [str(n)]} for n in (1, 2, 3)},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "tool"),
    [
        ("project.json", LABEL_STUDIO, "Label Studio"),
        ("project-min.json", LABEL_STUDIO_MIN, "Label Studio"),
        ("project.csv", LABEL_STUDIO_CSV, "Label Studio"),
        ("renamed.csv", LABEL_STUDIO_CSV.replace("choice,", "who,").replace("image,", "still,"), "Label Studio"),
        ("annotations.xml", CVAT, "CVAT"),
        ("via.json", json.dumps(VIA_2), "VIA"),
        ("via_project.json", json.dumps(VIA_2_PROJECT), "VIA"),
        ("via.csv", VIA_2_CSV, "VIA"),
        ("via3.json", json.dumps(VIA_3), "VIA"),
    ],
)
def test_exports_become_label_files(tmp_path: Path, name: str, content: str, tool: str) -> None:
    """What was said of each frame; a frame of which nothing was said is left out."""
    (tmp_path / name).write_text(content)
    imported = import_labels(tmp_path / name, tmp_path / "labels.csv")
    read = read_label_file(tmp_path / "labels.csv")
    assert {time.time_ms: set(time.labels) for time in read.times} == EXPECTED
    assert (imported.tool, imported.frames, imported.classes) == (tool, 3, ("jerry", "tom"))


def test_an_archive_is_opened(tmp_path: Path) -> None:
    """CVAT exports one."""
    with zipfile.ZipFile(tmp_path / "task.zip", "w") as archive:
        archive.writestr("annotations.xml", CVAT)
        archive.writestr("images/frame0.jpg", b"")
    assert import_labels(tmp_path / "task.zip", tmp_path / "labels.csv").frames == 3


def test_annotators_who_disagree_leave_a_frame_uncertain(tmp_path: Path) -> None:
    """The first one's answer is kept; those who agree are one."""
    tasks = [ls_task("frame0.jpg", ["tom"], ["jerry"]), ls_task("frame1.jpg", ["tom"], ["tom"])]
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    imported = import_labels(tmp_path / "export.json", tmp_path / "labels.csv")
    assert imported.notes == ("Annotators disagree about some frames, 1 in all: these are marked as uncertain.",)
    times = read_label_file(tmp_path / "labels.csv").times
    assert [(set(time.labels), time.uncertain) for time in times] == [({"tom"}, True), ({"tom"}, False)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (json.dumps([ls_task("holiday.jpg", ["tom"])]), "'holiday.jpg', whose name does not say when"),
        (json.dumps([ls_task("frame0.jpg", ["nobody"])]), "of no frame who is on it"),
        ("[]", "of no frame who is on it"),
        ('{"a": 1}', "no export that is understood"),
        ('[{"a": 1, "choice": "tom"}]', "no export that is understood"),
        ("[1, 2", "no JSON"),
        ("<html></html>", "none of CVAT's"),
        ("<annotations>", "no XML"),
        ("a,b\n1,2\n", "no export that is understood"),
    ],
)
def test_what_is_no_export_is_refused_in_a_sentence(tmp_path: Path, content: str, said: str) -> None:
    """And nothing is written."""
    (tmp_path / "export").write_text(content)
    with pytest.raises(LabelError, match=said):
        import_labels(tmp_path / "export", tmp_path / "labels.csv")
    assert not (tmp_path / "labels.csv").exists()


def test_a_label_file_is_never_overwritten(tmp_path: Path) -> None:
    """It may hold an afternoon's work."""
    (tmp_path / "labels.csv").write_text("Image_ID,Class\n")
    (tmp_path / "export.json").write_text(LABEL_STUDIO)
    with pytest.raises(LabelError, match="exists already"):
        import_labels(tmp_path / "export.json", tmp_path / "labels.csv")
