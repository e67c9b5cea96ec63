"""Importing this package registers every scenario, in the order of `benchmark list` and `benchmark all`."""

from monitoring.lab.benchmarks.scenarios import baseline as baseline
from monitoring.lab.benchmarks.scenarios import cache as cache
from monitoring.lab.benchmarks.scenarios import ingest as ingest
from monitoring.lab.benchmarks.scenarios import outage as outage
from monitoring.lab.benchmarks.scenarios import parallel_legs as parallel_legs
from monitoring.lab.benchmarks.scenarios import pool as pool
from monitoring.lab.benchmarks.scenarios import reindex_while_serving as reindex_while_serving
from monitoring.lab.benchmarks.scenarios import search as search
from monitoring.lab.benchmarks.scenarios import single_flight as single_flight
from monitoring.lab.benchmarks.scenarios import soak as soak
from monitoring.lab.benchmarks.scenarios import streams as streams
