# The elementary functions of the lanes: branch-free, so that loops over lanes become vector instructions.
# Everything but the two entry points is inlined: a function that LLVM may keep in two versions can give two sets of bits.
# Never `nnan` / `ninf` among the fastmath flags: failures are recognised by NaN.
from math import fabs, floor, log, sqrt

import numpy as np
from numba import njit

options = dict(error_model="numpy", fastmath={"reassoc", "contract", "nsz", "arcp"}, boundscheck=False, cache=True, nogil=True)
# Without NRT, or every call with an array would count references: an atomic operation, shared by all threads.
inline, compiled = njit(forceinline=True, _nrt=False, **options), njit(**options)


@inline
def where(s, x, y):
    return x if s >= 0.0 else y


@inline
def larger(x, y):
    return x if x >= y else y


@inline
def exp(x):
    # Exponents are clamped at +-300: denormals would cost ten times the time.
    x = min(max(x, -300.0), 300.0)
    n = floor(x * 1.4426950408889634 + 0.5)
    r = (x - n * 0.6931471805599453) - n * 2.3190468138462996e-17
    return (EXP_POLYNOMIAL) * np.int64((np.int64(n) + 1023) << 52).view(np.float64)


@inline
def sigmoid(x):
    e = exp(-fabs(x))
    r = 1.0 / (1.0 + e)
    return where(x, r, e * r)


@inline
def growth(e):
    # 0.9 e^(-1/ORDER) within [0.1, 8], good to 1 %: the bits of a float, read as an integer, are nearly its logarithm.
    bits = np.float64(min(max(e, 1e-12), 1e12)).view(np.int64) - (4607182418800017408 - 193654783976932)
    return min(8.0, max(0.1, 0.9 * exp(np.float64(bits) * (-1.539095918623324e-16 / ORDER))))
