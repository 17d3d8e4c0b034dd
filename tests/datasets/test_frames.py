import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memodule.datasets.catalog import Video
from memodule.datasets.frames import FrameRemark, folder_remarks, image_files, read_frames
from memodule.errors import UserError


def numbered_images(count, height=24, width=32):
    """Gray images, each of its own shade, with a pattern that tells left from right and up from down."""
    y, x = np.mgrid[:height, :width]
    return [((x + 2 * y) % 40 + 5 * i).astype(np.uint8) for i in range(count)]


def write_folder(folder, images, name="img{}.png"):
    folder.mkdir(parents=True)
    for i, image in enumerate(images):
        cv2.imwrite(str(folder / name.format(i)), image)
    return Video("s", "v", folder, 30.0, len(images))


def write_video(path, images, code="FFV1", colour=False):
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*code), 30.0, images[0].shape[1::-1], isColor=colour)
    assert writer.isOpened()
    for image in images:
        writer.write(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR) if colour and image.ndim == 2 else image)
    writer.release()
    return Video("s", "v", path, 30.0, len(images))


def shades(frames):
    return [int(frame[0, 0]) // 5 for frame in frames]


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".PNG"])
def test_folders_give_their_images_unchanged_in_natural_order(tmp_path, suffix):
    images = numbered_images(12)
    video = write_folder(tmp_path / "v", images, "img{}" + suffix)
    np.testing.assert_array_equal(list(read_frames(video)), images)


def test_jpeg_images_are_close_to_what_was_written(tmp_path):
    images = [cv2.GaussianBlur(image, (0, 0), 3) for image in numbered_images(3, 64, 64)]
    frames = list(read_frames(write_folder(tmp_path / "v", images, "{}.jpg")))
    assert np.abs(np.array(frames).astype(int) - images).mean() < 2


def test_colour_images_become_gray_with_the_usual_weights(tmp_path):
    image = np.zeros((8, 8, 3), np.uint8)
    image[:] = (30, 120, 200)  # blue, green, red
    frame = next(read_frames(write_folder(tmp_path / "v", [image])))
    assert frame.shape == (8, 8)
    assert abs(int(frame[0, 0]) - (0.114 * 30 + 0.587 * 120 + 0.299 * 200)) <= 1


def test_sixteen_bit_images_become_eight_bit_ones(tmp_path):
    frame = next(read_frames(write_folder(tmp_path / "v", [np.full((8, 8), 0x8000, np.uint16)])))
    assert frame.dtype == np.uint8
    assert frame[0, 0] == 0x80


@pytest.mark.parametrize("colour", [False, True])
def test_lossless_video_files_give_their_frames_unchanged(tmp_path, colour):
    images = numbered_images(10)
    frames = list(read_frames(write_video(tmp_path / "v.avi", images, colour=colour)))
    difference = np.abs(np.array(frames).astype(int) - images)
    assert difference.max() <= (1 if colour else 0)  # colour goes through another colour space


@pytest.mark.parametrize(("name", "code"), [("v.mp4", "mp4v"), ("v.avi", "MJPG"), ("v.mkv", "mp4v"), ("v.avi", "XVID")])
def test_lossy_video_files_give_every_frame_once(tmp_path, name, code):
    images = [np.full((48, 64), 20 * i + 10, np.uint8) for i in range(10)]
    frames = list(read_frames(write_video(tmp_path / name, images, code, colour=True)))
    assert [round((frame.mean() - 10) / 20) for frame in frames] == list(range(10))


@given(
    count=st.integers(1, 14),
    step=st.integers(1, 5),
    start=st.integers(0, 6),
    length=st.integers(0, 8),
    as_file=st.booleans(),
)
@settings(max_examples=60)
def test_sampling_and_parts_are_slices(count, step, start, length, as_file, tmp_path_factory):
    images = numbered_images(count)
    folder = tmp_path_factory.mktemp("v")
    video = write_video(folder / "v.avi", images) if as_file else write_folder(folder / "v", images)
    frames = list(read_frames(video, step, start, start + length))
    assert shades(frames) == shades(images[::step][start : start + length])


@pytest.mark.parametrize("as_file", [False, True])
def test_frames_beyond_those_of_the_catalog_are_not_read(tmp_path, as_file):
    images = numbered_images(8)
    video = write_video(tmp_path / "v.avi", images) if as_file else write_folder(tmp_path / "v", images)
    shorter = Video("s", "v", video.path, 30.0, 5)
    assert shades(read_frames(shorter)) == [0, 1, 2, 3, 4]
    longer = Video("s", "v", video.path, 30.0, 50)
    assert shades(read_frames(longer)) == list(range(8))


