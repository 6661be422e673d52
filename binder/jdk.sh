# Finds the JDK for the programs in this folder. They source this file in Rudder's folder.

installed=/usr/lib/jvm # where a distribution puts its JDKs

# Prints the home of a JDK of 17 or later: JAVA_HOME, the one on the path, or any that the distribution installed.
find_jdk() {
  local java properties version
  for java in "${JAVA_HOME:-/none}/bin/java" "$(command -v javac java | head -1)" "$installed"/*/bin/java; do
    java=$(dirname "$(readlink -f "$java")")/java
    [ -x "$java" ] && [ -x "${java}c" ] || continue
    properties=$("$java" -XshowSettings:properties -version 2>&1)
    version=$(sed -n 's/^ *java.specification.version = //p' <<< "$properties")
    version=${version%%.*}
    if [ "${version:-0}" -ge 17 ]; then
      sed -n 's/^ *java.home = //p' <<< "$properties"
      return
    fi
  done
  return 1
}

# Exports the JAVA_HOME of a JDK of 17 or later, or says what there is instead, and ends.
use_jdk() {
  local home found
  if home=$(find_jdk); then
    export JAVA_HOME=$home
    return
  fi
  found=$("${JAVA_HOME:+$JAVA_HOME/bin/}java" -version 2>&1 | head -1) || found='no java'
  echo "Rudder needs a JDK of 17 or later, with javac, and finds ${found:-no java}: install one, or set JAVA_HOME to one." >&2
  exit 1
}
