import { expect, test } from "vitest";
import { createAdmin } from "../../../src/admin/admin.ts";
import type { Admin } from "../../../src/admin/admin-types.ts";
import type { Capabilities, Capability } from "../../../src/capabilities.ts";
import type { AdminDriver, GroupName } from "../../../src/driver/admin-driver.ts";
import type { ProviderDriver } from "../../../src/driver/provider-driver.ts";
import { StreamError, withContext } from "../../../src/errors.ts";
import { checkedGroupName } from "../../../src/group-name.ts";
import { decodeBookmark, encodeBookmark } from "../../../src/position/bookmark.ts";
import type { TopicIdentity } from "../../../src/position/position.ts";
import { checkedTopicName } from "../../../src/topic-name.ts";
import { ALL_CAPABILITIES, PROVIDER, classify, position } from "../replay/fake-context.ts";
import { IDENTITY, positionAt } from "../replay/fake-log.ts";

interface Fake {
  readonly admin: Admin<Capability>;
  /** Calls of the driver: the method, then its arguments without the signal. */
  readonly calls: unknown[][];
  /** Replaces methods of the driver. */
  readonly driver: Partial<AdminDriver>;
  identity: TopicIdentity;
  open: boolean;
}

const GROUP = { nativeName: "native-billing", members: 2, identity: IDENTITY };
const GROUP_ANSWER = { ...GROUP, places: null };
const LAG = { messages: 3, timeMs: null, partitions: [{ partition: "0", messages: 3, timeMs: null }] };

/** The topic "orders" and the group "billing" have names of their own at the provider; "topic" is as in the fake log. */
function fake(changes: Partial<Capabilities> = {}, retryForMs = 0): Fake {
  const capabilities = { ...ALL_CAPABILITIES, ...changes };
  const calls: unknown[][] = [];
  const answers: Record<keyof AdminDriver, unknown> = {
    createTopic: undefined,
    updateTopic: undefined,
    deleteTopic: undefined,
    describeTopic: { identity: IDENTITY, partitions: ["0", "1", "2", "3"], retentionMs: null, maxMessageBytes: 1_000 },
    // The name of the last was given to another.
    listTopics: ["native-orders", "other", "orders"],
    listGroups: [
      { group: "reports", nativeGroup: "orders.reports" },
      { group: null, nativeGroup: "native-billing" },
      { group: "billing", nativeGroup: "orders.billing" },
      { group: null, nativeGroup: "reports" },
    ],
    describeGroup: { ...GROUP, places: new Map([["0", { kind: "after", position: positionAt(3) }]]) },
    planReset: new Map(),
    resetGroup: undefined,
    deleteGroup: undefined,
    lag: LAG,
    permissions: [],
  };
  const replaced: Partial<AdminDriver> = {};
  const methods = Object.fromEntries(
    (Object.keys(answers) as (keyof AdminDriver)[]).map((name) => [
      name,
      async (...given: unknown[]) => {
        expect(given.at(-1)).toBeInstanceOf(AbortSignal);
        calls.push([name, ...given.slice(0, -1)]);
        const method = replaced[name] as ((...all: unknown[]) => unknown) | undefined;
        return method === undefined ? answers[name] : await method(...given);
      },
    ]),
  ) as unknown as AdminDriver;
  const driver = {
    admin: methods,
    identity: async () => result.identity,
    classify,
  } as unknown as ProviderDriver;
  const nativeTopic = (topic: string): string => (topic === "orders" ? "native-orders" : topic);
  const refuseTopicName = (topic: string): string | null => (topic.includes(" ") ? "blanks are not allowed" : null);
  const nativeGroup = (group: string): string | undefined => (group === "billing" ? "native-billing" : undefined);
  const refuseGroupName = ({ group }: GroupName): string | null => (group.includes(" ") ? "blanks are not allowed" : null);
  const admin = createAdmin<Capability>({
    driver,
    provider: PROVIDER,
    capabilities,
    nativeTopic,
    checkedNativeTopic: (topic) => checkedTopicName(PROVIDER, { refuseTopicName }, topic, nativeTopic),
    topicName: (native) => (native === "native-orders" ? "orders" : undefined),
    checkedGroup: (group) => checkedGroupName(PROVIDER, { refuseGroupName }, group, nativeGroup),
    nativeGroup,
    groupName: (native) => (native === "native-billing" ? "billing" : undefined),
    requireOpen: (operation) => {
      if (!result.open) throw new StreamError("closed", "closed", { operation });
    },
    requireCapability: (capability, operation) => {
      if (!capabilities[capability]) throw new StreamError("unsupported", `no ${capability}`, { capability, operation });
    },
    retryForMs: () => retryForMs,
    toError: (error, where) => withContext(classify(error), { ...where, provider: PROVIDER }),
    closing: new AbortController().signal,
    track: () => () => {},
  });
  const result: Fake = { admin, calls, driver: replaced, identity: IDENTITY, open: true };
  return result;
}

