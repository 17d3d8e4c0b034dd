from ..spotting.conftest import checkpoint, face_frames, face_video  # noqa: F401 - fixtures
