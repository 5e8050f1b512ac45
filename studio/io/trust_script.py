"""What a TorchScript file would do, found out without opening it.

Its program is text in the archive, and calls the library's operators by name (`torch.conv2d(...)`,
`ops.prim.NumToTensor(...)`). A network needs few of them; others read and write files of whoever
opens it. Nothing heavy is imported here.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

SUFFIX = ".torchscript"

_LARGEST = 64 << 20
_CALL = re.compile(r"(?<![\w.])(?:torch|ops(?:\s*\.\s*\w+)+)\s*\.\s*\w+")
# An operator may stand as a method of its first value, too.
_METHOD = re.compile(r"\.\s*(\w+)\s*\(")
_OWN = re.compile(r"forward\d*|__init__")
_OPERATORS = """
torch.{name}Tensor Device Generator device jit abs add add_ addmm all any arange argmax
avg_pool2d adaptive_avg_pool2d adaptive_max_pool2d batch_norm baddbmm bmm broadcast_tensors
cat ceil chunk clamp clamp_ clamp_max clamp_min clone contiguous conv1d conv2d _convolution
_convolution_mode constant_pad_nd copy_ cos cross cumsum depthwise_conv2d detach div div_
dropout einsum elu embedding empty empty_like eq erf exp expand expand_as flatten flip floor
floor_divide floordiv format full full_like gather ge gelu gelu_ glu grid_sampler group_norm
gt hardsigmoid hardsigmoid_ hardswish hardswish_ hardtanh hardtanh_ index index_select
instance_norm Int IntImplicit ScalarImplicit FloatImplicit Bool Float item layer_norm le
leaky_relu leaky_relu_ len linalg_cross linalg_norm linalg_vector_norm linear linspace list
log log_softmax logical_and logical_not logical_or lt masked_fill matmul max max_pool2d
maximum mean meshgrid min minimum mish mish_ mm movedim mul mul_ narrow ne neg new_full
new_ones new_zeros norm numel ones ones_like permute pixel_shuffle pixel_unshuffle pow prelu
reciprocal reflection_pad2d relu relu6 relu6_ relu_ remainder repeat repeat_interleave
replication_pad2d reshape reshape_as roll round rsqrt rsub scalar_tensor
scaled_dot_product_attention select sigmoid sigmoid_ sign silu silu_ sin size slice softmax
softplus split split_with_sizes sqrt squeeze squeeze_ stack std sub sub_ sum t tan tanh tanh_
tensor tensor_split tile to topk transpose tril triu true_divide type_as unbind unflatten
unsqueeze unsqueeze_ upsample_bicubic2d upsample_bilinear2d upsample_nearest2d
_upsample_nearest_exact2d var view view_as where zeros zeros_like __and__ __not__ __is__
__isnot__ __contains__ __getitem__ append warn dim dtype
"""
_PLAIN = frozenset(f"torch.{name}" for name in _OPERATORS.split()) | frozenset(
    {"ops.prim.NumToTensor", "ops.prim.dtype", "ops.prim.device", "ops.prim.data",
     "ops.prim.min", "ops.prim.max", "ops.prim.unchecked_cast", "ops.prim.is_cuda",
     "ops.torchvision.nms", "ops.torchvision.deform_conv2d", "ops.torchvision.roi_align"}
)  # fmt: skip

# What no network needs: files of whoever opens it.
MISCHIEF = frozenset({"torch.save", "torch.load", "torch.from_file"})


def operators(path: Path) -> Iterable[str]:
    """The operators that the file's program calls, as "torch.conv2d". A file that is no archive
    calls none. Raises zipfile.BadZipFile, OSError, EOFError, ValueError where it is damaged.
    """
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if PurePosixPath(entry.filename).suffix == ".py":
                if entry.file_size > _LARGEST:
                    raise ValueError(f"{entry.filename} is too large for a program.")
                yield from _named(archive.read(entry).decode("utf-8", "replace"))


def _named(text: str) -> Iterable[str]:
    for found in _CALL.findall(text):
        yield re.sub(r"\s+", "", found)
    for method in _METHOD.findall(_CALL.sub("", text)):
        if not _OWN.fullmatch(method):
            yield f"torch.{method}"


def is_plain(operator: str) -> bool:
    """Whether a network of pictures needs it, and it touches nothing else."""
    return operator in _PLAIN
