import { PubSub } from "@google-cloud/pubsub";
import { describe, expect, test } from "vitest";
import { parsePubSubUrl } from "../../../../adapters/pubsub/connection-url.ts";
import { pubsub } from "../../../../adapters/pubsub/index.ts";
import { refuseSubscriptionName, refuseTopicName } from "../../../../adapters/pubsub/resource-name.ts";

const configuration = expect.objectContaining({ code: "configuration", provider: "pubsub" }) as Error;

describe("URLs", () => {
  test.each([
    ["pubsub://", {}],
    ["pubsub://my-project", { project: "my-project" }],
    [
      "pubsub://p?endpoint=http%3A%2F%2F127.0.0.1%3A8085&seekSettlingMs=0&quietMs=250",
      { project: "p", endpoint: "http://127.0.0.1:8085", seekSettlingMs: 0, quietMs: 250 },
    ],
    [
      "pubsub://p?endpoint=http%3A%2F%2F127.0.0.1%3A8085&googleEmulator=true",
      { project: "p", endpoint: "http://127.0.0.1:8085", googleEmulator: true },
    ],
    [
      "pubsub://p?endpoint=https://europe-west1-pubsub.googleapis.com:443",
      { project: "p", endpoint: "https://europe-west1-pubsub.googleapis.com:443" },
    ],
  ])("%s", (url, options) => {
    expect(parsePubSubUrl(url)).toEqual(options);
  });

  test.each(["pubsub:p", "pubsub://user:secret@p", "pubsub://p/x", "pubsub://p?quiet=1", "pubsub://p?quietMs=soon", "pubsub://%zz"])(
    "%s is refused, and not repeated",
    (url) => {
      expect(() => parsePubSubUrl(url)).toThrow(configuration);
      expect(() => parsePubSubUrl(url)).toThrow(
        expect.objectContaining({ message: expect.not.stringContaining("secret") as string }) as Error,
      );
    },
  );
});

describe("options", () => {
  test("those that are known are accepted without a call", () => {
    const client = new PubSub({ projectId: "p", apiEndpoint: "localhost:1", emulatorMode: true });
    expect(pubsub({ client, quietMs: 1 }).capabilities.topicAdmin).toBe(true);
    expect(pubsub({ project: "p", endpoint: "http://localhost:8085", seekSettlingMs: 0, auth: {} }).provider).toBe("pubsub");
  });

  test.each([
    [{ topic: "x" }],
    [{ endpoint: "localhost:8085" }],
    [{ endpoint: "http://localhost:8085/path" }],
    [{ quietMs: -1 }],
    [{ googleEmulator: "yes" }],
    [{ client: {} }],
    [{ client: new PubSub({ projectId: "p" }), project: "p" }],
  ])("%j is refused", (options) => {
    expect(() => pubsub(options as never)).toThrow(configuration);
  });
});

test.each([
  ["flights", true],
  ["a-b_c.d~e+f%25", true],
  ["projects/other/topics/flights", true],
  ["ab", false],
  ["1abc", false],
  ["googabc", false],
  ["a".repeat(256), false],
  ["projects/other/subscriptions/flights", false],
])("the topic name %s: %s", (name, isAllowed) => {
  expect(refuseTopicName(name) === null).toBe(isAllowed);
});

test("a subscription of another project is a native name of a group", () => {
  expect(refuseSubscriptionName("projects/other/subscriptions/delays")).toBeNull();
  expect(refuseSubscriptionName("projects/other/topics/delays")).toContain("subscription");
});
