import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type EmulatedPubSub, startEmulatedPubSub } from "../../../../localstack/pubsub/emulated-pubsub.ts";
import { NO_RETRY, type RawClients, codeOf, rawClients } from "./raw-clients.ts";

const DAY_MS = 86_400_000;

let pubsub: EmulatedPubSub;
let clients: RawClients;

beforeEach(async () => {
  pubsub = await startEmulatedPubSub({ topics: { flights: { retentionMs: DAY_MS, partitions: 8, groups: ["delays"] } } });
  clients = rawClients(pubsub);
});

afterEach(async () => {
  await clients[Symbol.asyncDispose]();
  await pubsub.close();
});

describe("topics", () => {
  test("of the program have a retention, so that they can be replayed", async () => {
    await pubsub.createTopic("more");
    const retentionOf = async (id: string): Promise<number> => {
      const [{ messageRetentionDuration }] = await clients.publisher.getTopic({ topic: clients.topic(id) });
      return Number(messageRetentionDuration!.seconds) * 1_000;
    };
    expect([await retentionOf("flights"), await retentionOf("more")]).toEqual([DAY_MS, 7 * DAY_MS]);
    await expect(pubsub.createTopic("more")).rejects.toMatchObject({ code: "already-exists", provider: "pubsub" });
    await expect(pubsub.createTopic("x")).rejects.toMatchObject({ code: "invalid-argument" });
    await expect(pubsub.createTopic("short", { retentionMs: 1_000 })).rejects.toMatchObject({ code: "invalid-argument" });
  });

  test("are created once, described, changed by mask, listed in pages and deleted", async () => {
    const name = clients.topic("created");
    const [created] = await clients.publisher.createTopic({ name, labels: { team: "a" } });
    expect(created).toMatchObject({ name, labels: { team: "a" }, state: "ACTIVE", messageRetentionDuration: null });
    expect(await codeOf(clients.publisher.createTopic({ name }, NO_RETRY))).toBe(6);
    const change = async (paths: string[]): Promise<number> =>
      codeOf(
        clients.publisher.updateTopic({ topic: { name, messageRetentionDuration: { seconds: 600 } }, updateMask: { paths } }, NO_RETRY),
      );
    expect([await change([]), await change(["name"]), await change(["message_retention_duration"])]).toEqual([3, 3, 0]);
    const [changed] = await clients.publisher.getTopic({ topic: name });
    expect(changed).toMatchObject({ labels: { team: "a" }, messageRetentionDuration: { seconds: "600" } });
    for (const id of ["aaa", "bbb", "ccc"]) await pubsub.createTopic(id);
    const pages: number[] = [];
    let pageToken = "";
    do {
      const [page, , { nextPageToken }] = (await clients.publisher.listTopics(
        { project: `projects/${pubsub.project}`, pageSize: 2, pageToken },
        { autoPaginate: false },
      )) as unknown as [unknown[], unknown, { nextPageToken: string }];
      pages.push(page.length);
      pageToken = nextPageToken;
    } while (pageToken !== "");
    expect(pages).toEqual([2, 2, 1]);
    await clients.publisher.deleteTopic({ topic: name });
    expect(await codeOf(clients.publisher.getTopic({ topic: name }, NO_RETRY))).toBe(5);
    expect(await codeOf(clients.publisher.deleteTopic({ topic: name }, NO_RETRY))).toBe(5);
  });

  test("leave their subscriptions with what they have when they are deleted, and apart from a topic of the same name", async () => {
    const subscription = await clients.subscribe("flights", "delays");
    await clients.publish("flights", ["old"]);
    const attached = async (): Promise<readonly string[]> =>
      (await clients.publisher.listTopicSubscriptions({ topic: clients.topic("flights") }))[0];
    expect(await attached()).toEqual([subscription]);
    await clients.publisher.deleteTopic({ topic: clients.topic("flights") });
    await pubsub.createTopic("flights");
    await clients.publish("flights", ["new"]);
    const [{ topic, topicMessageRetentionDuration }] = await clients.subscriber.getSubscription({ subscription });
    expect([topic, topicMessageRetentionDuration]).toEqual(["_deleted-topic_", null]);
    expect((await clients.pull(subscription)).map(({ value }) => value)).toEqual(["old"]);
    expect(await attached()).toEqual([]);
    expect(await codeOf(clients.subscriber.createSnapshot({ name: clients.snapshot("mark"), subscription }, NO_RETRY))).toBe(9);
  });
});

