"""Label files that are filled in: what training reads is what was marked, and the rest of the file stays."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labelling.sheet import Mark, Sheet
from screen_time.manifest import Semantics
from training.errors import LabelError
from training.labels import read_label_file

FOX = Mark(frozenset({"fox"}))
OWL = Mark(frozenset({"owl"}))
BOTH = Mark(frozenset({"fox", "owl"}))
NOBODY = Mark(frozenset())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a label file may be."""
    return tmp_path / "labels.csv"


class TestNewFiles:
    """Begun by the labeller."""

    def test_a_new_file_has_the_classes_it_was_given(self, path: Path) -> None:
        """And training reads what was marked, by name."""
        sheet = Sheet(path, ("nobody", "fox", "owl"))
        sheet.change([(0, FOX), (1000, NOBODY), (2500, OWL)])
        assert path.read_text() == "Image_ID,Class\nframe0.jpg,fox\nframe1.jpg,nobody\nframe2.5.jpg,owl\n"
        assert [set(time.labels) for time in read_label_file(path).times] == [{"fox"}, {"nobody"}, {"owl"}]

    def test_nobody_can_always_be_labelled(self, path: Path) -> None:
        """Whoever names two characters means that a frame may show neither."""
        sheet = Sheet(path, ("fox", "owl"))
        sheet.change([(0, NOBODY)])
        assert sheet.nobody == "nobody"
        assert "frame0.jpg,nobody" in path.read_text()

    def test_frames_are_listed_before_anything_is_said_of_them(self, path: Path) -> None:
        """So that the file says what is left to do."""
        sheet = Sheet(path, ("fox",))
        sheet.add_frames([0, 1000])
        sheet.change([(1000, FOX)])
        assert path.read_text() == "Image_ID,Class\nframe0.jpg,\nframe1.jpg,fox\n"

    def test_classes_must_come_from_somewhere(self, path: Path) -> None:
        """The sentence names the option."""
        with pytest.raises(LabelError, match="--classes"):
            Sheet(path)

    def test_a_model_s_labels_serve_where_nothing_else_is_said(self, path: Path) -> None:
        """A second episode needs no --classes."""
        sheet = Sheet(path, known=("neither", "fox", "owl"))
        assert (sheet.nobody, sheet.characters) == ("neither", ("fox", "owl"))

    def test_a_class_that_label_files_would_take_apart_is_refused(self, path: Path) -> None:
        """`fox;owl` is two classes."""
        with pytest.raises(LabelError, match="separates"):
            Sheet(path, ("fox;owl",))

    def test_an_unknown_class_is_never_written(self, path: Path) -> None:
        """Whoever sends it."""
        sheet = Sheet(path, ("fox",))
        with pytest.raises(LabelError, match="'bear' is none of"):
            sheet.change([(0, Mark(frozenset({"bear"})))])
        assert not path.exists()


