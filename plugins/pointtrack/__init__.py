"""People found now and then, their joints followed between by a network that tracks points."""
