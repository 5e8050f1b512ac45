"""KPNet: the joints of one instance a category, found in whole frames of a clip."""
