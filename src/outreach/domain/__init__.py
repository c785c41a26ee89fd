"""Facts (frozen values) and rules (pure functions of facts, ``now`` and ``rng``)."""
