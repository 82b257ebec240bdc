"""The exponential that compiled kernels sum over many terms."""

import numpy as np

from ne_interactive.graph.parallel import serial

__all__ = ["exp_minus"]


@serial
def exp_minus(x):
    """exp(-x) in float32, to 4e-7 near 0 and 4e-6 at 80, 0 from 87 on: loops over it are vectorised."""
    y = max(np.float32(x) * np.float32(-1.44269504), np.float32(-126))
    whole = np.floor(y)
    t = y - whole
    p = np.float32(1.8775767e-3)
    p = p * t + np.float32(8.9893397e-3)
    p = p * t + np.float32(5.5826318e-2)
    p = p * t + np.float32(2.4015361e-1)
    p = p * t + np.float32(6.9315308e-1)
    p = p * t + np.float32(9.9999994e-1)
    p = p if y > np.float32(-126) else np.float32(0)
    return p * np.int32((np.int32(whole) + np.int32(127)) << np.int32(23)).view(np.float32)
