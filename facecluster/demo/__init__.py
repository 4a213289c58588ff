"""A library of drawn people, to try facecluster and to test it without anybody's photo."""

from facecluster.demo.library import DemoLibrary, DrawnFace, DrawnPhoto, draw_library

__all__ = ["DemoLibrary", "DrawnFace", "DrawnPhoto", "draw_library"]
