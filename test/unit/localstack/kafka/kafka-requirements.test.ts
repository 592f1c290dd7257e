import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { javaVersion } from "../../../../localstack/kafka/java-program.ts";
import { kafkaClassPath, kafkaJarsAreCached, kafkaJarsFolder, kafkaVersion } from "../../../../localstack/kafka/kafka-jars.ts";
import { kafkaRequirements } from "../../../../localstack/kafka/kafka-requirements.ts";
import { kcatRequirements } from "../../../../localstack/kafka/kafka-tools.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "streamport-requirements-"));
  vi.stubEnv("XDG_CACHE_HOME", join(folder, "cache"));
  vi.stubEnv("JAVA_HOME", "");
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

describe("without any program", () => {
  beforeEach(() => {
    vi.stubEnv("PATH", folder);
  });

  test("everything that is missing is named in one sentence", () => {
    expect(kafkaRequirements({ security: true })).toMatch(/^a local Kafka needs Java 17 or newer, .*Maven.*openssl/);
  });

  test("openssl is for security only", () => {
    expect(kafkaRequirements()).not.toContain("openssl");
  });

  test("Maven is no longer needed once the jars are cached", async () => {
    await mkdir(kafkaJarsFolder(), { recursive: true });
    expect(kafkaRequirements()).not.toContain("Maven");
  });

  test("a missing kcat is named, and how to get it", () => {
    expect(kcatRequirements()).toContain("apt-get install kcat");
  });

  test("jars that cannot be fetched leave no incomplete set", async () => {
    await expect(kafkaClassPath()).rejects.toThrow(`could not fetch the jars of Kafka ${kafkaVersion()}`);
    expect(kafkaJarsAreCached()).toBe(false);
  });
});

test("the jars are kept in the user's cache, under the release", () => {
  expect(kafkaJarsFolder().startsWith(join(folder, "cache", "streamport", `kafka-${kafkaVersion()}-`))).toBe(true);
});

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['java version "1.8.0_402"', 8],
  ['openjdk version "25-ea" 2025-09-16', 25],
  ["command not found", undefined],
])("the feature release in %s", (said, version) => {
  expect(javaVersion(said)).toBe(version);
});
