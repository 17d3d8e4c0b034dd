"""A stand-in for a whole data set on disk: its label timelines, and features that match them in a flow store."""

import dataclasses
from pathlib import Path
from typing import Final

from memodule import console
from memodule.datasets.catalog import Catalog
from memodule.errors import UserError
from memodule.flow.parameters import FlowParameters
from memodule.flow.store import FlowStore
from memodule.synthetic.flow_features import simulate_flow
from memodule.synthetic.label_statistics import Like
from memodule.synthetic.recipe import claim
from memodule.synthetic.timelines import simulate_timelines

_SAMPLING: Final = {"samm_lv": (30, 7), "casme3": (50, 1)}
"""Window and frame step of the published experiments."""

_VERSION: Final = 1  # increase it whenever the same arguments give other features


def write_stand_in(
    out: Path, like: Like, seed: int, flow: Path | None, window: int | None = None, frame_step: int | None = None
) -> Catalog:
    """Write the label timelines of a data set as a Catalog whose videos do not exist.

    Args:
        flow: Flow store to fill with matching features; None writes none.
        window: Frames per window of the features; like `frame_step` by default as published.

    Raises:
        UserError: If an argument is impossible, or files of other data would be replaced.
    """
    if seed < 0:
        raise UserError(f"seed: {seed}; use 0 or more")
    timelines = simulate_timelines(like, seed)
    absent = out / "not-rendered"
    videos = tuple(dataclasses.replace(v, path=absent / v.subject / v.video) for v in timelines.videos)
    catalog = dataclasses.replace(timelines, videos=videos)
    usual_window, usual_step = _SAMPLING[like]
    parameters = FlowParameters(
        usual_window if window is None else window, usual_step if frame_step is None else frame_step
    )
    store = _open_store(catalog, flow, parameters) if flow else None
    recipe = {"like": like, "seed": seed, "version": _VERSION}
    claim(out, {"made_by": "memodule synth", **recipe})
    if store:
        features = simulate_flow(catalog, window=parameters.window, frame_step=parameters.frame_step, seed=seed)
        source = {"kind": "simulated", **recipe}
        for video, array in console.track(features, "videos", total=len(catalog.videos)):
            store.put(video.subject, video.video, array, fps=video.fps, frames=video.frames, source=source)
    catalog.write(out)
    return catalog


def _open_store(catalog: Catalog, root: Path, parameters: FlowParameters) -> FlowStore:
    """The flow store; refused if it holds features of real videos under the same names."""
    store = FlowStore(root, parameters)
    for video in catalog.videos:
        known = store.description_path(video.subject, video.video)
        if known.is_file() and store.get(video.subject, video.video).source["kind"] != "simulated":
            raise UserError(f"{known}: features of a real video would be replaced; use another --flow folder")
    return store
