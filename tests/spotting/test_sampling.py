import numpy as np
import pytest

from memodule.errors import UserError
from memodule.spotting.sampling import plan_sampling, sample_frames
from memodule.spotting.video_source import find_sources, open_source
from memodule.synthetic.frame_files import write_video

from .conftest import shade, write_matroska


def sampled(path, wanted=30.0, fps=None):
    source = open_source(path, fps)
    sampling = plan_sampling(source, wanted)
    return source, sampling, list(sample_frames(source, sampling))


@pytest.mark.parametrize(("fps", "step"), [(30, 1), (60, 2), (200, 7), (29.97, 1)])
def test_a_steady_multiple_of_the_rate_is_sub_sampled(tmp_path, fps, step):
    write_video(tmp_path / "a.avi", [shade(i) for i in range(50)], fps)
    source, sampling, samples = sampled(tmp_path / "a.avi")
    assert source.steady
    assert source.fps == pytest.approx(fps, rel=1e-3)
    assert (sampling.frame_step, sampling.warning) == (step, None)
    assert [s.frame for s in samples] == list(range(0, 50, step))
    # the images are those of the frames that are named
    assert [int(s.image[0, 0]) for s in samples] == pytest.approx([20 + i for i in range(0, 50, step)], abs=1)


def test_a_slower_video_repeats_frames_and_says_so(tmp_path):
    write_video(tmp_path / "a.avi", [shade(i) for i in range(50)], 25)
    _, sampling, samples = sampled(tmp_path / "a.avi")
    assert sampling.frame_step is None
    assert "25 frames per second" in sampling.warning
    frames = [s.frame for s in samples]
    assert sorted(set(frames)) == list(range(50))
    assert np.abs(np.array(frames) / 25 - np.arange(60) / 30).max() <= 0.5 / 25 + 1e-9
    assert len(samples) == 60
    assert not any(s.stale for s in samples)


def test_a_rate_between_multiples_is_matched_in_time_without_warning(tmp_path):
    write_video(tmp_path / "a.avi", [shade(i) for i in range(100)], 50)
    _, sampling, samples = sampled(tmp_path / "a.avi")
    assert (sampling.frame_step, sampling.rate, sampling.warning) == (None, 30, None)
    errors = [s.seconds - i / 30 for i, s in enumerate(samples)]
    assert np.abs(errors).max() <= 0.5 / 50 + 1e-9


def test_time_stamps_of_a_changing_frame_rate_are_followed(tmp_path):
    times = [0, 30, 75, 90, 160, 190, 215, 290, 310, 333, 400, 1400, 1433, 1466]
    write_matroska(tmp_path / "webcam.mkv", [shade(10 * i) for i in range(len(times))], times)
    source, sampling, samples = sampled(tmp_path / "webcam.mkv")
    assert not source.steady
    assert sampling.rate == 30
    for i, sample in enumerate(samples):
        nearest = min(range(len(times)), key=lambda j: abs(times[j] - 1000 * i / 30))
        assert abs(times[sample.frame] - 1000 * i / 30) == pytest.approx(abs(times[nearest] - 1000 * i / 30), abs=1)
        assert int(sample.image[0, 0]) == pytest.approx(20 + 10 * sample.frame, abs=4)
    # inside of the second without frames an old image is shown, which must not pass for a still face
    stale = [i / 30 for i, sample in enumerate(samples) if sample.stale]
    assert stale
    assert min(stale) == pytest.approx(0.6, abs=0.05)
    assert max(stale) == pytest.approx(1.2, abs=0.05)


def test_the_rate_of_images_must_be_given(tmp_path):
    import cv2

    for i in range(20):
        cv2.imwrite(str(tmp_path / f"img{i}.png"), shade(i))
    with pytest.raises(UserError, match="--fps"):
        open_source(tmp_path, None)
    _, sampling, samples = sampled(tmp_path, fps=60)
    assert [s.frame for s in samples] == list(range(0, 20, 2))
    assert sampling.frame_step == 2


def test_a_folder_is_one_video_or_many(tmp_path):
    (tmp_path / "many" / "images").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    for name in ("many/b10.mp4", "many/b9.MP4", "many/notes.txt", "many/.hidden.mp4", "many/images/1.jpg"):
        (tmp_path / name).write_bytes(b"")
    many = tmp_path / "many"
    assert find_sources([many]) == [many / "b9.MP4", many / "b10.mp4", many / "images"]
    assert find_sources([many / "images", many / "b9.MP4", many]) == [
        many / "images",
        many / "b9.MP4",
        many / "b10.mp4",
    ]
    for wrong in ("empty", "absent"):
        with pytest.raises(UserError, match=wrong):
            find_sources([tmp_path / wrong])
