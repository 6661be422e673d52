"""Does what README's "Use it in a Java project" says, in an empty folder and without a network.

    python3 binder/test_project.py

Installs Rudder into Maven's local repository, then writes a project of README's dependency and program, and runs
README's commands offline. The versions of plugins are Rudder's own, because an offline Maven has no others. The texts
with and without steering must differ.
"""
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SECTION = "## Use it in a Java project"
POM = """<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>newcomer</groupId>
  <artifactId>newcomer</artifactId>
  <version>1</version>
  <properties>
    <maven.compiler.release>17</maven.compiler.release>
    <project.build.sourceEncoding>UTF-8</project.build.sourceEncoding>
  </properties>
  <dependencies>
    %s
  </dependencies>
  <build>
    <pluginManagement>
      <plugins>%s</plugins>
    </pluginManagement>
  </build>
</project>
"""
PLUGIN = "<plugin><artifactId>maven-%s-plugin</artifactId><version>%s</version></plugin>"


def block(section, start, end):
    """Returns the text between two lines of a section of README; `end` is the beginning of a line."""
    match = re.search(f"^{re.escape(start)}\n(.*?)^{re.escape(end)}", section, re.DOTALL | re.MULTILINE)
    if not match:
        sys.exit(f"README's section {SECTION!r} has no block that begins with {start!r}")
    return match[1]


def run(command, folder, **more):
    print("$", command, flush=True)
    done = subprocess.run(["bash", "-c", command], cwd=folder, stdout=subprocess.PIPE, text=True, **more)
    if done.returncode:
        sys.exit(f"{done.stdout}\n{command!r} failed with {done.returncode}")
    return done.stdout


def main():
    readme = (ROOT / "README.md").read_text()
    section = readme.split(SECTION, 1)[1].split("\n## ", 1)[0]
    install = re.search(r"`(mvn install [^`]*)`", section)[1]
    dependency = block(section, "```xml", "```")
    program = block(section, "```java Steer.java", "```")
    commands = [line.strip() for line in block(section, "Compile and run it:", "`rudder:theory` alone").splitlines()]
    commands = [command for command in commands if command]
    versions = dict(re.findall(r"<(\w+)-plugin\.version>([^<]+)<", (ROOT / "pom.xml").read_text()))
    plugins = "".join(PLUGIN % (name, versions[name]) for name in ("compiler", "resources", "dependency"))
    run(install, ROOT)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "pom.xml").write_text(POM % (dependency, plugins))
        source = folder / "src" / "main" / "java" / "Steer.java"
        source.parent.mkdir(parents=True)
        source.write_text(program)
        offline = os.environ | {"MAVEN_OPTS": "-Dai.djl.offline=true"}
        for command in commands:
            output = run(command.replace("mvn ", "mvn -o -B "), folder, env=offline)
    print(output)
    texts = [line.split(": ", 1)[1] for line in output.splitlines() if line.startswith(("alone: ", "steered: "))]
    if len(texts) != 2 or texts[0] == texts[1] or not all(text.strip() for text in texts):
        sys.exit("wanted two texts that differ, with and without steering")


if __name__ == "__main__":
    main()