const name = { group: "billing", nativeGroup: "native-billing" };

test("calls that find out whether members live may wait for the session of a dead one, and others may not", async () => {
  const { admin, driver } = fake({}, 50);
  const slow = async (): Promise<never> => new Promise((resolve) => setTimeout(() => resolve(GROUP_ANSWER as never), 200));
  Object.assign(driver, { describeGroup: slow, resetGroup: slow, deleteGroup: slow, describeTopic: slow });
  expect(await admin.describeGroup("orders", "billing")).toMatchObject({ members: 2 });
  await admin.resetGroup("orders", "billing", "earliest");
  await admin.deleteGroup("orders", "billing");
  await expect(admin.describeTopic("orders")).rejects.toMatchObject({ code: "timeout" });
});

test("each call reaches the driver with the provider's own names", async () => {
  const { admin, calls } = fake();
  await admin.createTopic("orders", { partitions: 4, retentionMs: undefined });
  await admin.createTopic("other");
  await admin.updateTopic("orders", { retentionMs: 5 });
  await admin.deleteTopic("orders");
  expect(await admin.describeTopic("orders")).toEqual({
    name: "orders",
    nativeName: "native-orders",
    partitions: ["0", "1", "2", "3"],
    retentionMs: null,
    maxMessageBytes: 1_000,
  });
  expect(await admin.listTopics()).toEqual(["orders", "other"]);
  expect(await admin.listGroups("orders")).toEqual(["reports", "billing"]);
  await admin.deleteGroup("orders", "billing");
  await admin.deleteGroup("orders", "reports");
  expect(await admin.lag("orders", "billing")).toEqual(LAG);
  expect(calls).toEqual([
    ["createTopic", "native-orders", { partitions: 4 }],
    ["createTopic", "other", {}],
    ["updateTopic", "native-orders", { retentionMs: 5 }],
    ["deleteTopic", "native-orders"],
    ["describeTopic", "native-orders"],
    ["listTopics"],
    ["listGroups", "native-orders"],
    ["deleteGroup", "native-orders", name],
    ["deleteGroup", "native-orders", { group: "reports", nativeGroup: undefined }],
    ["lag", "native-orders", name, { partitions: null, initialPosition: null }],
  ]);
});

test("describeGroup hands out a bookmark, or null where the provider does not report it", async () => {
  const described = fake();
  const description = await described.admin.describeGroup("orders", "billing");
  expect(description).toMatchObject({ name: "billing", nativeName: "native-billing", members: 2 });
  expect(decodeBookmark(description.bookmark, PROVIDER, IDENTITY)).toEqual(new Map([["0", { kind: "after", position: positionAt(3) }]]));
  described.driver.describeGroup = async () => ({ ...GROUP, places: null });
  expect((await described.admin.describeGroup("orders", "billing")).bookmark).toBeNull();
});

test("resetGroup: every form of From becomes a start", async () => {
  const { admin, calls } = fake();
  const places = new Map([["0", { kind: "ended" as const }]]);
  await admin.resetGroup("orders", "billing", "earliest");
  await admin.resetGroup("orders", "billing", "latest");
  await admin.resetGroup("orders", "billing", { timestamp: new Date(5) });
  await admin.resetGroup("orders", "billing", { bookmark: encodeBookmark(PROVIDER, IDENTITY, places) });
  await admin.resetGroup("orders", "billing", { at: position("7", 1) });
  await admin.resetGroup("orders", "billing", { after: position("7", 1) });
  expect(calls.map((call) => call.at(-1))).toEqual([
    { kind: "earliest" },
    { kind: "latest" },
    { kind: "timestamp", timestampMs: 5 },
    { kind: "places", places },
    { kind: "position", partition: "7", place: { kind: "at", position: positionAt(1) } },
    { kind: "position", partition: "7", place: { kind: "after", position: positionAt(1) } },
  ]);
  expect(calls.every((call) => call[0] === "resetGroup" && call[1] === "native-orders")).toBe(true);
});

