import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runProgram } from "../../localstack/kafka/program.ts";
import { startEmulatedOciStreaming } from "../../localstack/oci-streaming/emulated-oci-streaming.ts";
import { pythonFolder, pythonRequirements } from "./fetched-packages.ts";

const SCRIPT = fileURLToPath(new URL("oci-streaming-client.py", import.meta.url));
const missing = pythonRequirements();

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
describe.each(missing === null ? [] : [missing])("Oracle's client in Python on the emulated OCI Streaming", (reason) => {
  test(`environment-missing: ${reason}`, async () => {
    await expect(pythonFolder(["oci==2.189.0"])).rejects.toThrow("could not fetch");
  });
});

test.each(missing === null ? ["oci==2.189.0"] : [])(
  "%s, Oracle's client in Python, does all its work on the emulated OCI Streaming",
  async (requirement) => {
    const packages = await pythonFolder([requirement]);
    await using emulator = await startEmulatedOciStreaming();
    const { configFile, endpoint, streamPool, leases } = emulator;
    const args = ["PYTHONPATH=" + packages, "python3", SCRIPT, configFile, endpoint, streamPool, leases.namespace, leases.bucket];
    const { stdout } = await runProgram("env", args, { timeoutMs: 120_000 });
    const inOrder = (key: number): readonly number[] => [0, 5, 10, 15].map((count) => count + key);
    expect(JSON.parse(stdout)).toEqual({
      created: "SUCCEEDED",
      listed: ["flights", "orders"],
      failures: 0,
      read: Object.fromEntries([0, 1, 2, 3, 4].map((key) => [`key-${key}`, inOrder(key)])),
      "at time": 0,
      "after offset": 1,
      "beyond the end": [400, "InvalidParameter"],
      "too often": [429, "TooManyRequests"],
      "too large": [400, "InvalidParameter"],
      "missing stream": [404, "NotAuthorizedOrNotFound"],
      "another key": [401, "NotAuthenticated"],
      committed: true,
      namespace: true,
      "created twice": [412, "IfNoneMatchFailed"],
      "swapped by an old tag": [412, "IfMatchFailed"],
      object: ["two", true, true],
      objects: [0, 1, 2, 3, 4].map((count) => [`list/${count}`, 1]),
      "deleted by an old tag": [412, "IfMatchFailed"],
      "deleted object": 404,
      "by session": 2,
      deleted: ["SUCCEEDED", "DELETED"],
    });
  },
);
