"""Starts a JVM with the heap that RUDDER_HEAP asks for: kernel_start.py [--heap DEFAULT] JAVA OPTION...

Notebooks' kernels, binder/demo and binder/experiment start through this program. The heap is for Java's own arrays;
weights lie outside it. Faults are said on stderr. A kernel's stderr is a log that nobody reads, and a kernel that does
not start says nothing in the notebook. So a wrong heap starts the JVM with the default, and an old JVM starts without
the module that it lacks: then notebooks/setup.jshell says what is wrong, in the first cell.
"""
import os
import re
import shutil
import sys
from pathlib import Path

DEFAULT = "1g"
LEAST = 256 << 20
UNITS = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
JAVA = 17
VECTORS = ["--add-modules", "jdk.incubator.vector"]


def heap(asked, default=DEFAULT):
    """Returns the heap for a value of RUDDER_HEAP, and what is wrong with the value, if anything."""
    asked = asked.strip()
    if not asked:
        return default, None
    match = re.fullmatch("([0-9]{1,9})([kmg])", asked, re.IGNORECASE)
    if match and int(match[1]) * UNITS[match[2].lower()] >= LEAST:
        return asked, None
    return default, (f"RUDDER_HEAP is \"{asked}\", wanted a number and k, m or g, at least 256m, such as 4g: the heap is "
                     f"{default} now; set it right, and start Jupyter or this program again.")


def version(java):
    """Returns the version of the JDK that a command starts, from its file `release`; None where there is no such file.

    A JVM that is only asked for its version would take a tenth of a second of each start. In JDK 8 the file lies one
    folder further up.
    """
    found = shutil.which(java)
    for home in list(Path(found).resolve().parents)[1:3] if found else []:
        try:
            match = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', (home / "release").read_text(), re.M)
        except OSError:
            continue
        if match:
            return int(match[1])
    return None


def without(options, left_out):
    """Returns the options without a run of them."""
    for i in range(len(options)):
        if options[i:i + len(left_out)] == left_out:
            return options[:i] + options[i + len(left_out):]
    return options


def main():
    arguments, default = sys.argv[1:], DEFAULT
    if arguments[:1] == ["--heap"]:
        default, arguments = arguments[1], arguments[2:]
    java, *options = arguments
    size, fault = heap(os.environ.get("RUDDER_HEAP", ""), default)
    if fault:
        print(fault, file=sys.stderr, flush=True)
        options = [f"-Drudder.fault={fault}", *options]
    found = version(java)
    if found and found < JAVA:
        print(f"Rudder needs Java {JAVA} or later, and {java} is Java {found}: set JAVA_HOME to a JDK of {JAVA} or later, "
              "and run binder/reproduce in Rudder's folder.", file=sys.stderr, flush=True)
        options = without(options, VECTORS)
    try:
        os.execvp(java, [java, f"-Xmx{size}", *options])
    except FileNotFoundError:
        sys.exit(f"there is no {java}: install a JDK of {JAVA} or later, or set JAVA_HOME to one, and run "
                 "binder/reproduce in Rudder's folder.")


if __name__ == "__main__":
    main()
