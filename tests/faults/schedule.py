# SPDX-License-Identifier: BSD-2-Clause
"""From a seed to what is done when: the same seed, lane and faults give the same schedule, whatever happens in the run."""
import random
from dataclasses import dataclass


@dataclass
class Step:
    gap: float  # seconds after the step before was over
    fault: object
    drawn: dict

    def __str__(self):
        drawn = " ".join(f"{k}={v:.3f}" if isinstance(v, float) else f"{k}={v}" for k, v in self.drawn.items())
        return f"{self.gap:.3f} {self.fault.name} {drawn}".rstrip()


def schedule(seed, lane, faults, strikes):
    """`strikes` steps of these faults (objects), each as likely as the others; every fault comes at least once."""
    rng = random.Random(f"{seed} {lane.name} {' '.join(f.name for f in faults)}")
    order = [faults[i % len(faults)] if i < len(faults) else rng.choice(faults) for i in range(strikes)]
    rng.shuffle(order)
    return [Step(rng.uniform(*f.gap), f, f.draw(rng)) for f in order]
