"""What is drawn of an expression: motion of the face, as much longer as the caption says."""

import dataclasses

import cv2
import numpy as np
import pytest

from memodule.report.spot_page import spot_page
from memodule.spotting import Spotter
from memodule.spotting.pictures import Arrow, draw_expressions
from memodule.synthetic.frame_files import write_video


@pytest.fixture(scope="module")
def spotted(face_frames, checkpoint, tmp_path_factory):
    """A face that stands still, then has its lower lip and the hair above its brow pushed by 3 pixels."""
    still = face_frames[0]
    x, y = np.meshgrid(np.arange(still.shape[1], dtype=np.float32), np.arange(still.shape[0], dtype=np.float32))
    near = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * 18**2)) for a, b in ((152, 230), (100, 35)))
    pushed = cv2.remap(still, x, (y - 3 * near).astype(np.float32), cv2.INTER_LINEAR)
    path = tmp_path_factory.mktemp("pictures") / "pushed.avi"
    write_video(path, [still] * 20 + [pushed] * 20, 30)
    video = Spotter.from_checkpoint(checkpoint).spot(path)
    one = dataclasses.replace(video.expressions[0], onset=5, apex=30, offset=35)
    return dataclasses.replace(video, expressions=(one,))


def test_arrows_show_what_the_face_does_and_not_what_is_around_it(spotted):
    (drawn,) = draw_expressions(spotted).values()
    lengths = {(a.x, a.y): np.hypot(a.dx, a.dy) for a in drawn.arrows}
    (x, y), longest = max(lengths.items(), key=lambda item: item[1])
    mouth = next(o for o in drawn.outlines if o.name == "mouth")
    assert mouth.left < x < mouth.left + mouth.width
    assert mouth.top < y < mouth.top + mouth.height + 30
    assert 2 < longest < 6  # 3 pixels of the frame, which the crop enlarges
    brows = min(outline.top for outline in drawn.outlines)
    assert min(a.y for a in drawn.arrows) > brows - 40  # the hair moves as far, 60 pixels above them


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (0.5, "motion drawn 20 times as long"),
        (2.0, "motion drawn 11 times as long"),
        (30.0, "motion<"),
        (None, "no point moves 0.35 pixels until the apex"),
    ],
)
def test_motion_is_drawn_longer_where_it_is_small_and_the_caption_says_how_much(spotted, length, words):
    (drawn,) = draw_expressions(spotted).values()
    arrows = () if length is None else (Arrow(160, 200, length, 0.0), Arrow(160, 214, 0.4, 0.0))
    page = spot_page(spotted, {0: dataclasses.replace(drawn, arrows=arrows)})
    assert f"<figcaption>Onset, frame 5; {words}" in page
    if length is not None:
        assert f"M160 200l{min(20 * length, 30 if length == 30 else 22):.1f} 0.0" in page
    else:
        assert 'class="arrow"' not in page
