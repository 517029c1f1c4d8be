"""What holds for every test."""

from hypothesis import settings

# A busy machine takes its time now and then; that a test has an end, pytest's time-out sees to.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
