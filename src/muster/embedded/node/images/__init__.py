"""Images: names that stand for an environment of this machine instead of a file system of their own.

Belongs here: what an image is, those that everybody has, and the file that names further ones.
"""

from muster.embedded.node.images.digest import content_digest
from muster.embedded.node.images.image import Image, UnknownImageError
from muster.embedded.node.images.table import Images

__all__ = ["Image", "Images", "UnknownImageError", "content_digest"]
