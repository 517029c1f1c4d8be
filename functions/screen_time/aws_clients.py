"""How every AWS client of the function behaves when the network or AWS does not."""

from botocore.config import Config

CLIENT_CONFIG = Config(connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 4})
"""Botocore waits a minute for an answer by default, several times over: longer than a lease, and too much of the time
that a function has. What fails four times fails the attempt, and the queue tries again later."""
