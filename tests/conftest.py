"""Machines differ in speed, and no test depends on it: hypothesis must not either."""

from hypothesis import settings

settings.register_profile("hearken", deadline=None)
settings.load_profile("hearken")
