import { spawnSync } from "node:child_process";
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { foreignImports } from "./foreign-imports.ts";
import type { ImportEdge } from "./import-graph.ts";
import { projectRoot } from "./packed-package.ts";
import { ADAPTER_SDKS, EMULATOR_LIBRARIES } from "./provider-libraries.ts";

const LIBRARIES = Object.values(EMULATOR_LIBRARIES).flat();

describe("what ships", () => {
  const peers = new Set([...LIBRARIES, ...Object.values(ADAPTER_SDKS).flat()]);
  const refused = (edge: ImportEdge, optional: ReadonlySet<string> = peers): boolean => foreignImports([edge], optional).length > 0;

  test.each([
    ["localstack/kinesis/library.js", "dynalite"],
    ["localstack/event-hubs/library.js", "rhea"],
    ["localstack/event-hubs/library.js", "rhea/lib/frames.js"],
    ["localstack/pubsub/library.js", "@grpc/grpc-js"],
    ["localstack/pubsub/library.js", "@grpc/proto-loader"],
    ["adapters/kafka/client/sdk.js", "kafkajs"],
    ["adapters/kinesis/client.js", "@aws-sdk/client-kinesis"],
    ["adapters/kinesis/leases/table.js", "@aws-sdk/client-dynamodb"],
    ["adapters/event-hubs/client.js", "@azure/event-hubs"],
    ["adapters/event-hubs/client.js", "@azure/storage-blob"],
    ["adapters/event-hubs/client.js", "@azure/identity"],
    ["adapters/pubsub/client.js", "@google-cloud/pubsub"],
    ["adapters/oci-streaming/client.js", "oci-common"],
  ])("%s may import %s, lazily and as an optional peer only", (from, to) => {
    expect(refused({ from, to, kind: "dynamic" })).toBe(false);
    expect(refused({ from, to, kind: "value" })).toBe(true);
    expect(refused({ from, to, kind: "dynamic" }, new Set())).toBe(true);
  });

  test.each([
    ["localstack/kinesis/library.js", "rhea"],
    ["localstack/event-hubs/server/link.js", "rhea"],
    ["localstack/event-hubs/emulator.js", "rhea"],
    ["localstack/library.js", "rhea"],
    ["localstack/kafka/library.js", "kafkajs"],
    ["src/cli/emulators.js", "rhea"],
    ["src/connect.js", "dynalite"],
    ["adapters/pubsub/client.js", "@grpc/grpc-js"],
    ["adapters/event-hubs/client.js", "rhea"],
    ["adapters/kinesis/client.js", "kafkajs"],
    ["adapters/oci-streaming/client.js", "@azure/identity"],
    ["adapters/oci-streaming/client.js", "oci-streaming"],
    ["localstack/event-hubs/library.js", "@azure/event-hubs"],
    ["adapters/registry.js", "kafkajs"],
    ["src/leases/store.js", "@aws-sdk/client-dynamodb"],
  ])("%s may not import %s", (from, to) => {
    expect(refused({ from, to, kind: "dynamic" })).toBe(true);
  });
});

describe("the lint", () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "streamport-lint-"));
    await cp(join(projectRoot, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
    await symlink(join(projectRoot, "node_modules"), join(folder, "node_modules"));
  });

  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function complaints(path: string, source: string): Promise<string> {
    await mkdir(join(folder, dirname(path)), { recursive: true });
    await writeFile(join(folder, path), source);
    return spawnSync(join("node_modules", ".bin", "oxlint"), [path], { cwd: folder, encoding: "utf8" }).stdout;
  }

  test.each(LIBRARIES)("keeps %s in the file library.ts of an emulator", async (library) => {
    const sources = [
      `import one from "${library}";\nexport const all = [one];\n`,
      `export const load = async () => import("${library}");\n`,
    ];
    for (const source of sources) {
      for (const path of ["localstack/event-hubs/server.ts", "localstack/event-hubs/broker/link.ts", "localstack/rhea.ts"]) {
        expect(await complaints(path, source), path).toMatch(/only library\.ts in the emulator's folder imports it/);
      }
    }
    expect(await complaints("localstack/event-hubs/library.ts", sources[1]!)).not.toMatch(/no-restricted-imports/);
    const types = `import type { Link } from "${library}";\nexport const nameOf = ({ name }: Link): string => name;\n`;
    expect(await complaints("localstack/event-hubs/link.ts", types)).not.toMatch(/no-restricted-imports/);
  });

  test("keeps emulators from their clients in that file too", async () => {
    const source = `export const load = async () => import("../../adapters/kafka/index.ts");\n`;
    expect(await complaints("localstack/event-hubs/library.ts", source)).toMatch(/An emulator must not know its client/);
  });
});
