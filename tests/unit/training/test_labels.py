"""Label files: both layouts, what spreadsheets make of them, and what is refused."""

from pathlib import Path

import pytest

from screen_time.manifest import Semantics
from training.errors import LabelError
from training.labels import LabelFile, common_scheme, frame_name, frame_time_ms, interval_ms, read_label_file


@pytest.fixture
def write(tmp_path: Path) -> "Writer":
    """Writes a label file and reads it."""
    return Writer(tmp_path)


class Writer:
    """Label files of one test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.count = 0

    def __call__(self, text: str, encoding: str = "utf-8") -> Path:
        self.count += 1
        path = self.folder / f"labels{self.count}.csv"
        path.write_bytes(text.encode(encoding))
        return path


def class_file(*classes: str) -> str:
    """An `Image_ID,Class` file with these classes, second by second."""
    return "Image_ID,Class\n" + "".join(f"frame{second}.jpg,{name}\n" for second, name in enumerate(classes))


def labels_of(file: LabelFile) -> list[set[str]]:
    """The labels of each time, in order."""
    return [set(time.labels) for time in file.times]


class TestClassColumn:
    """`Image_ID,Class`."""

    def test_names_are_labels(self, write: Writer) -> None:
        """Classes given by name need no --classes; nobody's comes first, the others by name."""
        file = read_label_file(write(class_file("tom", "nobody", "jerry")))
        assert file.classes == ("nobody", "jerry", "tom")
        assert labels_of(file) == [{"tom"}, {"nobody"}, {"jerry"}]
        assert file.semantics is Semantics.EXCLUSIVE

    def test_the_classics_numbers_get_the_classics_names_and_it_is_said(self, write: Writer) -> None:
        """Exactly 0, 1 and 2 without names are the classic's mapping.csv."""
        file = read_label_file(write(class_file("0", "1", "2")))
        assert file.classes == ("neither", "jerry", "tom")
        assert labels_of(file) == [{"neither"}, {"jerry"}, {"tom"}]
        assert "neither, jerry, tom" in file.notes[0]

    def test_given_names_replace_numbers(self, write: Writer) -> None:
        """--classes names classes by position and fixes their order."""
        file = read_label_file(write(class_file("1", "0", "1")), ("spike", "butch"))
        assert labels_of(file) == [{"butch"}, {"spike"}, {"butch"}]
        assert not file.notes

    def test_other_numbers_need_names(self, write: Writer) -> None:
        """Nobody is to guess what 3 means."""
        with pytest.raises(LabelError, match=r"0, 1, 3; name them in order with --classes"):
            read_label_file(write(class_file("0", "1", "3")))

    def test_a_number_beyond_the_names_is_refused(self, write: Writer) -> None:
        """The line is named."""
        with pytest.raises(LabelError, match=r"line 3: class 2 has no name"):
            read_label_file(write(class_file("0", "2")), ("a", "b"))

    def test_an_unknown_name_is_refused(self, write: Writer) -> None:
        """A typing error must not become a class of its own where the classes are given."""
        with pytest.raises(LabelError, match=r"line 2: class 'tmo' is none of jerry, tom"):
            read_label_file(write(class_file("tmo")), ("jerry", "tom"))

    def test_floats_that_pandas_wrote_are_class_numbers(self, write: Writer) -> None:
        """Pandas writes 1.0 for 1 in a column with gaps."""
        file = read_label_file(write(class_file("0.0", "1.0", "", "2.0")))
        assert labels_of(file) == [{"neither"}, {"jerry"}, {"tom"}]

    @pytest.mark.parametrize("cell", ["jerry;tom", "jerry|tom", "jerry + tom", '"jerry,tom"'])
    def test_several_labels_make_them_independent(self, write: Writer, cell: str) -> None:
        """One frame with two characters, and the file asks one question a character."""
        file = read_label_file(write(class_file("jerry", cell, "neither")))
        assert labels_of(file) == [{"jerry"}, {"jerry", "tom"}, {"neither"}]
        assert file.semantics is Semantics.INDEPENDENT

    def test_several_numbers_may_be_separated_by_spaces(self, write: Writer) -> None:
        """`1 2` is jerry and tom."""
        assert labels_of(read_label_file(write(class_file("0", "1 2", "2"))))[1] == {"jerry", "tom"}

    def test_nobody_and_somebody_contradict(self, write: Writer) -> None:
        """A frame cannot show nobody and Tom."""
        with pytest.raises(LabelError, match=r"line 2: .* both that nobody and that somebody"):
            read_label_file(write(class_file("neither;tom")))

    def test_any_word_for_nobody_means_the_model_s(self, write: Writer) -> None:
        """A file that says `none` can be compared with a model that says `neither`."""
        file = read_label_file(write(class_file("none", "tom")), ("neither", "jerry", "tom"))
        assert labels_of(file)[0] == {"neither"}

    def test_empty_cells_are_unlabelled(self, write: Writer) -> None:
        """Half-filled files can be trained on."""
        assert [time.time_ms for time in read_label_file(write(class_file("a", "", "b"))).times] == [0, 2000]

    def test_a_file_with_nothing_filled_in_is_refused(self, write: Writer) -> None:
        """As `screen-time frames` wrote it."""
        with pytest.raises(LabelError, match="labels no frame"):
            read_label_file(write(class_file("", "")))


