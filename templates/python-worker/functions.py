"""Two functions for the mesh: a forecast from past values, and a stream. Add your own, or import your model here."""

import random
import time

from mpreg_worker import context, function, serve


@function(version="1.0.0", idempotent=True, resources=["python"])
def forecast(values, days=3):
    """Continues a row of numbers along its straight line (least squares)."""
    count = len(values)
    if count < 2:
        raise ValueError(f"a line takes two values at least, and there are {count}")
    middle = (count - 1) / 2
    mean = sum(values) / count
    spread = sum((i - middle) ** 2 for i in range(count))
    slope = sum((i - middle) * (value - mean) for i, value in enumerate(values)) / spread
    return [round(mean + slope * (count + day - middle), 3) for day in range(days)]


@function(resources=["python"], concurrency=4)
def simulate(seed, steps=10):
    """A random walk, one step per item: mpreg call simulate 7 --stream"""
    dice = random.Random(seed)
    place = 0
    for _ in range(steps):
        context().check()
        place += dice.choice((-1, 1))
        yield place
        time.sleep(0.05)
    print(f"the walk ended at {place}")  # to the log


if __name__ == "__main__":
    serve()
