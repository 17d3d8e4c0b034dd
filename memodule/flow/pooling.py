"""From the flow of a patch to one vector per region: the mean of its fastest pixels."""

import numpy as np
import numpy.typing as npt

from memodule.flow.regions import Region

Flow = npt.NDArray[np.float32]
"""Flow of a patch, (2, height, width) float32: x and y in pixels of the crop."""


def pool(flow: Flow, region: Region) -> tuple[float, float]:
    """Mean flow of the region's fastest pixels; (0, 0) where the region is empty.

    The number of pixels left out is `int(n * (1 - share))` in double precision, as in the published code, which adds in
    single precision and ascending order (a difference of up to 1e-5 px) and leaves the choice among equally fast pixels
    to an unstable sort.
    """
    part = region.area.of(flow).reshape(2, -1)
    count = part.shape[1]
    if not count:
        return 0.0, 0.0
    left_out = int(count * (1 - region.share))
    fastest = np.argpartition(np.einsum("ij,ij->j", part, part), left_out)[left_out:]
    x, y = part[:, fastest].mean(1, dtype=np.float64).tolist()
    return x, y
