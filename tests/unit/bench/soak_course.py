"""The course that soaks are on in tests."""

from bench.soak.course import Course

COURSE = Course(
    flows=10,
    seconds=200.0,
    rest_seconds=100.0,
    period_seconds=0.5,
    sample_seconds=2.0,
    growth=0.1,
    seed=1,
)