def spoil(video, frame, contents=b"no image"):
    image_files(video.path)[frame].write_bytes(contents)


def test_unreadable_images_are_replaced_by_the_one_before(tmp_path):
    video = write_folder(tmp_path / "v", numbered_images(8))
    for frame in (3, 4, 7):
        spoil(video, frame)
    remarks = []
    assert shades(read_frames(video, remark=remarks.append)) == [0, 1, 2, 2, 2, 5, 6, 6]
    assert [remark.frame for remark in remarks] == [3, 4, 7]
    assert str(remarks[0]) == "frame 3: img3.png cannot be read; img2.png replaces it"


def test_unreadable_images_at_the_beginning_are_replaced_by_the_first_readable_one(tmp_path):
    video = write_folder(tmp_path / "v", numbered_images(5))
    spoil(video, 0, b"")
    spoil(video, 1)
    assert shades(read_frames(video)) == [2, 2, 2, 3, 4]


@given(bad=st.sets(st.integers(0, 9), max_size=9), step=st.integers(1, 3), cut=st.integers(0, 9))
@settings(max_examples=40)
def test_parts_replace_unreadable_images_as_the_whole_does(bad, step, cut, tmp_path_factory):
    video = write_folder(tmp_path_factory.mktemp("v") / "v", numbered_images(10))
    for frame in bad:
        spoil(video, frame)
    whole = shades(read_frames(video, step))
    assert shades(read_frames(video, step, 0, cut)) + shades(read_frames(video, step, cut)) == whole


def test_images_of_another_size_are_replaced(tmp_path):
    images = numbered_images(4)
    images[2] = np.zeros((10, 20), np.uint8)
    remarks = []
    frames = list(read_frames(write_folder(tmp_path / "v", images), remark=remarks.append))
    assert shades(frames) == [0, 1, 1, 3]
    assert remarks == [FrameRemark(2, "img2.png is 20 x 10 pixels large; img1.png replaces it")]


def test_missing_numbers_shift_nothing_and_are_remarked_on(tmp_path):
    images = numbered_images(4)
    folder = tmp_path / "v"
    folder.mkdir()
    for number, image in zip((1, 2, 5, 10), images, strict=True):
        cv2.imwrite(str(folder / f"{number}.png"), image)
    (folder / "notes.txt").write_text("no frame")
    (folder / "._1.png").write_text("what a Mac leaves behind")
    video = Video("s", "v", folder, 30.0, 4)
    assert shades(read_frames(video)) == [0, 1, 2, 3]
    assert [str(remark) for remark in folder_remarks(video)] == [
        "6 image numbers are missing, the first of them 3; frames count images, not numbers"
    ]


def test_videos_without_oddities_are_not_remarked_on(tmp_path):
    assert folder_remarks(write_folder(tmp_path / "v", numbered_images(4))) == []
    assert folder_remarks(write_video(tmp_path / "v.avi", numbered_images(4))) == []


def test_names_beyond_ascii_are_read(tmp_path):
    video = write_folder(tmp_path / "v\u00eddeo \u8868\u60c5", [], "")
    _, data = cv2.imencode(".png", numbered_images(1)[0])
    (video.path / "bild \u00e9 1.png").write_bytes(data.tobytes())
    assert len(list(read_frames(Video("s", "v", video.path, 30.0, 1)))) == 1


def test_what_cannot_be_read_is_named(tmp_path):
    def read(path):
        return next(read_frames(Video("s", "v", path, 30.0, 10)))

    with pytest.raises(UserError, match=r"nowhere: no such file or folder; correct `path` in videos\.csv"):
        read(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty: no images \(\.jpg, .* correct `path`"):
        read(tmp_path / "empty")
    video = write_folder(tmp_path / "spoilt", numbered_images(3))
    for frame in range(3):
        spoil(video, frame)
    with pytest.raises(UserError, match="spoilt: none of the 3 images can be read"):
        read(video.path)
    (tmp_path / "text.mp4").write_text("this is no video")
    with pytest.raises(UserError, match=r"text\.mp4: OpenCV cannot read this as a video"):
        read(tmp_path / "text.mp4")


def test_a_cut_video_file_ends_early(tmp_path):
    video = write_video(tmp_path / "v.avi", numbered_images(40, 120, 160))
    whole = video.path.read_bytes()
    video.path.write_bytes(whole[: len(whole) // 2])
    frames = shades(read_frames(video))
    assert 5 < len(frames) < 40
    assert frames == list(range(len(frames)))
