"""Say what a weights file is: its family opens it, in a process of its own.

The result is {"artifact": the content of a model.json, "folder": where the weights stand}.
"""

from __future__ import annotations

from typing import Any

from studio.core.job import JobContext
from studio.core.requests.describe import DescribeOptions
from studio.runtime.artifacts import load_artifact


def run(options: DescribeOptions, context: JobContext) -> dict[str, Any]:
    """See the module. Raises ModelError, FileProblem."""
    artifact = load_artifact(options.model)
    context.check()
    return {"artifact": artifact.to_mapping(), "folder": str(artifact.weights.parent)}