test("resetGroup: tokens that belong elsewhere or are none move nothing", async () => {
  const given = fake();
  given.identity = { ...IDENTITY, incarnation: "second" };
  for (const to of [{ at: position("7", 1) }, { bookmark: encodeBookmark(PROVIDER, IDENTITY, new Map()) }]) {
    await expect(given.admin.resetGroup("orders", "billing", to)).rejects.toMatchObject({
      code: "position-mismatch",
      operation: "admin.resetGroup",
      topic: "orders",
    });
  }
  for (const to of [{ at: "p1.x.y" }, { bookmark: position("7", 1) }, { through: position("7", 1) }, "now", undefined]) {
    await expect(given.admin.resetGroup("orders", "billing", to as never)).rejects.toMatchObject({ code: "invalid-argument" });
  }
  expect(given.calls).toEqual([]);
});

test.each<[Capability, (admin: Admin<Capability>) => Promise<unknown>]>([
  ["topicAdmin", (admin) => admin.createTopic("orders")],
  ["partitions", (admin) => admin.createTopic("orders", { partitions: 2 })],
  ["topicAdmin", (admin) => admin.updateTopic("orders", { retentionMs: 1 })],
  ["partitionGrowth", (admin) => admin.updateTopic("orders", { partitions: 5 })],
  ["partitionMerge", (admin) => admin.updateTopic("orders", { partitions: 3 })],
  ["growthKeepsKeyOrder", (admin) => admin.updateTopic("orders", { partitions: 5 })],
  ["topicAdmin", (admin) => admin.deleteTopic("orders")],
  ["groupAdmin", (admin) => admin.listGroups("orders")],
  ["groupAdmin", (admin) => admin.deleteGroup("orders", "billing")],
  ["groupReset", (admin) => admin.resetGroup("orders", "billing", "earliest")],
  ["startAtTimestamp", (admin) => admin.resetGroup("orders", "billing", { timestamp: 1 })],
  ["startAtPosition", (admin) => admin.resetGroup("orders", "billing", { at: position("0", 1) })],
])("without %s: unsupported, and nothing is changed (%#)", async (capability, act) => {
  const { admin, calls } = fake({ [capability]: false });
  await expect(act(admin)).rejects.toMatchObject({
    code: "unsupported",
    capability,
    provider: PROVIDER,
    topic: "orders",
    operation: expect.stringMatching(/^admin\.\w+$/),
  });
  expect(calls.filter(([called]) => called !== "describeTopic")).toEqual([]);
  await expect(act(fake().admin)).resolves.not.toThrow();
});

test("without topicListing: unsupported, and the provider is not asked", async () => {
  const { admin, calls } = fake({ topicListing: false });
  await expect(admin.listTopics()).rejects.toMatchObject({
    code: "unsupported",
    capability: "topicListing",
    operation: "admin.listTopics",
  });
  expect(calls).toEqual([]);
});

test("lag needs one of two capabilities", async () => {
  await expect(fake({ lagInMessages: false }).admin.lag("orders", "billing")).resolves.toEqual(LAG);
  await expect(fake({ lagInTime: false }).admin.lag("orders", "billing")).resolves.toEqual(LAG);
  await expect(fake({ lagInTime: false, lagInMessages: false }).admin.lag("orders", "billing")).rejects.toMatchObject({
    code: "unsupported",
    capability: "lagInMessages",
  });
});

test("growth that moves keys needs mayReorder; the same number and fewer do not", async () => {
  const { admin, calls } = fake({ growthKeepsKeyOrder: false });
  await expect(admin.updateTopic("orders", { partitions: 5, mayReorder: false })).rejects.toMatchObject({
    code: "unsupported",
    capability: "growthKeepsKeyOrder",
    message: expect.stringMatching(/from 4 to 5 partitions .*mayReorder: true/),
  });
  await admin.updateTopic("orders", { partitions: 5, mayReorder: true });
  await admin.updateTopic("orders", { partitions: 4 });
  await admin.updateTopic("orders", { partitions: 3 });
  expect(calls.filter(([called]) => called === "updateTopic").map((call) => call[2])).toEqual([
    { partitions: 5 },
    { partitions: 4 },
    { partitions: 3 },
  ]);
});

