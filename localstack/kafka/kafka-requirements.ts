import { missingJava } from "./java-program.ts";
import { kafkaJarsAreCached } from "./kafka-jars.ts";
import { programSays } from "./program.ts";

/**
 * What this machine lacks for running a real Kafka, as one sentence, or null. Starts no broker and downloads nothing.
 * @param parts `security` also needs openssl, for the certificates
 */
export function kafkaRequirements(parts: { readonly security?: boolean | undefined } = {}): string | null {
  const missing = [
    process.platform === "win32" ? "a POSIX system" : null,
    missingJava(),
    kafkaJarsAreCached() || programSays("mvn", ["-version"]) !== null ? null : "Maven (mvn), once, to fetch the jars of Kafka",
    parts.security !== true || programSays("openssl", ["version"]) !== null ? null : "openssl, to make certificates",
  ].filter((part) => part !== null);
  return missing.length === 0 ? null : `a local Kafka needs ${missing.join(", and ")}`;
}
