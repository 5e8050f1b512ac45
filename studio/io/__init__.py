"""Reads and writes files: pictures, videos, labelme, COCO, YOLO, the project folder."""