test("closed shards do not count as partitions", async () => {
  const given = fake({ growthKeepsKeyOrder: false });
  given.driver.describeTopic = async () => ({
    identity: IDENTITY,
    partitions: ["0", "1", "2"],
    openPartitions: 2,
    retentionMs: null,
    maxMessageBytes: 1,
  });
  await expect(given.admin.updateTopic("orders", { partitions: 3 })).rejects.toMatchObject({ capability: "growthKeepsKeyOrder" });
  await given.admin.updateTopic("orders", { partitions: 2 });
});

test.each<[string, (admin: Admin<Capability>) => Promise<unknown>, RegExp]>([
  [
    "a topic name that the provider refuses",
    (admin) => admin.createTopic("my topic"),
    /^invalid topic name "my topic": blanks are not allowed$/,
  ],
  ["no topic name", (admin) => admin.describeTopic(""), /^invalid topic name: .* received an empty string$/],
  ["a topic name that is none", (admin) => admin.deleteTopic(5 as never), /received 5$/],
  ["no group name", (admin) => admin.describeGroup("orders", ""), /^invalid group name/],
  [
    "a group name that the provider refuses",
    (admin) => admin.resetGroup("orders", "my group", "earliest"),
    /^invalid group name "my group": blanks are not allowed$/,
  ],
  ["the same, when deleted", (admin) => admin.deleteGroup("orders", "my group"), /^invalid group name/],
  ["the same, when described", (admin) => admin.describeGroup("orders", "my group"), /^invalid group name/],
  ["the same, when its lag is requested", (admin) => admin.lag("orders", "my group"), /^invalid group name/],
  [
    "an unknown setting",
    (admin) => admin.createTopic("orders", { shards: 4 } as never),
    /there is no "shards"; allowed are partitions, retentionMs$/,
  ],
  ["mayReorder at creation", (admin) => admin.createTopic("orders", { mayReorder: true } as never), /there is no "mayReorder"/],
  ["no partitions", (admin) => admin.createTopic("orders", { partitions: 0 }), /partitions must be a positive integer; received 0$/],
  ["half a millisecond", (admin) => admin.updateTopic("orders", { retentionMs: 0.5 }), /retentionMs must be a positive integer/],
  ["nothing to change", (admin) => admin.updateTopic("orders", {}), /partitions or retentionMs is needed/],
  ["no settings", (admin) => admin.updateTopic("orders", undefined as never), /an object is needed/],
  ["an unknown call option", (admin) => admin.listTopics({ timeout: 5 } as never), /there is no "timeout"/],
])("%s: invalid-argument, nothing is called", async (_, act, message) => {
  const { admin, calls } = fake();
  await expect(act(admin)).rejects.toMatchObject({ code: "invalid-argument", message: expect.stringMatching(message), provider: PROVIDER });
  expect(calls).toEqual([]);
});

test("errors of the driver are classified, with operation and topic", async () => {
  const given = fake();
  const cause = new TypeError("socket");
  given.driver.deleteTopic = async () => {
    throw cause;
  };
  await expect(given.admin.deleteTopic("orders")).rejects.toMatchObject({
    code: "internal",
    cause,
    provider: PROVIDER,
    operation: "admin.deleteTopic",
    topic: "orders",
  });
});

test("a closed connection refuses", async () => {
  const given = fake();
  given.open = false;
  await expect(given.admin.listTopics()).rejects.toMatchObject({ code: "closed", operation: "admin.listTopics" });
  expect(given.calls).toEqual([]);
});

test("signal: aborted before, nothing is called; while the driver hangs, rejects at once with the reason", async () => {
  const given = fake();
  const reason = new Error("enough");
  await expect(given.admin.listTopics({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect(given.calls).toEqual([]);

  given.driver.listTopics = () => new Promise(() => {});
  const controller = new AbortController();
  const hanging = given.admin.listTopics({ signal: controller.signal });
  controller.abort(reason);
  await expect(hanging).rejects.toBe(reason);
});

test("a caller that goes between two steps changes nothing", async () => {
  const given = fake();
  const controller = new AbortController();
  const reason = new Error("enough");
  const describe = await given.admin.describeTopic("orders");
  given.driver.describeTopic = async () => {
    controller.abort(reason);
    return { ...describe, identity: IDENTITY };
  };
  await expect(given.admin.updateTopic("orders", { partitions: 5 }, { signal: controller.signal })).rejects.toBe(reason);
  await new Promise((resolve) => setImmediate(resolve));
  expect(given.calls.map(([called]) => called)).toEqual(["describeTopic", "describeTopic"]);
});
