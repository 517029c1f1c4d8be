"""Label files say what the script says."""

import csv
from pathlib import Path

from demo.labels import class_names, write_classes, write_presence
from demo.storyboard import Plot, write_storyboard


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_classes_number_the_cast_from_one(tmp_path: Path) -> None:
    """One row a second; 0 is nobody, 1 the first of the cast."""
    script = write_storyboard(Plot(seconds=30))
    write_classes(script, tmp_path / "labels.csv")
    written = rows(tmp_path / "labels.csv")
    assert [row["Image_ID"] for row in written] == [f"frame{second}.jpg" for second in range(30)]
    names = class_names(script)
    assert names == ("neither", "fox", "owl")
    for second, row in enumerate(written):
        assert {names[int(row["Class"])]} - {"neither"} == script.presence(second)


def test_several_characters_are_joined_with_a_blank(tmp_path: Path) -> None:
    """A frame with both has both numbers."""
    script = write_storyboard(Plot(seconds=60, together=True))
    write_classes(script, tmp_path / "labels.csv")
    both = [
        row["Class"] for second, row in enumerate(rows(tmp_path / "labels.csv")) if len(script.presence(second)) == 2
    ]
    assert both
    assert set(both) == {"1 2"}


def test_presence_has_a_column_a_character(tmp_path: Path) -> None:
    """Each column adds up to the seconds at which its character can be seen."""
    script = write_storyboard(Plot(seconds=60.5, cast=("fox", "owl", "frog"), rare=("frog",), together=True))
    write_presence(script, tmp_path / "presence.csv")
    written = rows(tmp_path / "presence.csv")
    assert list(written[0]) == ["Image_ID", "fox", "owl", "frog"]
    assert len(written) == 61
    for name in script.cast:
        assert (
            sum(int(row[name]) for row in written) == sum(name in script.presence(second) for second in range(61)) > 0
        )
