import { expect, test } from "vitest";
import type { Fault, FaultKind } from "../../../../src/driver/index.ts";
import { type CountedCall, FaultPlan, type FaultVocabulary } from "../../../../localstack/faults/fault-plan.ts";

/** A service with three calls, which shows some of the faults. */
const VOCABULARY: FaultVocabulary<string> = {
  provider: "kinesis",
  kinds: {
    throttle: () => ({ calls: ["Put"], effect: "throttled" }),
    disconnect: () => ({ calls: null, effect: "disconnected" }),
    stall: ({ durationMs = 1 }) => ({ calls: ["Put", "Get"], effect: `${durationMs} ms` }),
    "fail-after-write": ({ operation }) =>
      operation === "admin" ? { calls: ["Create"], effect: "created" } : { calls: ["Put"], effect: "written" },
  },
  operations: { publish: ["Put"], fetch: ["Get"], commit: [], admin: ["Create", "List"] },
};

function call(name: string, topic?: string, partitions: readonly string[] | null = null): CountedCall {
  return { name, topics: new Map(topic === undefined ? [] : [[topic, partitions]]), hasGroup: false };
}

function planned(...faults: readonly Fault[]): FaultPlan<string> {
  const plan = new FaultPlan(VOCABULARY);
  for (const fault of faults) plan.inject(fault);
  return plan;
}

const effects = (plan: FaultPlan<string>, ...calls: readonly CountedCall[]): string[][] =>
  calls.map((each) => plan.take(each).map(({ effect }) => effect));

test("a fault waits for a call that it is counted for, once, or as often as it says, after the calls that it spares", () => {
  const put = call("Put", "orders");
  expect(effects(planned({ kind: "throttle" }), call("Get", "orders"), put, put)).toEqual([[], ["throttled"], []]);
  const plan = planned({ kind: "throttle", after: 2, times: 2 });
  expect(effects(plan, put, put, call("Get", "orders"), put, put, put)).toEqual([[], [], [], ["throttled"], ["throttled"], []]);
  expect(plan.isEmpty).toBe(true);
});

test("a topic and a partition narrow it; a call about a whole topic is about each of its partitions, a call about none is not", () => {
  const of = (fault: Partial<Fault>, counted: CountedCall): boolean =>
    effects(planned({ kind: "throttle", ...fault }), counted)[0]!.length > 0;
  for (const [fault, counted, isMet] of [
    [{ topic: "orders" }, call("Put", "orders", ["1"]), true],
    [{ topic: "orders" }, call("Put", "others", ["1"]), false],
    [{ topic: "orders" }, call("Put"), false],
    [{ topic: "orders", partition: "1" }, call("Put", "orders", ["0", "1"]), true],
    [{ topic: "orders", partition: "1" }, call("Put", "orders", ["0"]), false],
    [{ topic: "orders", partition: "1" }, call("Put", "orders", []), false],
    [{ topic: "orders", partition: "1" }, call("Put", "orders", null), true],
    [{ topic: "orders", partition: "1" }, call("Put", "others", ["1"]), false],
    [{ partition: "1" }, call("Put", "others", ["1"]), true],
    [{ partition: "1" }, call("Put", "others", ["2"]), false],
    [{ partition: "1" }, call("Put"), false],
  ] as const) {
    expect(of(fault, counted), JSON.stringify([fault, [...counted.topics]])).toBe(isMet);
  }
  const two: CountedCall = {
    name: "Put",
    topics: new Map([
      ["orders", ["0"]],
      ["others", ["1"]],
    ]),
    hasGroup: false,
  };
  expect(of({ topic: "orders", partition: "1" }, two)).toBe(false);
});

test("a fault of any call is one of calls about a topic or a group", () => {
  const plan = planned({ kind: "disconnect" });
  expect(effects(plan, call("ApiVersions"))).toEqual([[]]);
  expect(effects(plan, { ...call("Heartbeat"), hasGroup: true })).toEqual([["disconnected"]]);
});

test("an operation narrows it to calls of the operation", () => {
  const plan = planned({ kind: "stall", operation: "fetch", durationMs: 7 }, { kind: "fail-after-write", operation: "admin" });
  expect(effects(plan, call("Put", "a"), call("Get", "a"), call("List", "a"), call("Create", "a"))).toEqual([
    [],
    ["7 ms"],
    [],
    ["created"],
  ]);
});

