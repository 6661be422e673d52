"""Points the kernel `java` of this Python environment straight at a JDK.

The kernelspec that pip installs starts a launcher which starts the kernel: 50 MB for a second JVM, and no place for options.
The heap is for Java's own arrays; weights live outside it. RUDDER_HEAP gives a larger one, RUDDER_CUDA
lets the engine fetch its CUDA build (both read here, when the spec is written).
"""
import json
import os
import sys
from pathlib import Path

folder = Path(sys.prefix, "share", "jupyter", "kernels", "java")
if not (folder / "jjava.jar").exists():
    sys.exit(f"no jjava.jar in {folder}: pip install -r binder/requirements.txt into {sys.prefix}")

home = os.environ.get("JAVA_HOME")
spec = {
    "argv": [
        str(Path(home, "bin", "java")) if home else "java",
        "-Xmx" + os.environ.get("RUDDER_HEAP", "1g"),
        "-XX:+UseSerialGC",  # the heavy work is not Java's: 190 MB less than G1 at the same speed
        "-Xms64m", "-XX:MinHeapFreeRatio=10", "-XX:MaxHeapFreeRatio=20", "-XX:-ShrinkHeapInSteps",  # matrices come and go: 440 MB less for 6 % more time
        "-XX:MaxNewSize=32m",  # matrices are old at once: 60 MB less
        "-XX:+IgnoreUnrecognizedVMOptions", "-XX:TrimNativeHeapInterval=2000",  # what glibc holds back; of JDK 17.0.9 and later: 80 MB less
        "-Djava.awt.headless=true",
        "-Dai.djl.offline=" + ("false" if os.environ.get("RUDDER_CUDA") else "true"),  # the CUDA engine is fetched by DJL
        "--add-opens", "jdk.jshell/jdk.jshell=ALL-UNNAMED",  # JJava names its snippets by reflection
        "-jar", "{resource_dir}/jjava.jar",
        "{connection_file}",
    ],
    "display_name": "Java",
    "language": "java",
    "interrupt_mode": "message",
    "env": {
        "OMP_WAIT_POLICY": "passive",  # waiting threads that spin starve a busy machine
        "MALLOC_MMAP_THRESHOLD_": "1048576",  # glibc: an array of a megabyte goes back to the system when it is freed, weights of a closed model first of all
        "MALLOC_TRIM_THRESHOLD_": "16777216",
        "RUDDER_PYTHON": sys.executable,  # has pip, which fetches models
    },
}
(folder / "kernel.json").write_text(json.dumps(spec, indent=2) + "\n")
