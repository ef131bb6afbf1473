REACHED, STOPPED, STEP_LIMIT, STEP_TOO_SMALL, NOT_FINITE, RUNNING = 0, 1, 2, 3, 4, 5


@inline
def load(w, j, states, parameters, i):
    for k in range(N):
        w[(Y + k) * W + j] = states[i, k]
    for k in range(PARAMETERS):
        w[(P + k) * W + j] = parameters[i, k]
    w[NOW * W + j] = 0.0
    w[DT * W + j] = 0.0


@inline
def first_step(w, j):
    f = y = 0.0
    for k in range(N):
        scale = 1.0 / (w[ATOL * W + j] + w[RTOL * W + j] * abs(w[(Y + k) * W + j]))
        f += (w[(F + k) * W + j] * scale) ** 2
        y += (w[(Y + k) * W + j] * scale) ** 2
    # The error of a first step that changes y by a fraction x is of the order of x^ORDER.
    return min(0.5 * w[RTOL * W + j] ** (1.0 / ORDER) * sqrt(y / (f + 1e-300)) + 1e-8, 1.0)


@inline
def is_finite(w, j):
    total = 0.0
    for k in range(N):
        total += abs(w[(Y + k) * W + j]) + abs(w[(F + k) * W + j])
    return total < 1e300


@inline
def next_stop(w, j, now, t_end, save_at, saved):
    stop = t_end
    if saved < len(save_at):
        stop = min(stop, save_at[saved])
    for b in range(BREAKPOINTS):
        kink = w[(BREAKPOINT + b) * W + j]
        if kink > now:
            stop = min(stop, kink)
    return stop


@inline
def save(w, j, now, save_at, saved, output, i):
    while saved < len(save_at) and save_at[saved] <= now:
        for k in range(N):
            output[i, saved, k] = w[(Y + k) * W + j]
        saved += 1
    return saved


@inline
def crossing(t0, t1, g0, g1, r0, r1):
    # Root in [t0, t1] of the cubic with values g and rates r at the ends, by bisection.
    h, low, high = t1 - t0, 0.0, 1.0
    for _ in range(60):
        s = 0.5 * (low + high)
        a = (1.0 + 2.0 * s) * (1.0 - s) ** 2 * g0 + s * s * (3.0 - 2.0 * s) * g1
        g = a + h * s * (1.0 - s) * ((1.0 - s) * r0 - s * r1)
        if (g >= 0.0) == (g0 >= 0.0):
            low = s
        else:
            high = s
    return t0 + h * high


@inline
def look_for_events(w, j, past, event_times, i):
    # past: rows (time, value 0.., rate 0..) at the last accepted state; the first call of a trajectory only fills it.
    now, stopped, fresh = w[NOW * W + j], False, past[j, 0] < 0.0
    for e in range(EVENTS):
        g, rate = w[(EVENT + e) * W + j], w[(RATE + e) * W + j]
        before = past[j, 1 + e]
        if not fresh and np.isnan(event_times[i, e]) and (before >= 0.0) != (g >= 0.0):
            event_times[i, e] = crossing(past[j, 0], now, before, g, past[j, 1 + EVENTS + e], rate)
            stopped = stopped or TERMINAL[e]
        past[j, 1 + e], past[j, 1 + EVENTS + e] = g, rate
    past[j, 0] = now
    return stopped


@compiled
def integrate(
    states,
    parameters,
    t_end,
    save_at,
    rtol,
    atol,
    dt_max,
    max_steps,
    output,
    event_times,
    status,
    accepted,
    rejected,
    times,
):
    """Advance every row of `states` in place; W trajectories at a time, a finished lane takes the next one."""
    w = np.ones(ROWS * W)
    w[RTOL * W : RTOL * W + W] = rtol
    w[ATOL * W : ATOL * W + W] = atol
    count = len(states)
    if count == 0:
        return
    following = live = min(W, count)
    index, finite, saved, landing = np.full(W, -1), np.ones(W, np.bool_), np.zeros(W, np.int64), np.zeros(W, np.bool_)
    proposed, past = np.zeros(W), np.full((W, 1 + 2 * EVENTS), -1.0)
    for j in range(W):
        load(w, j, states, parameters, min(j, count - 1))
        if j < count:
            index[j] = j
    prepare(w)
    while live > 0:
        linearise(w)
        for j in range(W):
            i = index[j]
            if i < 0:
                continue
            now = w[NOW * W + j]
            if proposed[j] == 0.0:
                finite[j] = is_finite(w, j)
                saved[j] = save(w, j, now, save_at, 0, output, i)
                proposed[j] = min(first_step(w, j), dt_max)
            stop = next_stop(w, j, now, t_end[i], save_at, saved[j])
            landing[j] = not (now + proposed[j] * 1.0001 < stop)
            w[DT * W + j] = stop - now if landing[j] else proposed[j]
        step(w)
        loaded = False
        for j in range(W):
            i = index[j]
            if i < 0:
                continue
            now, dt, e, outcome = w[NOW * W + j], w[DT * W + j], w[ERROR * W + j], RUNNING
            if not finite[j]:
                outcome = NOT_FINITE
            elif EVENTS > 0 and look_for_events(w, j, past, event_times, i):
                outcome = STOPPED
            elif now >= t_end[i]:
                outcome = REACHED
            else:
                growth = w[GROWTH * W + j] if e < 1e300 else 0.1
                if e <= 1.0:
                    accepted[i] += 1
                    now = next_stop(w, j, now, t_end[i], save_at, saved[j]) if landing[j] else now + dt
                    w[NOW * W + j] = now
                    for k in range(N):
                        w[(Y + k) * W + j] = w[(Z + k) * W + j]
                    saved[j] = save(w, j, now, save_at, saved[j], output, i)
                    # A step that was cut to land on a stop says little about the next one.
                    proposed[j] = min(max(dt * growth, proposed[j]) if landing[j] else dt * growth, dt_max)
                    if EVENTS == 0 and now >= t_end[i]:
                        outcome = REACHED
                else:
                    rejected[i] += 1
                    proposed[j] = dt * growth
                if outcome == RUNNING and accepted[i] + rejected[i] >= max_steps:
                    outcome = STEP_LIMIT
                elif outcome == RUNNING and not proposed[j] > 1e-15 * (now + 1e-3):
                    outcome = STEP_TOO_SMALL
            if outcome != RUNNING:
                for k in range(N):
                    states[i, k] = w[(Y + k) * W + j]
                status[i], times[i] = outcome, now
                index[j] = following if following < count else -1
                load(w, j, states, parameters, min(following, count - 1))
                following += 1
                proposed[j], past[j, 0], loaded = 0.0, -1.0, True
                if index[j] < 0:
                    live -= 1
        if loaded:
            prepare(w)


@compiled
def observe_all(states, parameters, output):
    """Observables (n, OBSERVABLES) of every row of `states`."""
    w = np.ones(OBSERVER_ROWS * W)
    count = len(states)
    for start in range(0, count, W):
        for j in range(W):
            i = min(start + j, count - 1)
            for k in range(N):
                w[k * W + j] = states[i, k]
            for k in range(PARAMETERS):
                w[(N + k) * W + j] = parameters[i, k]
        observe(w)
        for j in range(min(W, count - start)):
            for k in range(OBSERVABLES):
                output[start + j, k] = w[(N + PARAMETERS + k) * W + j]
