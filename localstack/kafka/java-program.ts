import { join } from "node:path";
import { programSays } from "./program.ts";

/** The oldest Java that runs a broker of Kafka 4. */
const LOWEST_JAVA = 17;

/** The `java` of JAVA_HOME if that is set, else the one on PATH. */
export function javaProgram(): string {
  const home = process.env["JAVA_HOME"];
  return home === undefined || home === "" ? "java" : join(home, "bin", "java");
}

/** Why Kafka cannot run with the Java of this machine, or null. */
export function missingJava(): string | null {
  const said = programSays(javaProgram(), ["-version"]);
  if (said === null) return `Java ${LOWEST_JAVA} or newer, which is not on PATH (nor at JAVA_HOME)`;
  const version = javaVersion(said);
  if (version === undefined) return `Java ${LOWEST_JAVA} or newer; the version of the installed one could not be read from: ${said.trim()}`;
  return version < LOWEST_JAVA ? `Java ${LOWEST_JAVA} or newer; here is ${version}` : null;
}

/** The feature release in the output of `java -version`: 17 of "17.0.15", 8 of "1.8.0_402". */
export function javaVersion(said: string): number | undefined {
  const found = /version "(?:1\.)?(\d+)/.exec(said)?.[1];
  return found === undefined ? undefined : Number(found);
}
