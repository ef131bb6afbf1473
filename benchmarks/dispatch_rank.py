"""One rank of benchmarks/dispatch.py: takes items until there are none, prints how long that took."""

import json
import sys
import time

import numpy as np

from vicollapse.parallel.team import joined

items, pause = int(sys.argv[1]), float(sys.argv[2])
with joined() as team, team.queue(items) as queue:
    waited = []
    team.meet()
    start = before = time.perf_counter()
    while queue.take() is not None:
        waited.append(time.perf_counter() - before)
        time.sleep(pause)
        before = time.perf_counter()
    seconds = time.perf_counter() - start
    everything = np.concatenate(team.gather(np.array(waited)))
    longest = max(team.gather(seconds))
    if team.is_first:
        median, high = 1e6 * np.quantile(everything, [0.5, 0.99])
        print(json.dumps({"takes_per_second": items / longest, "median": median, "high": high}))
