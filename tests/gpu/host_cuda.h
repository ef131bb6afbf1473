// The words of CUDA that the kernels use, for a compiler of ordinary processors: a thread is whoever calls the kernel.
#include <cmath>
#include <cstdint>
#include <cstring>

#define INLINE static inline
#define IN_MEMORY(w)
#define __global__
#define __constant__
#define __launch_bounds__(...)

static const struct { unsigned x; } threadIdx = {0}, blockIdx = {0}, blockDim = {1}, gridDim = {1};

using std::isnan;

static inline unsigned long long atomicAdd(unsigned long long* at, unsigned long long value) {
    return __atomic_fetch_add(at, value, __ATOMIC_RELAXED);
}

static inline uint64_t bits(double x) {
    uint64_t b;
    std::memcpy(&b, &x, 8);
    return b;
}

static inline double from_bits(uint64_t b) {
    double x;
    std::memcpy(&x, &b, 8);
    return x;
}

static inline long long __double_as_longlong(double x) { return (long long)bits(x); }

static inline int __double2loint(double x) { return (int)(uint32_t)bits(x); }

static inline double __hiloint2double(int high, int low) {
    return from_bits((uint64_t)(uint32_t)high << 32 | (uint32_t)low);
}

static inline double rough_reciprocal(double x) {
    // as the hardware: 20 bits of the mantissa, subnormal numbers are zero
    if (std::fabs(x) < 2.2250738585072014e-308) return std::copysign(INFINITY, x);
    const double r = from_bits(bits(1.0 / x) & 0xFFFFFFFF00000000u);
    return std::fabs(r) < 2.2250738585072014e-308 ? std::copysign(0.0, r) : r;
}

static inline double rough_reciprocal_root(double x) {
    // as the hardware: 20 bits; a negative argument has none, infinity has zero
    if (std::fabs(x) < 2.2250738585072014e-308) return std::copysign(INFINITY, x);
    return x < 0.0 ? NAN : from_bits(bits(1.0 / std::sqrt(x)) & 0xFFFFFFFF00000000u);
}
