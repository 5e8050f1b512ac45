"""What it means for the tool in hand that a joint was chosen in a panel."""

from __future__ import annotations

from studio.core import people
from studio.gui.pages.annotate.editor import Editor
from studio.gui.pages.annotate.tools.keypoints import KeypointsTool
from studio.gui.pages.annotate.tools.loop import LoopTool


def choose_joint(editor: Editor, joint: int) -> bool:
    """Select the joint if it is set, else set it next; whether a tool waits for the canvas now."""
    if isinstance(editor.tool, LoopTool):
        editor.tool.pick(joint)
        return True
    content = editor.document.content
    if editor.person is not None and editor.tool_id != "keypoints":
        index = people.joints_of(content, editor.skeleton, editor.person).get(joint)
        if index is not None:
            editor.document.select([index])
            return False
    if editor.tool_id != "keypoints":
        editor.use("keypoints")
    tool = editor.tools["keypoints"]
    assert isinstance(tool, KeypointsTool)
    tool.pick(joint)
    return True
