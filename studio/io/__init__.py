"""Reads and writes files: pictures, videos, labelme, COCO, YOLO, the project folder; and reaches
tool-chains in environments of their own.
"""
