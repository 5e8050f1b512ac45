"""What the torch families share: loop, hooks, augmentation, checkpoints, devices."""
