"""The local stack, broken on purpose: `python -m tests.faults SCENARIO`."""
