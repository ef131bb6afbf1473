// One thread advances one trajectory, and takes the next one from the queue when it has ended. The control of steps,
// the statuses and their order are those of the lanes on the CPU.

constexpr double HOPELESS = -1.0;  // in place of a step, where the start is not finite

INLINE double step(double* w, double now, double dt, double rtol, double atol, double (&z)[N]) {
    // New state in z; returns the norm of the error.
    const double per_dt = reciprocal(dt);
    double f[N], k[N], e[N];
    factorise(w, per_dt);
    IN_MEMORY(w);
    for (int i = 0; i < N; ++i) f[i] = w[F + i];
#pragma unroll 1
    for (int stage = 0; stage < STAGES; ++stage) {
        for (int i = 0; i < N; ++i) z[i] = w[Y + i];
#pragma unroll 1
        for (int s = 0; s < stage; ++s)
            for (int i = 0; i < N; ++i) z[i] += A[stage * STAGES + s] * w[K + s * N + i];
        if (EVALUATED[stage]) rates(w, z, now + NODES[stage] * dt, f);
        for (int i = 0; i < N; ++i) k[i] = 0.0;
#pragma unroll 1
        for (int s = 0; s < stage; ++s)
            for (int i = 0; i < N; ++i) k[i] += C[stage * STAGES + s] * w[K + s * N + i];
        for (int i = 0; i < N; ++i) {
            k[i] = f[i] + per_dt * k[i];
            if (!AUTONOMOUS) k[i] += SLOPES[stage] * dt * w[FT + i];
        }
        substitute(w, k);
        for (int i = 0; i < N; ++i) w[K + stage * N + i] = k[i];
    }
    for (int i = 0; i < N; ++i) z[i] = w[Y + i], e[i] = 0.0;
#pragma unroll 1
    for (int s = 0; s < STAGES; ++s)
        for (int i = 0; i < N; ++i) {
            z[i] += NEW[s] * w[K + s * N + i];
            e[i] += ERROR[s] * w[K + s * N + i];
        }
    return norm(w, z, e, rtol, atol);
}

INLINE double first_step(const double* w, double rtol, double atol) {
    double f = 0.0, y = 0.0;
    for (int k = 0; k < N; ++k) {
        const double scale = reciprocal(atol + rtol * fabs(w[Y + k]));
        f += (w[F + k] * scale) * (w[F + k] * scale);
        y += (w[Y + k] * scale) * (w[Y + k] * scale);
    }
    // The error of a first step that changes y by a fraction x is of the order of x^ORDER.
    return smaller(0.5 * pow(rtol, 1.0 / ORDER) * sqrt(y / (f + 1e-300)) + 1e-8, 1.0);
}

INLINE bool is_finite(const double* w) {
    double total = 0.0;
    for (int k = 0; k < N; ++k) total += fabs(w[Y + k]) + fabs(w[F + k]);
    return total < 1e300;
}

INLINE double next_stop(const double* w, double now, double t_end, const double* save_at, int saves, int saved) {
    double stop = t_end;
    if (saved < saves) stop = smaller(stop, save_at[saved]);
    for (int b = 0; b < BREAKPOINTS; ++b)
        if (w[BREAKPOINT + b] > now) stop = smaller(stop, w[BREAKPOINT + b]);
    return stop;
}

INLINE int save(const double* w, double now, const double* save_at, int saves, int saved, double* output) {
    for (; saved < saves && save_at[saved] <= now; ++saved)
        for (int k = 0; k < N; ++k) output[(long long)saved * N + k] = w[Y + k];
    return saved;
}

INLINE double crossing(double t0, double t1, double g0, double g1, double r0, double r1) {
    // Root in [t0, t1] of the cubic with values g and rates r at the ends, by bisection.
    const double h = t1 - t0;
    double low = 0.0, high = 1.0;
#pragma unroll 1
    for (int turn = 0; turn < 60; ++turn) {
        const double s = 0.5 * (low + high);
        const double a = (1.0 + 2.0 * s) * ((1.0 - s) * (1.0 - s)) * g0 + s * s * (3.0 - 2.0 * s) * g1;
        const double g = a + h * s * (1.0 - s) * ((1.0 - s) * r0 - s * r1);
        if ((g >= 0.0) == (g0 >= 0.0)) low = s; else high = s;
    }
    return t0 + h * high;
}