class TestPresenceColumns:
    """`Image_ID,<one 0/1 column a character>`."""

    def test_each_column_is_a_question(self, write: Writer) -> None:
        """Both, one, none; uncertain frames are marked, groups kept."""
        file = read_label_file(
            write("Image_ID,jerry,tom,uncertain,group\nframe0.jpg,1,1,0,a\nframe1.jpg,0,1,1,a\nframe2.jpg,0,0,,b\n")
        )
        assert labels_of(file) == [{"jerry", "tom"}, {"tom"}, set()]
        assert [time.uncertain for time in file.times] == [False, True, False]
        assert [time.group for time in file.times] == ["a", "a", "b"]
        assert file.semantics is Semantics.INDEPENDENT

    def test_an_empty_row_is_unlabelled_and_a_half_empty_one_refused(self, write: Writer) -> None:
        """An empty cell beside a filled one may mean 0 or not yet: only the labeller knows."""
        assert len(read_label_file(write("Image_ID,a,b\nframe0.jpg,,\nframe1.jpg,0,1\n")).times) == 1
        with pytest.raises(LabelError, match="line 2: b is empty"):
            read_label_file(write("Image_ID,a,b\nframe0.jpg,1,\n"))

    def test_other_values_than_0_and_1_are_refused(self, write: Writer) -> None:
        """2 Toms are a misunderstanding."""
        with pytest.raises(LabelError, match="line 2: tom is '2'; write 0 or 1"):
            read_label_file(write("Image_ID,tom\nframe0.jpg,2\n"))

    def test_a_column_for_nobody_is_refused(self, write: Writer) -> None:
        """It could contradict the others."""
        with pytest.raises(LabelError, match="column for nobody"):
            read_label_file(write("Image_ID,tom,nobody\nframe0.jpg,0,1\n"))


class TestTables:
    """CSV as people and spreadsheets write it."""

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
    def test_encodings_of_spreadsheets(self, write: Writer, encoding: str) -> None:
        """A name with an accent survives whatever wrote it."""
        assert labels_of(read_label_file(write(class_file("André", "tom"), encoding)))[0] == {"André"}

    @pytest.mark.parametrize("delimiter", [";", "\t"])
    def test_other_delimiters(self, write: Writer, delimiter: str) -> None:
        """Spreadsheets of half the world write semicolons."""
        text = class_file("tom", "jerry").replace(",", delimiter).replace("\n", "\r\n")
        assert labels_of(read_label_file(write(text))) == [{"tom"}, {"jerry"}]

    def test_header_in_any_case_and_trailing_columns(self, write: Writer) -> None:
        """` image_id , CLASS ,,` is understood."""
        assert labels_of(read_label_file(write(" image_id , CLASS ,,\nframe0.jpg, tom ,,\n"))) == [{"tom"}]

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", "is empty"),
            ("frame0.jpg,1\n", "must begin with a header"),
            ("Image_ID\nframe0.jpg\n", "must have a column Class"),
            ("Image_ID,Class,Class\nframe0.jpg,a,b\n", "name of its own"),
            ("Image_ID,Class,mood\nframe0.jpg,a,b\n", "'mood', which belongs to no layout"),
            ("Image_ID,Class\nframe0.jpg,a,b\n", "line 2: 3 values for 2 columns"),
            ("Image_ID,Class\nscene0.jpg,a\n", "line 2: Image_ID 'scene0.jpg' is not of the form"),
            ("Image_ID,Class\nframe3.jpg,a\nframe4.jpg,a\nframe3.jpg,b\n", "line 4: frame3.jpg was already .* line 2"),
        ],
    )
    def test_what_cannot_be_understood_is_named(self, write: Writer, text: str, problem: str) -> None:
        """File, line and remedy, in one sentence."""
        with pytest.raises(LabelError, match=problem):
            read_label_file(write(text))

    def test_binary_files_are_refused(self, tmp_path: Path) -> None:
        """Somebody passes the spreadsheet itself."""
        path = tmp_path / "labels.xlsx"
        path.write_bytes(b"PK\x03\x04\x00\x00\x00\x00")
        with pytest.raises(LabelError, match="no CSV"):
            read_label_file(path)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        """Not a traceback."""
        with pytest.raises(LabelError, match=r"nothere.csv cannot be read"):
            read_label_file(tmp_path / "nothere.csv")

    def test_the_classics_slip_of_the_pen_is_mended_and_said(self, write: Writer) -> None:
        """94, 94, 96 can only mean 94, 95, 96."""
        file = read_label_file(write("Image_ID,Class\nframe94.jpg,a\nframe94.jpg,b\nframe96.jpg,a\n"))
        assert [time.time_ms for time in file.times] == [94_000, 95_000, 96_000]
        assert "frame94.jpg is read as frame95.jpg" in file.notes[0]


