"""The exponential that compiled kernels sum over many terms, and the logarithm that makes powers of it."""

import numpy as np

from ne_interactive.graph.parallel import serial

__all__ = ["exp_minus", "logarithm"]


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


@serial
def logarithm(x):
    """log(x) in float32 for x from 1 on, to 1.5e-7 of it or of 1, the larger: loops over it are vectorised."""
    bits = np.float32(x).view(np.int32)
    # So many halvings bring x to between the roots of 1/2 and 2.
    turns = (bits - np.int32(0x3F3504F3)) >> np.int32(23)
    t = np.int32(bits - (turns << np.int32(23))).view(np.float32) - np.float32(1)
    p = np.float32(7.0376836e-2)
    p = p * t - np.float32(1.1514610e-1)
    p = p * t + np.float32(1.1676999e-1)
    p = p * t - np.float32(1.2420141e-1)
    p = p * t + np.float32(1.4249323e-1)
    p = p * t - np.float32(1.6668058e-1)
    p = p * t + np.float32(2.0000715e-1)
    p = p * t - np.float32(2.4999994e-1)
    p = p * t + np.float32(3.3333331e-1)
    return (p * t - np.float32(0.5)) * t * t + t + np.float32(turns) * np.float32(0.69314718)
