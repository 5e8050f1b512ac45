"""The tools of the canvas, one file each."""

from studio.gui.pages.annotate.tools.base import Tool
from studio.gui.pages.annotate.tools.head import HeadTool
from studio.gui.pages.annotate.tools.keypoints import KeypointsTool
from studio.gui.pages.annotate.tools.loop import LoopTool
from studio.gui.pages.annotate.tools.path import LineStripTool, PolygonTool
from studio.gui.pages.annotate.tools.point import PointTool
from studio.gui.pages.annotate.tools.select import SelectTool
from studio.gui.pages.annotate.tools.template import TemplateTool
from studio.gui.pages.annotate.tools.two_point import CircleTool, LineTool, RectangleTool

# In the order of the tool bar.
TOOLS: tuple[type[Tool], ...] = (
    SelectTool,
    KeypointsTool,
    LoopTool,
    TemplateTool,
    PolygonTool,
    RectangleTool,
    PointTool,
    LineTool,
    LineStripTool,
    CircleTool,
    HeadTool,
)

__all__ = ["TOOLS", "Tool"]
