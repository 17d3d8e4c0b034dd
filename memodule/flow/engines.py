"""The choice between the implementations of Farneback's flow."""

from memodule.errors import UserError
from memodule.flow.farneback import EngineName, FlowEngine, OpenCvEngine


def flow_engine(name: EngineName = "auto") -> FlowEngine:
    """The engine of this name; "auto" is numba where it can be imported, else OpenCV.

    Raises:
        UserError: If "numba" is requested and cannot be imported.
    """
    if name == "opencv":
        return OpenCvEngine()
    try:
        from memodule.flow.compiled.engine import NumbaEngine
    except ImportError as error:
        if name == "numba":
            raise UserError(
                f"numba cannot be imported ({error}); run `python -m pip install 'memodule[fast]'`"
            ) from None
        return OpenCvEngine()
    return NumbaEngine()
