"""What training, running, judging and editing share: numpy and cv2 on pictures and points."""
