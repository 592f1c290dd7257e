import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { startEmulatedPubSub } from "../../localstack/pubsub/emulated-pubsub.ts";
import { googlePubSubRequirements, startGooglePubSub } from "../google-pubsub-emulator.ts";
import { rawClients } from "../unit/localstack/pubsub/raw-clients.ts";
import { type Outcome, pubSubOutcomes } from "./pubsub-outcomes.ts";

const missing = googlePubSubRequirements();

const DEAD_LETTER: Outcome = [
  [1, 2, 3, 4, 5],
  "1",
  "k",
  ["DeliveryCount", "Subscription", "SubscriptionProject", "TopicPublishTime"].map((name) => `CloudPubSubDeadLetterSource${name}`),
];

/** What Google's emulator (0.8.20) does instead of what is documented. One that is no difference any more fails the test. */
const DEVIATIONS: Readonly<Record<string, { readonly google: Outcome; readonly own: Outcome; readonly why: string }>> = {
  "publish 101 attributes": { google: 0, own: 3, why: "limits" },
  "publish a key of 1,025 bytes": { google: 0, own: 3, why: "limits" },
  "publish 10,000,001 bytes": { google: 0, own: 3, why: "limits" },
  "publish two keys": { google: 0, own: 3, why: "a request has one ordering key" },
  "a deadline of 9 s": { google: 0, own: 3, why: "10 s is the least" },
  "a life of an hour": { google: 0, own: 3, why: "a day is the least" },
  "the later messages of a key": { google: "1 2 3 1", own: "1 2 3 1 2 3", why: "they come again, acknowledged or not" },
  "flow control": { google: 5, own: 2, why: "a stream gets what it has asked for" },
  "a sign of life": { google: 0, own: 1, why: "it is answered; newer versions do" },
  "a seek of an ordered subscription": { google: 12, own: 0, why: "the documentation knows no such limit" },
  "extend what is no id of an ordered subscription": { google: 0, own: 3, why: "a malformed id is an error, as without order" },
  "the dead letter of a key": { google: ["refused", 2], own: DEAD_LETTER, why: "it fails" },
  "a new subscription of a topic that retains": { google: "1", own: "", why: "it gets what is published after it" },
};

// Tables with one row or none: a test that cannot run here is replaced by a test that reports the reason. It is not skipped.
describe.each(missing === null ? [] : [missing])("Google's Pub/Sub emulator", (reason) => {
  test(`environment-missing: ${reason}`, async () => {
    await expect(startGooglePubSub()).rejects.toThrow(reason);
  });
});

test.each(missing === null ? ["Google's emulator"] : [])(
  "the emulated Pub/Sub does what %s does, except where that is not what is documented",
  async () => {
    await using googles = await startGooglePubSub();
    await using own = await startEmulatedPubSub();
    await using ofGoogle = rawClients({ apiEndpoint: googles.apiEndpoint, project: "comparison" });
    await using ofOwn = rawClients({ apiEndpoint: own.apiEndpoint, project: "comparison" });
    const [theirs, ours] = await Promise.all([pubSubOutcomes(ofGoogle), pubSubOutcomes(ofOwn)]);
    const differences = Object.keys(ours)
      .filter((name) => !isDeepStrictEqual(ours[name], theirs[name]))
      .map((name) => [name, { google: theirs[name], own: ours[name] }]);
    const documented = Object.entries(DEVIATIONS).map(([name, { google, own }]) => [name, { google, own }]);
    expect(Object.fromEntries(differences)).toEqual(Object.fromEntries(documented));
  },
);
