"""A family that learns nothing in no time: what is around a training is what it is for."""