describe("subscriptions", () => {
  test("have the documented defaults, and nothing that was not asked for", async () => {
    const subscription = await clients.subscribe("flights", "delays", {});
    const [found] = await clients.subscriber.getSubscription({ subscription });
    expect(found).toMatchObject({
      topic: clients.topic("flights"),
      ackDeadlineSeconds: 10,
      messageRetentionDuration: { seconds: "604800" },
      expirationPolicy: { ttl: { seconds: "2678400" } },
      topicMessageRetentionDuration: { seconds: "86400" },
      enableMessageOrdering: false,
      enableExactlyOnceDelivery: false,
      retainAckedMessages: false,
      detached: false,
      state: "ACTIVE",
      filter: "",
      deadLetterPolicy: null,
      retryPolicy: null,
      bigqueryConfig: null,
      cloudStorageConfig: null,
      bigtableConfig: null,
      pushConfig: { pushEndpoint: "" },
    });
  });

  test("get a name if they are created without one, once, and change by mask what can be changed", async () => {
    const [{ name: generated }] = await clients.subscriber.createSubscription({ topic: clients.topic("flights") });
    expect(generated).toMatch(new RegExp(`^projects/${pubsub.project}/subscriptions/`));
    const name = await clients.subscribe("flights", "delays");
    expect(await codeOf(clients.subscribe("flights", "delays"))).toBe(6);
    const changes = { name, ackDeadlineSeconds: 60, enableExactlyOnceDelivery: true, enableMessageOrdering: false, filter: "x" };
    const change = async (...paths: string[]): Promise<number> =>
      codeOf(clients.subscriber.updateSubscription({ subscription: changes, updateMask: { paths } }, NO_RETRY));
    expect(await change("enable_message_ordering")).toBe(3);
    expect(await change("filter")).toBe(3);
    expect(await change("topic")).toBe(3);
    expect(await change("ack_deadline_seconds", "enable_exactly_once_delivery")).toBe(0);
    const [found] = await clients.subscriber.getSubscription({ subscription: name });
    expect(found).toMatchObject({ ackDeadlineSeconds: 60, enableExactlyOnceDelivery: true, enableMessageOrdering: true });
    const [all] = await clients.subscriber.listSubscriptions({ project: `projects/${pubsub.project}` });
    expect(all.map((each) => each.name)).toEqual([name, generated!].toSorted((one, other) => (one < other ? -1 : 1)));
    await clients.subscriber.deleteSubscription({ subscription: name });
    expect(await codeOf(clients.pull(name))).toBe(5);
  });

  test.each([
    ["pushes", { pushConfig: { pushEndpoint: "https://example.com/push", attributes: { "x-goog-version": "v1" } } }, 9],
    ["writes to BigQuery", { bigqueryConfig: { table: "p.d.t", writeMetadata: true } }, 9],
    ["writes to Cloud Storage", { cloudStorageConfig: { bucket: "b", filenamePrefix: "p" } }, 9],
    ["has a filter", { filter: 'attributes.kind = "x"' }, 12],
  ])("that %s keep their settings, and are not pulled from", async (_, settings, code) => {
    const subscription = await clients.subscribe("flights", "delays", settings);
    const [found] = await clients.subscriber.getSubscription({ subscription });
    expect(found).toMatchObject(settings);
    expect(await codeOf(clients.subscriber.pull({ subscription, maxMessages: 1 }, NO_RETRY))).toBe(code);
    expect(await clients.stream(subscription).ended).toBe(code);
  });

  test("are deleted after their time without use, unless they are streamed from", async () => {
    const policy = { messageRetentionDuration: { seconds: 600 }, expirationPolicy: { ttl: { seconds: 86_400 } } };
    const [idle, streamed, eternal] = await Promise.all([
      clients.subscribe("flights", "idle", policy),
      clients.subscribe("flights", "streamed", policy),
      clients.subscribe("flights", "eternal", { expirationPolicy: {} }),
    ]);
    const stream = clients.stream(streamed, { protocolVersion: 1 });
    stream.write({});
    await expect.poll(() => stream.responses).toHaveLength(1);
    pubsub.advance(DAY_MS - 1_000);
    await clients.pull(idle);
    pubsub.advance(2_000);
    const exists = async (subscription: string): Promise<number> => codeOf(clients.subscriber.getSubscription({ subscription }, NO_RETRY));
    expect([await exists(idle), await exists(streamed)]).toEqual([0, 0]);
    pubsub.advance(400 * DAY_MS);
    expect([await exists(idle), await exists(streamed), await exists(eternal)]).toEqual([5, 0, 0]);
    stream.cancel();
  });
});