class TestRoundTrips:
    """Files that exist keep what they have."""

    def test_numbers_stay_numbers(self, path: Path) -> None:
        """The classic's mapping.csv."""
        path.write_text("Image_ID,Class\nframe0.jpg,0\nframe1.jpg,2\nframe2.jpg,1\n")
        sheet = Sheet(path)
        assert sheet.characters == ("jerry", "tom")
        sheet.change([(0, Mark(frozenset({"tom"}))), (1000, NOBODY)])
        assert path.read_text() == "Image_ID,Class\nframe0.jpg,2\nframe1.jpg,0\nframe2.jpg,1\n"

    def test_presence_columns_and_what_lies_between_them_stay(self, path: Path) -> None:
        """Columns `group` and `uncertain` wherever they stand, semicolons, CRLF and a byte order mark."""
        text = "Image_ID;group;owl;uncertain;fox\r\nframe0.jpg;a;0;1;1\r\nframe1.jpg;b;;;\r\n"
        path.write_bytes(text.encode("utf-8-sig"))
        sheet = Sheet(path)
        assert sheet.several
        sheet.change([(1000, BOTH)])
        expected = text.replace("b;;;", "b;1;;1")
        assert path.read_bytes() == expected.encode("utf-8-sig")
        sheet.change([(0, NOBODY)])
        assert b"frame0.jpg;a;0;0;0\r\n" in path.read_bytes()

    def test_uncertain_gets_its_column_when_it_is_needed(self, path: Path) -> None:
        """And training leaves the frame out."""
        sheet = Sheet(path, ("fox", "owl"))
        sheet.change([(0, FOX), (1000, Mark(frozenset({"owl"}), uncertain=True))])
        assert path.read_text() == "Image_ID,Class,uncertain\nframe0.jpg,fox,\nframe1.jpg,owl,1\n"
        assert [time.uncertain for time in read_label_file(path).times] == [False, True]

    def test_a_cleared_frame_says_nothing_again(self, path: Path) -> None:
        """Undo of a first label."""
        sheet = Sheet(path, ("fox",))
        sheet.change([(0, FOX), (0, Mark())])
        assert path.read_text() == "Image_ID,Class\nframe0.jpg,\n"

    def test_the_classics_slip_of_the_pen_is_mended(self, path: Path) -> None:
        """Line 97 of mapping.csv says 94 and means 95."""
        path.write_text("Image_ID,Class\nframe94.jpg,1\nframe94.jpg,1\nframe96.jpg,2\nframe97.jpg,0\n")
        Sheet(path).change([(96_000, NOBODY)])
        assert path.read_text().splitlines()[1:4] == ["frame94.jpg,1", "frame95.jpg,1", "frame96.jpg,0"]

    def test_a_name_beyond_the_file_s_encoding_is_written_all_the_same(self, path: Path) -> None:
        """In an encoding that spreadsheets recognise."""
        path.write_bytes("Image_ID,Class\nframe0.jpg,André\n".encode("cp1252"))
        sheet = Sheet(path, ("nobody", "André", "Łucja"))
        sheet.change([(1000, Mark(frozenset({"Łucja"})))])
        assert path.read_bytes().startswith(b"\xef\xbb\xbf")
        assert [set(time.labels) for time in read_label_file(path).times] == [{"André"}, {"Łucja"}]

    def test_somebody_else_s_changes_are_kept(self, path: Path) -> None:
        """A spreadsheet saved the file while the page was open."""
        sheet = Sheet(path, ("fox", "owl"))
        sheet.change([(0, FOX), (1000, FOX)])
        path.write_text("Image_ID,Class\nframe0.jpg,owl\nframe1.jpg,fox\n\n")
        sheet.change([(2000, OWL)])
        assert path.read_text() == "Image_ID,Class\nframe0.jpg,owl\nframe1.jpg,fox\nframe2.jpg,owl\n"

    def test_a_link_is_written_through(self, path: Path, tmp_path: Path) -> None:
        """And the file keeps its permissions; nothing else is left in the folder."""
        (tmp_path / "real").mkdir()
        real = tmp_path / "real" / "labels.csv"
        real.write_text("Image_ID,Class\nframe0.jpg,fox\n")
        real.chmod(0o640)
        path.symlink_to(real)
        Sheet(path, ("fox", "owl")).change([(0, OWL)])
        assert path.is_symlink()
        assert real.read_text() == "Image_ID,Class\nframe0.jpg,owl\n"
        assert real.stat().st_mode & 0o777 == 0o640
        assert [each.name for each in real.parent.iterdir()] == ["labels.csv"]

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
    def test_a_folder_that_cannot_be_written_is_one_sentence(self, path: Path, tmp_path: Path) -> None:
        """The page shows it, and keeps what was pressed."""
        sheet = Sheet(path, ("fox",))
        tmp_path.chmod(0o500)
        try:
            with pytest.raises(LabelError, match="cannot be written"):
                sheet.change([(0, FOX)])
        finally:
            tmp_path.chmod(0o700)


marks = st.builds(
    Mark, st.sets(st.sampled_from(["fox", "owl", "Été"])).map(frozenset) | st.none(), uncertain=st.booleans()
)


@settings(max_examples=60, deadline=None)
@given(
    layout=st.sampled_from(["Image_ID,Class\n", "Image_ID,fox,owl,Été\n", "group\tImage_ID\tClass\tuncertain\n"]),
    changes=st.lists(st.tuples(st.integers(0, 20).map(lambda second: 500 * second), marks), max_size=30),
)
def test_training_reads_what_was_marked(
    tmp_path_factory: pytest.TempPathFactory, layout: str, changes: list[tuple[int, Mark]]
) -> None:
    """Whatever is marked, cleared and marked again, in each layout: the last mark of each frame counts."""
    path = tmp_path_factory.mktemp("sheet") / "labels.csv"
    path.write_text(layout)
    sheet = Sheet(path, ("nobody", "fox", "owl", "Été") if "Class" in layout else ())
    for change in changes:
        sheet.change([change])
    last = {time_ms: mark for time_ms, mark in dict(changes).items() if mark.labels is not None}
    again = Sheet(path, ("nobody", "fox", "owl", "Été") if "Class" in layout else ())
    assert {time_ms: again.mark(time_ms) for time_ms in last} == last
    if last:
        read = {time.time_ms: (time.labels - {"nobody"}, time.uncertain) for time in read_label_file(path).times}
        assert read == {time_ms: (mark.labels, mark.uncertain) for time_ms, mark in last.items()}


def test_several_characters_make_the_file_independent(path: Path) -> None:
    """As training understands it."""
    sheet = Sheet(path, ("fox", "owl"), several=True)
    sheet.change([(0, BOTH), (1000, FOX)])
    assert read_label_file(path).semantics is Semantics.INDEPENDENT
    assert "frame0.jpg,fox;owl" in path.read_text()
