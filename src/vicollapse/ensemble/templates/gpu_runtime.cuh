// Elementary functions on a GPU: the polynomials of the CPU kernels, without divisions, calls or branches.
// No fast-math, no fmin, no fmax: failures are recognised by NaN, and those functions drop it.
#ifdef __CUDACC__
#define INLINE static __device__ __forceinline__
// The compiler would carry the Jacobian in registers from one phase of a step to the next, and spill others for it.
#define IN_MEMORY(w) asm volatile("" ::"l"(w) : "memory")

INLINE double rough_reciprocal(double x) {
    double r;
    asm("rcp.approx.ftz.f64 %0, %1;" : "=d"(r) : "d"(x));
    return r;
}

INLINE double rough_reciprocal_root(double x) {
    double r;
    asm("rsqrt.approx.ftz.f64 %0, %1;" : "=d"(r) : "d"(x));
    return r;
}
#endif  // else: whoever builds this for another machine has defined the words of CUDA that are used here

namespace flow {

enum Outcome { REACHED, STOPPED, STEP_LIMIT, STEP_TOO_SMALL, NOT_FINITE, RUNNING };

INLINE double where(double s, double x, double y) { return s >= 0.0 ? x : y; }

INLINE double smaller(double x, double y) { return y < x ? y : x; }

INLINE double larger(double x, double y) { return x >= y ? x : y; }

INLINE double reciprocal(double x) {
    // 20 bits from the table of the hardware, doubled by each of two Newton steps.
    double r = rough_reciprocal(x);
    r = fma(r, fma(-x, r, 1.0), r);
    return fma(r, fma(-x, r, 1.0), r);
}

INLINE double reciprocal_root(double x) {
    double r = rough_reciprocal_root(x);
    r = fma(0.5 * r, fma(-x * r, r, 1.0), r);
    return fma(0.5 * r, fma(-x * r, r, 1.0), r);
}

INLINE double exp(double x) {
    // Adding 1.5 * 2^52 rounds to the nearest integer and leaves it in the low word.
    x = x > 300.0 ? 300.0 : x < -300.0 ? -300.0 : x;
    const double shifted = fma(x, 1.4426950408889634, 6755399441055744.0);
    const double n = shifted - 6755399441055744.0;
    const double r = fma(-n, 2.3190468138462996e-17, fma(-n, 0.6931471805599453, x));
    return (EXP_POLYNOMIAL) * __hiloint2double((__double2loint(shifted) + 1023) << 20, 0);
}

INLINE double sigmoid(double x) {
    const double e = exp(-fabs(x)), r = reciprocal(1.0 + e);
    return where(x, r, e * r);
}

INLINE double growth(double e, int order) {
    // 0.9 e^(-1/order) within [0.1, 8], good to 1 %: the bits of a float, read as an integer, are nearly its logarithm.
    const long long bits = __double_as_longlong(smaller(larger(e, 1e-12), 1e12));
    const double logarithm = (double)(bits - (4607182418800017408LL - 193654783976932LL));
    return smaller(8.0, larger(0.1, 0.9 * exp(logarithm * (-1.539095918623324e-16 / order))));
}
