import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { runProgram } from "../../localstack/kafka/program.ts";
import { startEmulatedPubSub } from "../../localstack/pubsub/emulated-pubsub.ts";
import { pythonFolder, pythonRequirements } from "./fetched-packages.ts";

const SCRIPT = fileURLToPath(new URL("pubsub-client.py", import.meta.url));
const PACKAGE = "google-cloud-pubsub==2.44.0";
const missing = pythonRequirements();

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
describe.each(missing === null ? [] : [missing])("Google's client in Python on the emulated Pub/Sub", (reason) => {
  test(`environment-missing: ${reason}`, async () => {
    await expect(pythonFolder([PACKAGE])).rejects.toThrow("could not fetch");
  });
});

test.each(missing === null ? [PACKAGE] : [])(
  "%s, Google's client in Python, does all its work on the emulated Pub/Sub",
  async (requirement) => {
    const packages = await pythonFolder([requirement]);
    await using pubsub = await startEmulatedPubSub();
    const environment = [`PYTHONPATH=${packages}`, `PUBSUB_EMULATOR_HOST=${pubsub.apiEndpoint}`];
    const { stdout } = await runProgram("env", [...environment, "python3", SCRIPT, pubsub.project], { timeoutMs: 120_000 });
    const topic = `projects/${pubsub.project}/topics/flights`;
    const complete = { messages: 400, keys: 4, "in order": true };
    expect(JSON.parse(stdout)).toEqual({
      "created twice": "AlreadyExists",
      ids: 400,
      ordered: { ...complete, outcomes: {} },
      "exactly once": { ...complete, outcomes: { SUCCESS: 400 } },
      replayed: { ...complete, outcomes: {} },
      restored: ["1000"],
      "missing topic": "NotFound",
      "empty message": "InvalidArgument",
      "missing subscription": "NotFound",
      "missing stream": "NotFound",
      topics: [topic],
      attached: ["exactly-once", "ordered"].map((id) => `projects/${pubsub.project}/subscriptions/${id}`),
      permitted: ["pubsub.topics.get"],
    });
  },
);
