"""DLPack: how array libraries hand arrays to each other without a copy, here without any of them.

Read and written with ctypes, since NumPy reads the memory of the processor only, and no library that reads a GPU's
runs on everything the farm runs on. The structures are those of dlpack.h, versions 0.2 to 1.1.
"""

from .borrow import Borrowed, borrow
from .lend import Lent

__all__ = ["Borrowed", "Lent", "borrow"]
