"""Everything heavy: each job is `run(options, context) -> result` in a process of its own."""
