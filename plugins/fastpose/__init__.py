"""fastpose: joints of one person in a crop, by heatmaps or by rows of bins."""