test("several faults happen to one call in the order in which they were planned, and keep what they are about", () => {
  const plan = planned({ kind: "throttle", topic: "orders", partition: "1" }, { kind: "disconnect" });
  expect(plan.take(call("Put", "orders", ["0", "1"]))).toEqual([
    { effect: "throttled", turn: 0, topic: "orders", partition: "1" },
    { effect: "disconnected", turn: 0, topic: undefined, partition: undefined },
  ]);
});

test("turns: each call that meets the fault or is spared takes one, and each further fault of the kind for the topic begins one later", () => {
  const turns = (plan: FaultPlan<string>, topic: string): number[] => plan.take(call("Put", topic)).map(({ turn }) => turn);
  const plan = new FaultPlan(VOCABULARY, 5);
  plan.inject({ kind: "throttle", topic: "a", after: 1, times: 2 });
  plan.inject({ kind: "throttle", topic: "b" });
  plan.inject({ kind: "throttle", topic: "a", after: 2 });
  expect([turns(plan, "a"), turns(plan, "a"), turns(plan, "a"), turns(plan, "b")]).toEqual([[], [6], [7, 8], [5]]);
});

test("clear withdraws what has not happened yet, also what has begun", () => {
  const plan = planned({ kind: "throttle", times: 3 }, { kind: "stall" });
  const put = call("Put", "a");
  expect(effects(plan, put)).toEqual([["throttled", "1 ms"]]);
  plan.clear();
  expect(plan.isEmpty).toBe(true);
  expect(effects(plan, put)).toEqual([[]]);
});

test("an emulator declares its kinds; another kind is unsupported, and one that does not exist is a mistake", () => {
  const plan = planned();
  expect(plan.kinds).toEqual(["throttle", "disconnect", "stall", "fail-after-write"]);
  const refused = (fault: object, code: string, message: RegExp): void =>
    expect(() => plan.inject(fault as Fault)).toThrow(
      expect.objectContaining({ code, provider: "kinesis", message: expect.stringMatching(message) }),
    );
  refused({ kind: "restart" }, "unsupported", /there is no fault "restart"; there are throttle, disconnect, stall, fail-after-write/);
  refused({ kind: "flood" }, "invalid-argument", /there is no fault "flood"/);
  refused({ kind: "constructor" }, "invalid-argument", /there is no fault "constructor"/);
  refused({ kind: "throttle", operation: "fetch" }, "unsupported", /throttle does not affect calls of the operation fetch/);
  refused({ kind: "stall", operation: "commit" }, "unsupported", /stall does not affect calls of the operation commit/);
  expect(plan.isEmpty).toBe(true);
});

test("a fault that an emulator refuses is not planned", () => {
  const plan = new FaultPlan({ ...VOCABULARY, refuse: ({ partition }) => (partition === "x" ? "no partition x" : null) });
  expect(() => plan.inject({ kind: "throttle", partition: "x" })).toThrow(expect.objectContaining({ code: "invalid-argument" }));
  plan.inject({ kind: "throttle", partition: "y" });
  expect(plan.isEmpty).toBe(false);
});

test("a fault that needs no call is carried out at once, if it may be; what is left of it waits", () => {
  const done: FaultKind[] = [];
  const plan = new FaultPlan<string>({ ...VOCABULARY, applyAtOnce: ({ kind }) => kind === "disconnect" && done.push(kind) > 0 });
  plan.inject({ kind: "disconnect" });
  expect([done.length, plan.isEmpty]).toEqual([1, true]);
  plan.inject({ kind: "disconnect", times: 2 });
  expect(done).toHaveLength(2);
  expect(effects(plan, call("Put", "a"), call("Put", "a"))).toEqual([["disconnected"], []]);
  plan.inject({ kind: "disconnect", after: 1 });
  plan.inject({ kind: "disconnect", operation: "admin" });
  plan.inject({ kind: "throttle" });
  expect(done).toHaveLength(2);
  expect(effects(plan, call("Put", "a"), call("List", "a"))).toEqual([["throttled"], ["disconnected", "disconnected"]]);
});

test("an effect of the emulator's own waits as faults do", () => {
  const plan = planned();
  plan.plan({ name: "Get", calls: ["Get"], effect: "own", topic: undefined, partition: undefined, after: 1, times: 1 });
  plan.plan({ name: "Get", calls: ["Get"], effect: "never", topic: undefined, partition: undefined, after: 0, times: 0 });
  expect(effects(plan, call("Get"), call("Get"), call("Get"))).toEqual([[], ["own"], []]);
});
