import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

// What `pubsub-client-5.test.ts` runs: the whole suite on the emulated Pub/Sub, with the client of another folder.
const [folder = ""] = process.argv.slice(2);
const CLIENT = "@google-cloud/pubsub";
const parentURL = pathToFileURL(`${folder}/`).href;
let resolved = "";

registerHooks({
  resolve(specifier, context, next) {
    if (specifier !== CLIENT) return next(specifier, context);
    const found = next(specifier, { ...context, parentURL });
    resolved = found.url;
    return found;
  },
});

const { startEmulatedPubSub } = await import("../../localstack/pubsub/emulated-pubsub.ts");
const { conformanceCases, runCases } = await import("../../src/conformance/index.ts");
const { connect } = await import("../../src/connect.ts");

const emulator = await startEmulatedPubSub();
const reports = await runCases(conformanceCases(), { connect: async () => connect(emulator.url), emulator });
await emulator.close();
process.send!({ resolved, reports }, () => process.disconnect());
