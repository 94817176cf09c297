"""Parts of tests/bench/api: the servers under measurement, the load, and a host that only exists on paper."""
