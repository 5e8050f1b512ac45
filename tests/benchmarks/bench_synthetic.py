"""How fast people are drawn, on one core."""

from __future__ import annotations

import time
from collections.abc import Iterable

import cv2

from studio.vision.synthetic import make_clip, make_picture
from tests.benchmarks import Report

PICTURES = 100


def run(report: Report) -> None:
    """Pictures with labels, and frames of a film; processor time, as other programs run besides."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        make_picture(0, 320)
        rate = _rate(make_picture(seed, 320) for seed in range(PICTURES))
        report.add("drawn pictures at 320 px", rate, "/s", at_least=60)
        rate = _rate(make_clip(0, PICTURES, (640, 480), 3))
        report.add("film frames at 640 x 480, 3 people", rate, "/s", at_least=25)
    finally:
        cv2.setNumThreads(threads)


def _rate(pictures: Iterable[object]) -> float:
    began = time.process_time()
    count = sum(1 for _ in pictures)
    return count / (time.process_time() - began)
