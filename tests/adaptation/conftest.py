"""The recordings and checkpoints of the tests of spotting."""

from ..spotting.conftest import checkpoint, face_frames, face_video

__all__ = ["checkpoint", "face_frames", "face_video"]
