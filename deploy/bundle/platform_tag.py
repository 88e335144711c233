"""Prints which wheels this Python can install, such as cpython-311-linux-x86_64."""

import sys
import sysconfig

sys.stdout.write(f"{sys.implementation.cache_tag}-{sysconfig.get_platform()}\n")
