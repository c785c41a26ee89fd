"""Contract suites and doubles, shipped so that an adapter of yours can be proven."""
