"""Parts of tests/bench/failover: writers that remember what was acknowledged, and the two houses they write to."""
