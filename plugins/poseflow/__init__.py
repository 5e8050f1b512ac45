"""People told apart as PoseFlow's guide does: by pictures' features and by poses."""
