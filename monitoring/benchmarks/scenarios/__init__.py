"""Importing this package registers every scenario, in the order of `benchmark list` and `benchmark all`."""

from monitoring.benchmarks.scenarios import baseline as baseline
from monitoring.benchmarks.scenarios import cache as cache
from monitoring.benchmarks.scenarios import ingest as ingest
from monitoring.benchmarks.scenarios import outage as outage
from monitoring.benchmarks.scenarios import parallel_legs as parallel_legs
from monitoring.benchmarks.scenarios import pool as pool
from monitoring.benchmarks.scenarios import reindex_while_serving as reindex_while_serving
from monitoring.benchmarks.scenarios import search as search
from monitoring.benchmarks.scenarios import single_flight as single_flight
from monitoring.benchmarks.scenarios import soak as soak
from monitoring.benchmarks.scenarios import streams as streams
