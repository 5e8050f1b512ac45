"""YOLO pose models through ultralytics: the only room that imports it."""
