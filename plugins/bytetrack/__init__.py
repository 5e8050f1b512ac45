"""People told apart by their boxes: ByteTrack, and BoT-SORT's camera motion beside it."""
