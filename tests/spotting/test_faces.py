import dlib
import numpy as np
import pytest

from memodule.errors import UserError
from memodule.spotting.faces import FaceChoice, FaceFollower


class Scene:
    """Stands in for the detector: faces where a test wants them."""

    def __init__(self):
        self.seen = []

    def show(self, *faces):
        self.seen = [dlib.rectangle(x, y, x + side, y + side) for x, y, side in faces]

    def faces(self, image):
        return self.seen

    def landmarks(self, image, face):
        return (face.left(), face.top())


FRAME = np.zeros((480, 640), np.uint8)
LEFT, LARGE, RIGHT = (10, 50, 90), (200, 40, 150), (500, 60, 100)


@pytest.mark.parametrize(
    ("choice", "expected"), [("largest", LARGE), ("1", LEFT), ("3", RIGHT), ("480,100", RIGHT), ("4", None)]
)
def test_the_choice_among_several_faces(choice, expected):
    scene = Scene()
    scene.show(RIGHT, LEFT, LARGE)
    follower = FaceFollower(scene, FaceChoice.parse(choice))
    assert follower.find(FRAME) == (None if expected is None else expected[:2])
    assert follower.most == 3


def test_the_same_person_is_followed_though_a_larger_face_comes():
    scene = Scene()
    follower = FaceFollower(scene, FaceChoice())
    scene.show(LARGE)
    assert follower.find(FRAME) == LARGE[:2]
    scene.show((380, 20, 240), (230, 45, 150))
    assert follower.find(FRAME) == (230, 45)
    scene.show()
    assert follower.find(FRAME) is None
    scene.show((250, 50, 140), (400, 20, 240))
    assert follower.find(FRAME) == (250, 50)


def test_large_frames_are_searched_at_reduced_size():
    scene = Scene()
    scene.show((100, 50, 90))
    follower = FaceFollower(scene, FaceChoice())
    assert follower.find(np.zeros((1440, 2560), np.uint8)) == (200, 100)


@pytest.mark.parametrize("choice", ["0", "-1", "left", "1;2", "", "1,2,3"])
def test_impossible_choices_are_refused(choice):
    with pytest.raises(UserError, match="--face"):
        FaceChoice.parse(choice)