INLINE bool look_for_events(const double* w, double now, double* past, double* event_times) {
    // past: time, values, rates at the last accepted state; the first call of a trajectory only fills it.
    bool stopped = false;
    const bool fresh = past[0] < 0.0;
    for (int e = 0; e < EVENTS; ++e) {
        const double g = w[EVENT + e], rate = w[RATE + e], before = past[1 + e];
        if (!fresh && isnan(event_times[e]) && (before >= 0.0) != (g >= 0.0)) {
            event_times[e] = crossing(past[0], now, before, g, past[1 + EVENTS + e], rate);
            stopped = stopped || TERMINAL[e];
        }
        past[1 + e] = g;
        past[1 + EVENTS + e] = rate;
    }
    past[0] = now;
    return stopped;
}

extern "C" __global__ void __launch_bounds__(THREADS, BLOCKS)
integrate(unsigned long long* queue, long long count, double* states, const double* parameters, const double* t_end,
          const double* save_at, long long saves, double rtol, double atol, double dt_max, long long max_steps,
          double* output, double* event_times, long long* status, long long* accepted, long long* rejected,
          double* times) {
    double w[ROWS], z[N], past[1 + 2 * EVENTS], now = 0.0, proposed = 0.0;
    long long i = 0;
    unsigned good = 0, bad = 0;
    int saved = 0;
    for (;;) {
        const bool fresh = proposed == 0.0;
        if (fresh) {
            i = atomicAdd(queue, 1ULL);
            if (i >= count) return;
            for (int k = 0; k < N; ++k) w[Y + k] = states[i * N + k];
            for (int k = 0; k < PARAMETERS; ++k) w[P + k] = parameters[i * PARAMETERS + k];
            prepare(w);
            now = 0.0, past[0] = -1.0, good = bad = 0;
        }
        linearise(w, now);
        IN_MEMORY(w);
        if (fresh) {
            saved = save(w, now, save_at, saves, 0, output + i * saves * N);
            proposed = is_finite(w) ? smaller(first_step(w, rtol, atol), dt_max) : HOPELESS;
        }
        const double stop = next_stop(w, now, t_end[i], save_at, saves, saved);
        const bool landing = !(now + proposed * 1.0001 < stop);
        const double dt = landing ? stop - now : proposed;
        const double e = step(w, now, dt, rtol, atol, z);
        Outcome outcome = RUNNING;
        if (proposed == HOPELESS) outcome = NOT_FINITE;
        else if (EVENTS > 0 && look_for_events(w, now, past, event_times + i * EVENTS)) outcome = STOPPED;
        else if (now >= t_end[i]) outcome = REACHED;
        else {
            const double factor = e < 1e300 ? growth(e, ORDER) : 0.1;
            if (e <= 1.0) {
                ++good;
                now = landing ? stop : now + dt;
                for (int k = 0; k < N; ++k) w[Y + k] = z[k];
                saved = save(w, now, save_at, saves, saved, output + i * saves * N);
                // A step that was cut to land on a stop says little about the next one.
                proposed = smaller(landing ? larger(dt * factor, proposed) : dt * factor, dt_max);
                if (EVENTS == 0 && now >= t_end[i]) outcome = REACHED;
            } else {
                ++bad;
                proposed = dt * factor;
            }
            if (outcome == RUNNING && good + bad >= max_steps) outcome = STEP_LIMIT;
            else if (outcome == RUNNING && !(proposed > 1e-15 * (now + 1e-3))) outcome = STEP_TOO_SMALL;
        }
        if (outcome != RUNNING) {
            for (int k = 0; k < N; ++k) states[i * N + k] = w[Y + k];
            status[i] = outcome, accepted[i] = good, rejected[i] = bad, times[i] = now;
            proposed = 0.0;
        }
    }
}

extern "C" __global__ void observe_all(long long count, const double* states, const double* parameters,
                                       double* output) {
    const long long first = blockIdx.x * (long long)blockDim.x + threadIdx.x;
    for (long long i = first; i < count; i += gridDim.x * (long long)blockDim.x)
        observe(states + i * N, parameters + i * PARAMETERS, output + i * OBSERVABLES);
}

}  // namespace flow