class TestScheme:
    """What a model trained on several files answers."""

    def test_one_independent_file_makes_all_independent(self, write: Writer) -> None:
        """Nobody is then no label any more."""
        files = [
            read_label_file(write(class_file(*["tom", "neither", "jerry"] * 6))),
            read_label_file(write("Image_ID,jerry,tom\nframe0.jpg,1,1\n")),
        ]
        scheme = common_scheme(files)
        assert scheme.labels == ("jerry", "tom")
        assert scheme.nobody is None
        assert scheme.semantics is Semantics.INDEPENDENT

    def test_exclusive_files_keep_nobody_as_a_label(self, write: Writer) -> None:
        """In the order given."""
        scheme = common_scheme([read_label_file(write(class_file(*["0", "1", "2"] * 6)))])
        assert scheme.labels == ("neither", "jerry", "tom")
        assert scheme.nobody == "neither"
        assert scheme.characters == ("jerry", "tom")

    def test_too_few_examples_are_refused(self, write: Writer) -> None:
        """With the label's name and what is needed."""
        file = read_label_file(write(class_file(*["tom"] * 9, "jerry")))
        with pytest.raises(LabelError, match="1 labelled frames showing jerry are too few; at least 5"):
            common_scheme([file])

    def test_a_named_class_without_any_example_is_refused(self, write: Writer) -> None:
        """It would never be predicted, and nobody would know why."""
        file = read_label_file(write(class_file(*["0", "1"] * 9)), ("tom", "jerry", "spike"))
        with pytest.raises(LabelError, match="0 labelled frames showing spike"):
            common_scheme([file], ("tom", "jerry", "spike"))

    def test_uncertain_frames_are_no_examples(self, write: Writer) -> None:
        """They are left out of training."""
        rows = "".join(f"frame{second}.jpg,{second % 2},1\n" for second in range(20))
        with pytest.raises(LabelError, match="0 labelled frames showing tom"):
            common_scheme([read_label_file(write("Image_ID,tom,uncertain\n" + rows))])

    def test_a_single_class_cannot_be_told_from_anything(self, write: Writer) -> None:
        """Softmax over one label is always 1."""
        with pytest.raises(LabelError, match="Every frame is labelled tom"):
            common_scheme([read_label_file(write(class_file(*["tom"] * 9)))])

    def test_a_name_written_in_two_ways_is_refused(self, write: Writer) -> None:
        """Tom and tom are not two characters."""
        with pytest.raises(LabelError, match="distinct"):
            read_label_file(write(class_file("Tom", "tom")))


class TestTimes:
    """Names of frames and the times they mean."""

    @pytest.mark.parametrize("time_ms", [0, 12_000, 12_500, 33_333, 40])
    def test_a_frame_s_name_gives_its_time_back(self, time_ms: int) -> None:
        """What `frames` writes, `train` reads."""
        assert frame_time_ms(frame_name(time_ms)) == time_ms

    @pytest.mark.parametrize(
        ("name", "time_ms"),
        [
            ("frame12.JPG", 12_000),
            ("frame012", 12_000),
            ("frames\\frame2.png", 2000),
            ("12.jpg", None),
            ("frame-1", None),
        ],
    )
    def test_names_that_others_write(self, name: str, time_ms: int | None) -> None:
        """Folders, other suffixes and none; never a guess."""
        assert frame_time_ms(name) == time_ms

    def test_the_interval_meets_every_label(self, write: Writer) -> None:
        """Whole seconds are sampled each second, halves each half."""
        whole = read_label_file(write("Image_ID,Class\nframe0.jpg,a\nframe3.jpg,b\n"))
        halves = read_label_file(write("Image_ID,Class\nframe0.jpg,a\nframe2.5.jpg,b\n"))
        assert interval_ms([whole]) == 1000
        assert interval_ms([whole, halves]) == 500

    def test_labels_too_close_are_refused(self, write: Writer) -> None:
        """A stray frame0.001 must not mean a thousand samples a second."""
        with pytest.raises(LabelError, match="every 1 ms"):
            interval_ms([read_label_file(write("Image_ID,Class\nframe0.001.jpg,a\n"))])
