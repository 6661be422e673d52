"""Starts a kernel's JVM with the heap that RUDDER_HEAP asks for: kernel_start.py JAVA OPTION...

The heap is for Java's own arrays; weights lie outside it. A kernel that does not start leaves its reason in a log that
nobody reads. So a wrong value starts it with the default, and notebooks/setup.jshell says what was wrong.
"""
import os
import re
import sys

DEFAULT = "1g"
LEAST = 256 << 20
UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def options(asked):
    """Returns the JVM's options for a value of RUDDER_HEAP."""
    asked = asked.strip()
    if not asked:
        return ["-Xmx" + DEFAULT]
    match = re.fullmatch("([0-9]{1,9})([kmg])", asked, re.IGNORECASE)
    if match and int(match[1]) * UNITS[match[2].lower()] >= LEAST:
        return ["-Xmx" + asked]
    return ["-Xmx" + DEFAULT, f"-Drudder.fault=RUDDER_HEAP is \"{asked}\", wanted a number and k, m or g, at least 256m, "
            f"such as 4g: the heap is {DEFAULT} now; set it right and start Jupyter again."]


if __name__ == "__main__":
    java, *rest = sys.argv[1:]
    os.execvp(java, [java, *options(os.environ.get("RUDDER_HEAP", "")), *rest])
