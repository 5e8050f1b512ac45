"""AIPP: what the chip does to a picture's bytes before the network sees them, as the configuration
file of `atc --insert_op_conf` says it. The channels change places first; then each becomes
(value - mean_chn - min_chn) * var_reci_chn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import InputSpec
from studio.core.errors import ModelError

CHANNELS = 3
_LINE = re.compile(r"^\s*(\w+)\s*:\s*(\S+)\s*$", re.MULTILINE)


def config_text(spec: InputSpec, source: str) -> str:
    """The file for bytes in the order `source` ("bgr", "rgb") of `spec.size`, which become what
    `spec` asks for.
    """
    height, width = spec.size
    lines = [
        "aipp_mode: static",
        "related_input_rank: 0",
        "input_format: RGB888_U8",
        f"src_image_size_w: {width}",
        f"src_image_size_h: {height}",
        "crop: false",
        "csc_switch: false",
        f"rbuv_swap_switch: {str(spec.color != source).lower()}",
        *(f"mean_chn_{c}: 0" for c in range(CHANNELS)),
        *(f"min_chn_{c}: {255 * spec.mean[c]:.9g}" for c in range(CHANNELS)),
        *(f"var_reci_chn_{c}: {1 / (255 * spec.std[c]):.9g}" for c in range(CHANNELS)),
    ]
    return "aipp_op {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def read_config(text: str) -> Mapping[str, str]:
    """The values of such a file. Raises ModelError where it is none."""
    found = dict(_LINE.findall(text))
    if "input_format" not in found:
        raise ModelError("The AIPP file says no input format.", hint="Export the model again.")
    return found


def emulated(
    config: Mapping[str, str], pictures: npt.NDArray[np.uint8], kind: Any = np.float32
) -> npt.NDArray[np.float32]:
    """What the chip makes of `pictures` (N, H, W, 3) uint8: (N, 3, H, W) float32. kind: how the
    chip holds numbers; float16 rounds as it does.
    """
    planes = pictures[..., ::-1] if config["rbuv_swap_switch"] == "true" else pictures
    values = planes.transpose(0, 3, 1, 2).astype(kind)
    for name in ("mean_chn", "min_chn"):
        values = (values - _channels(config, name, kind)).astype(kind)
    values = (values * _channels(config, "var_reci_chn", kind)).astype(kind)
    return np.ascontiguousarray(values, dtype=np.float32)


def _channels(config: Mapping[str, str], name: str, kind: Any) -> Any:
    values = [float(config[f"{name}_{c}"]) for c in range(CHANNELS)]
    return np.array(values, kind).reshape(1, -1, 1, 1)
