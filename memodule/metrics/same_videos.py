"""Whether predictions, truths and the list of videos are about the same videos."""

from collections.abc import Collection, Sequence

from memodule import console
from memodule.datasets.catalog import VideoKey
from memodule.decoding.comparison import VideoLength
from memodule.errors import UserError
from memodule.metrics.files import IntervalRow


def check_videos(
    predictions: Sequence[IntervalRow], truths: Sequence[IntervalRow], lengths: dict[VideoKey, VideoLength] | None
) -> None:
    """Refuse or report rows whose subject or video is missing in the other files.

    Args:
        lengths: All videos; None without a `videos.csv`.

    Raises:
        UserError: If `lengths` lacks the video of a row, a row is past its end, or the truth has none of the
            predicted subjects.
    """
    if lengths is None:
        _check_subjects(predictions, {row.key for row in truths})
        return
    for rows, edge in ((truths, 2), (predictions, 0)):  # a prediction may extend past the end, a truth may not
        for row in rows:
            if row.key not in lengths:
                raise UserError(
                    f"{row.where}: --videos has no video {'/'.join(row.key)}; correct the code or add the video"
                )
            last = lengths[row.key].frames - 1
            if row.frames[edge] > last:
                raise UserError(
                    f"{row.where}: frame {row.frames[edge]} is past the last frame {last} of {'/'.join(row.key)}; "
                    "count frames from 0, as --videos does"
                )


def _check_subjects(predictions: Sequence[IntervalRow], true_keys: Collection[VideoKey]) -> None:
    strange = [row for row in predictions if row.key not in true_keys]
    subjects = {subject for subject, _ in true_keys}
    if not strange:
        return
    row = strange[0]
    if not any(row.key[0] in subjects for row in predictions):
        raise UserError(
            f"{row.where}: no predicted subject is in the truth (here {row.key[0]!r}, there for example "
            f"{min(subjects)!r}); use the same codes, or list all videos with --videos"
        )
    videos = sorted({"/".join(row.key) for row in strange})
    console.warn(
        f"{row.where}: {len(strange)} predictions in {len(videos)} videos without truth ({', '.join(videos[:5])}"
        f"{', …' if len(videos) > 5 else ''}); list all videos with --videos to have their codes checked"
    )
