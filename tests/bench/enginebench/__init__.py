"""The engine bench: servers side by side, measured in turns. See tests/bench/engine --help."""