test("snapshots are created once, listed, relabelled and deleted", async () => {
  const subscription = await clients.subscribe("flights", "delays");
  const name = clients.snapshot("mark");
  await clients.subscriber.createSnapshot({ name, subscription, labels: { owner: "a" } });
  expect(await codeOf(clients.subscriber.createSnapshot({ name, subscription }, NO_RETRY))).toBe(6);
  await clients.subscriber.updateSnapshot({ snapshot: { name, labels: { owner: "b" } }, updateMask: { paths: ["labels"] } });
  const [snapshots] = await clients.subscriber.listSnapshots({ project: `projects/${pubsub.project}` });
  expect(snapshots).toMatchObject([{ name, topic: clients.topic("flights"), labels: { owner: "b" } }]);
  const [ofTopic] = await clients.publisher.listTopicSnapshots({ topic: clients.topic("flights") });
  expect(ofTopic).toEqual([name]);
  await clients.subscriber.deleteSnapshot({ snapshot: name });
  expect(await codeOf(clients.subscriber.getSnapshot({ snapshot: name }, NO_RETRY))).toBe(5);
});

test("everything is permitted", async () => {
  const asked = ["pubsub.topics.publish", "pubsub.topics.get"];
  const request = { resource: clients.topic("flights"), permissions: asked } as Parameters<typeof clients.publisher.testIamPermissions>[0];
  const [{ permissions }] = await clients.publisher.testIamPermissions(request);
  expect(permissions).toEqual(asked);
});

describe("options", () => {
  test("hide a new subscription for a while, which receives meanwhile", async () => {
    await using hiding = await startEmulatedPubSub({ topics: { flights: {} }, visibilityDelayMs: 60_000 });
    await using others = rawClients(hiding);
    const subscription = await others.subscribe("flights", "delays");
    await others.publish("flights", ["1"]);
    expect(await codeOf(others.pull(subscription))).toBe(5);
    expect(await others.stream(subscription).ended).toBe(5);
    expect(await codeOf(others.subscriber.getSubscription({ subscription }, NO_RETRY))).toBe(5);
    hiding.advance(60_000);
    expect(await others.pull(subscription)).toHaveLength(1);
  });

  test("name the projects that exist", async () => {
    await using strict = await startEmulatedPubSub({ project: "mine", projects: ["theirs"] });
    await using others = rawClients(strict);
    const create = async (project: string): Promise<number> =>
      codeOf(others.publisher.createTopic({ name: `projects/${project}/topics/flights` }, NO_RETRY));
    expect([await create("mine"), await create("theirs"), await create("nobodys")]).toEqual([0, 0, 5]);
    expect(await codeOf(others.publisher.listTopics({ project: "projects/nobodys" }, NO_RETRY))).toBe(5);
  });

  test("shorten the seconds of ack deadlines", async () => {
    await using hasty = await startEmulatedPubSub({ topics: { flights: {} }, secondMs: 10 });
    await using others = rawClients(hasty);
    const subscription = await others.subscribe("flights", "delays");
    await others.publish("flights", ["1"]);
    const stream = others.stream(subscription);
    await stream.take(3);
    stream.cancel();
  });

  test("name the address, and a port that is taken is refused", async () => {
    await using everywhere = await startEmulatedPubSub({ host: "0.0.0.0", advertisedHost: "localhost" });
    expect(everywhere.apiEndpoint).toMatch(/^localhost:\d+$/);
    const endpoint = encodeURIComponent(`http://${everywhere.apiEndpoint}`);
    expect(everywhere.url).toBe(`pubsub://${everywhere.project}?endpoint=${endpoint}&seekSettlingMs=0&quietMs=100`);
    const port = Number(everywhere.apiEndpoint.split(":")[1]);
    await expect(startEmulatedPubSub({ host: "0.0.0.0", port })).rejects.toMatchObject({ code: "configuration" });
  });

  test("are of no use after the end", async () => {
    const ended = await startEmulatedPubSub();
    await ended.close();
    await ended.close();
    await expect(ended.createTopic("flights")).rejects.toMatchObject({ code: "closed" });
    await expect(ended.expire("flights")).rejects.toMatchObject({ code: "closed" });
    expect(() => ended.inject({ kind: "throttle" })).toThrow(/has been closed/);
  });
});
