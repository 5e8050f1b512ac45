"""Head pose by one rotation: a backbone, six numbers, and a rotation made of them."""
