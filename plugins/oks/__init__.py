"""People told apart by their poses: the studio's own tracker."""
