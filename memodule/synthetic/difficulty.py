"""How hard the semi-synthetic videos are: every number that decides this, in one place."""

import dataclasses
from typing import Any, Final, Literal, get_args

Level = Literal["easy", "moderate", "realistic", "hard"]
"""Name of a difficulty."""


@dataclasses.dataclass(frozen=True)
class Difficulty:
    """The parameters of one difficulty.

    Displacements are in pixels of an image in which the face box is some 234 pixels wide, at the point that moves most;
    the face crop of the flow features magnifies them by 1.3 to 1.45. Cameras scale the image. Ranges are (minimum,
    maximum).

    Attributes:
        micro_ms: Range of the durations of micro-expressions, which are log-normal.
        micro_spread: Median duration in ms, and standard deviation of its logarithm.
        micros_per_minute: Rate of micro-expressions in videos that have any (at least one).
        empty_share: Share of videos without a micro-expression.
        macro_px: Displacement of a macro-expression; the closer to `micro_px`, the more they look alike.
        macros_per_minute: Rate of (labelled) macro-expressions.
        overlapped: Share of micro-expressions that overlap a macro-expression.
        beside: Share of micro-expressions with a macro-expression shortly before or after.
        pause_ms: Shortest time between labelled expressions that do not overlap.
        adaptors_per_minute: Rate of unlabelled small movements of the mouth and chin, such as swallowing.
        talks_per_minute: Rate of bouts of talking, unlabelled: the mouth opens and shuts 2 to 6 times a second.
        talk_px: Displacement of the jaw in talking and chewing.
        chews_per_minute: Rate of bouts of chewing, unlabelled, 1 to 2 times a second.
        glances_per_minute: Rate of shifts of gaze, in which the eyes move and the upper lids follow.
        glance_px: Displacement of the pupils.
        gestures_per_minute: Rate of nods and head turns.
        gesture_px: Displacement of the head in a gesture.
        turn_share: How much farther the nose moves than the rim of the face in a gesture, as a share of its
            displacement; head motion compensation does not remove this parallax.
        sway_px: Standard deviation of the slow sway of the head.
        asymmetry: Standard deviation of the difference in strength between the sides of the face.
        partial: Probability that an action unit of a set stays weak.
        shading: Change of brightness per compression of the skin (1 = as much as the skin is compressed).
        light: Amplitude of the illumination drift, as a share of the brightness.
        flicker: Largest amplitude of the flicker of lamps, as a share of the brightness.
        noise: Standard deviation of the camera noise, in grey levels.
        box_px: Width of the face box in the video.
        crf: Quality of H.264, if that is what videos are stored as: from 0 (lossless) to 51.
    """

    micro_px: tuple[float, float]
    micro_ms: tuple[float, float]
    micro_spread: tuple[float, float]
    micros_per_minute: float
    empty_share: float
    macro_px: tuple[float, float]
    macro_ms: tuple[float, float]
    macro_spread: tuple[float, float]
    macros_per_minute: float
    overlapped: float
    beside: float
    pause_ms: float
    adaptors_per_minute: float
    adaptor_px: tuple[float, float]
    talks_per_minute: float
    talk_px: tuple[float, float]
    chews_per_minute: float
    glances_per_minute: float
    glance_px: tuple[float, float]
    gestures_per_minute: float
    gesture_px: tuple[float, float]
    turn_share: float
    sway_px: float
    asymmetry: float
    partial: float
    shading: float
    light: float
    flicker: float
    noise: tuple[float, float]
    box_px: tuple[float, float]
    crf: tuple[int, int]


# fmt: off
_NUMBERS: Final[dict[str, tuple[Any, Any, Any, Any]]] = {
    #                       easy          moderate      realistic     hard
    "micro_px":            ((1.0, 2.6),   (0.8, 2.4),   (0.6, 2.2),   (0.3, 1.5)),
    "micro_ms":            ((260, 600),   (167, 2500),  (133, 4000),  (133, 4000)),
    "micro_spread":        ((460, 0.45),  (640, 0.6),   (727, 0.69),  (727, 0.69)),
    "micros_per_minute":   (14,           14,           14,           12),
    "empty_share":         (0.15,         0.2,          0.2,          0.3),
    "macro_px":            ((3.5, 6.0),   (2.3, 6.8),   (2.0, 6.5),   (1.4, 5.0)),
    "macro_ms":            ((1200, 2500), (600, 4500),  (400, 5000),  (267, 5000)),
    "macro_spread":        ((1800, 0.4),  (1500, 0.6),  (1400, 0.7),  (1400, 0.7)),
    "macros_per_minute":   (4,            4.5,          5,            8),
    "overlapped":          (0,            0.04,         0.06,         0.12),
    "beside":              (0,            0.07,         0.1,          0.2),
    "pause_ms":            (300,          150,          100,          0),
    "adaptors_per_minute": (0,            1.5,          2,            5),
    "adaptor_px":          ((0.5, 1.0),   (0.4, 1.3),   (0.4, 1.4),   (0.4, 1.6)),
    "talks_per_minute":    (0,            0.7,          1,            3),
    "talk_px":             ((1.0, 2.0),   (0.8, 3.5),   (0.8, 4.0),   (0.8, 5.0)),
    "chews_per_minute":    (0,            0.3,          0.5,          1.5),
    "glances_per_minute":  (0,            4,            6,            12),
    "glance_px":           ((1.0, 3.0),   (1.0, 4.5),   (1.0, 5.0),   (1.0, 5.0)),
    "gestures_per_minute": (2,            4,            5,            9),
    "gesture_px":          ((1.0, 3.0),   (1.0, 3.5),   (1.0, 4.0),   (1.0, 5.0)),
    "turn_share":          (0.05,         0.08,         0.1,          0.15),
    "sway_px":             (0.6,          0.9,          1.0,          1.4),
    "asymmetry":           (0.1,          0.25,         0.3,          0.4),
    "partial":             (0.1,          0.25,         0.3,          0.4),
    "shading":             (0.2,          0.3,          0.35,         0.45),
    "light":               (0.015,        0.025,        0.03,         0.05),
    "flicker":             (0,            0.007,        0.01,         0.025),
    "noise":               ((0.8, 0.8),   (0.6, 1.7),   (0.6, 2.0),   (1.0, 4.0)),
    "box_px":              ((234, 234),   (165, 285),   (150, 300),   (150, 300)),
    "crf":                 ((18, 23),     (18, 30),     (18, 32),     (23, 38)),
}
# fmt: on

DIFFICULTIES: Final[dict[Level, Difficulty]] = {
    level: Difficulty(**{name: numbers[column] for name, numbers in _NUMBERS.items()})
    for column, level in enumerate(get_args(Level))
}
"""The named difficulties; at "moderate", `memodule demo` aims at a pooled spotting F1 between .4 and .7."""

STAND_IN: Final = dataclasses.replace(
    DIFFICULTIES["realistic"],
    micro_px=(0.3, 1.5),
    macro_px=(1.4, 5.0),
    talks_per_minute=0,
    chews_per_minute=0,
    glances_per_minute=0,
)
"""What `memodule.synthetic.flow_features` are made with: "realistic" as it was when their scores were published."""
