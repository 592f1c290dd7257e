import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type TestContext, expect, test } from "vitest";
import type { EmulatedProvider } from "../../localstack/index.ts";
import { bytes } from "../../src/index.ts";
import { type CutoverReport, type CutoverStep, checkpointFiles, copy, cutover } from "../../src/migration/index.ts";
import { type EmulatedSide, emulatedSide } from "./emulated-side.ts";
import { LiveApplication } from "./live-application.ts";
import { keysOf, memorySide, messagesOf, produce, valuesByKey } from "./two-topics.ts";

type Finishing = Pick<TestContext, "onTestFinished">;

async function directoryOf({ onTestFinished }: Finishing): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "cutover-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** A copy that runs until it is stopped. */
function copying(source: EmulatedSide, target: EmulatedSide, directory: string): () => Promise<void> {
  const stop = new AbortController();
  const running = copy(source, target, {
    continuous: true,
    checkpoints: checkpointFiles(directory),
    checkpointEveryMs: 200,
    signal: stop.signal,
  });
  return async () => {
    stop.abort();
    await running;
  };
}

const PAIRS: readonly (readonly [EmulatedProvider, EmulatedProvider])[] = [
  ["kafka", "kinesis"],
  ["memory", "kafka"],
];

test.for(PAIRS)(
  "a live stream moves from %s to %s and back, nothing is lost or out of order",
  { timeout: 120_000 },
  async ([from, to], context) => {
    const source = await emulatedSide(context, from, "flights", 3);
    const target = await emulatedSide(context, to, "departures", 2);
    const directory = await directoryOf(context);
    const stateFile = join(directory, "cutover.json");
    const checkpoints = checkpointFiles(join(directory, "there"));
    const returnCheckpoints = checkpointFiles(join(directory, "back"));
    const step = async (name: CutoverStep): Promise<CutoverReport> => {
      const report = await cutover(source, target, {
        step: name,
        stateFile,
        checkpoints,
        returnCheckpoints,
        confirmed: true,
        quietMs: 200,
      });
      expect(report).toMatchObject({ step: name, done: true, late: { count: 0 } });
      return report;
    };
    const application = new LiveApplication("delays", keysOf(20));
    application.produce(source);
    application.consume(source);
    const stopCopy = copying(source, target, join(directory, "there"));
    await application.handles(1_500, AbortSignal.timeout(60_000));
    await step("check");
    await application.stopProducing();
    await step("freeze");
    await step("drain");
    await step("mark");
    await application.stopConsuming();
    const there = await step("translate");
    await step("go");
    application.produce(target);
    application.consume(target);
    const stopReturn = copying(target, source, join(directory, "back"));
    await application.handles(1_500, AbortSignal.timeout(60_000));
    await application.stopProducing();
    await application.stopConsuming();
    const back = await step("rollback");
    expect(back).toMatchObject({ direction: "back", phase: "go" });
    application.produce(source);
    application.consume(source);
    await application.handles(500, AbortSignal.timeout(60_000));
    await application.stopProducing();
    await application.caughtUp(AbortSignal.timeout(60_000));
    await application.stopConsuming();
    await Promise.all([stopCopy(), stopReturn()]);
    const announced = [...there.groups, ...back.groups].reduce((sum, { repeats }) => sum + repeats!, 0);
    const { repeats, ...faults } = application.account();
    expect(faults).toEqual({ lost: 0, outOfOrder: 0 });
    expect(repeats).toBeLessThanOrEqual(announced);
    expect(application.sent).toBeGreaterThan(3_000);
  },
);

async function twoTopics(
  context: Finishing,
): Promise<{ readonly source: EmulatedSide; readonly target: EmulatedSide; readonly stateFile: string }> {
  const source = await memorySide(context, "kafka", "flights", 2);
  const target = await memorySide(context, "kinesis", "departures", 2);
  return { source, target, stateFile: join(await directoryOf(context), "cutover.json") };
}

async function handleAll({ connection, topic }: EmulatedSide, count: number): Promise<void> {
  const consumer = connection.topic(topic, { codec: bytes() }).consumer({ group: "delays" });
  let handled = 0;
  await consumer.run(() => {
    handled += 1;
    if (handled === count) void consumer.close();
  });
}

test("a step out of order, or without its confirmation, is a conflict", async (context) => {
  const { source, target, stateFile } = await twoTopics(context);
  const taking = (step: CutoverStep, confirmed: boolean): Promise<CutoverReport> =>
    cutover(source, target, { step, stateFile, confirmed, quietMs: 0 });
  await expect(taking("drain", true)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("behind freeze") });
  await taking("check", false);
  await expect(taking("freeze", false)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("stop all producers") });
  for (const step of ["freeze", "drain", "mark", "translate"] as const) expect((await taking(step, true)).done).toBe(true);
  await expect(taking("go", false)).rejects.toMatchObject({ code: "conflict" });
  expect((await taking("go", true)).phase).toBe("go");
  expect((await taking("go", false)).phase).toBe("go");
  await expect(taking("translate", true)).rejects.toMatchObject({ code: "conflict", message: expect.stringContaining("rollback") });
});

test("a late record before go undoes the freeze, and after it is copied and named", async (context) => {
  const { source, target, stateFile } = await twoTopics(context);
  const taking = (step: CutoverStep): Promise<CutoverReport> => cutover(source, target, { step, stateFile, confirmed: true, quietMs: 0 });
  await produce(source, keysOf(3), 4);
  await handleAll(source, 12);
  for (const step of ["check", "freeze", "drain", "mark", "translate"] as const) await taking(step);
  await produce(source, ["late"], 2);
  const refused = await taking("go");
  expect(refused).toMatchObject({ done: false, phase: "check", late: { count: 2 } });
  expect(refused.late.first.map(({ position }) => position)).toEqual([expect.stringMatching(/^p1\./), expect.stringMatching(/^p1\./)]);
  for (const step of ["freeze", "drain", "mark", "translate", "go"] as const) expect(await taking(step)).toMatchObject({ done: true });
  await produce(source, ["later"], 1);
  expect(await taking("finish")).toMatchObject({ done: false, phase: "go", late: { count: 1 }, copied: 1 });
  expect(await taking("finish")).toMatchObject({ done: true, phase: "finish", late: { count: 0 } });
});

test.for(["kafka", "kinesis"] as const)(
  "finish says when retention of %s has passed the switch, and gives up what it has removed only when that is accepted",
  async (form, context) => {
    const source = await memorySide(context, form, "flights", 2);
    const target = await memorySide(context, "kafka", "departures", 2);
    const stateFile = join(await directoryOf(context), "cutover.json");
    const taking = (step: CutoverStep, acceptRemoved?: boolean): Promise<CutoverReport> =>
      cutover(source, target, { step, stateFile, confirmed: true, acceptRemoved, quietMs: 0 });
    await produce(source, keysOf(3), 4);
    for (const step of ["check", "freeze", "drain", "mark", "translate", "go"] as const)
      expect(await taking(step)).toMatchObject({ done: true });
    await produce(source, ["late"], 2);
    await source.emulator.expire("flights");
    for (let attempt = 0; attempt < 2; attempt += 1)
      await expect(taking("finish")).rejects.toMatchObject({
        code: "position-out-of-range",
        message: expect.stringContaining("--accept-removed"),
      });
    const missing = form === "kafka" ? 2 : null;
    const report = await taking("finish", true);
    expect(report).toMatchObject({ done: true, phase: "finish", late: { count: 0 } });
    expect(report.removed).toContainEqual({ partition: expect.any(String), missing });
  },
);

test.for(["kafka", "kinesis", "event-hubs", "oci-streaming"] as const)(
  "finish copies late records of %s that are stored behind what retention has removed, once that is given up",
  async (form, context) => {
    const source = await memorySide(context, form, "flights", 2);
    const target = await memorySide(context, "kafka", "departures", 2);
    const stateFile = join(await directoryOf(context), "cutover.json");
    const checkpoints = checkpointFiles(await directoryOf(context));
    const taking = (step: CutoverStep, acceptRemoved?: boolean): Promise<CutoverReport> =>
      cutover(source, target, { step, stateFile, checkpoints, confirmed: true, acceptRemoved, quietMs: 0 });
    await produce(source, keysOf(3), 4);
    for (const step of ["check", "freeze", "drain", "mark", "translate", "go"] as const)
      expect(await taking(step)).toMatchObject({ done: true });
    await produce(source, ["removed"], 2);
    await source.emulator.expire("flights");
    await produce(source, ["late"], 2);
    await expect(taking("finish")).rejects.toMatchObject({ code: "position-out-of-range" });
    expect(await taking("finish", true)).toMatchObject({ done: false, late: { count: 2 }, copied: 2 });
    expect(valuesByKey(await messagesOf(target))["late"]).toEqual(["late:0", "late:1"]);
    expect(await taking("finish", true)).toMatchObject({ done: true, phase: "finish", late: { count: 0 } });
  },
);

test("records that come while the source is frozen are late", async (context) => {
  const { source, target, stateFile } = await twoTopics(context);
  await cutover(source, target, { step: "check", stateFile });
  const freezing = cutover(source, target, { step: "freeze", stateFile, confirmed: true, quietMs: 300 });
  await sleep(100);
  await produce(source, ["late"], 1);
  expect(await freezing).toMatchObject({ done: false, phase: "check", late: { count: 1 } });
});

test("before go a rollback removes what was put on the target, and a new attempt begins afresh", async (context) => {
  const { source, target, stateFile } = await twoTopics(context);
  const taking = (step: CutoverStep): Promise<CutoverReport> => cutover(source, target, { step, stateFile, confirmed: true, quietMs: 0 });
  await produce(source, keysOf(3), 4);
  await handleAll(source, 5);
  for (const step of ["check", "freeze", "drain", "mark", "translate"] as const) await taking(step);
  await expect(target.connection.admin.describeGroup("departures", "delays")).resolves.toMatchObject({ members: 0 });
  expect(await taking("rollback")).toMatchObject({ done: true, phase: "new", direction: "forward" });
  await expect(target.connection.admin.describeGroup("departures", "delays")).rejects.toMatchObject({ code: "not-found" });
  for (const step of ["check", "freeze", "drain", "mark", "translate", "go"] as const)
    expect(await taking(step)).toMatchObject({ done: true });
});

test("the state of another cutover is refused", async (context) => {
  const { source, target, stateFile } = await twoTopics(context);
  await cutover(source, target, { step: "check", stateFile });
  await expect(cutover(target, source, { step: "check", stateFile })).rejects.toMatchObject({ code: "position-mismatch" });
});

test("what a group has handled of the copies on the target is not handled again when it comes back", async (context) => {
  const { source, target, stateFile } = await twoTopics(context);
  const taking = (step: CutoverStep): Promise<CutoverReport> => cutover(source, target, { step, stateFile, confirmed: true, quietMs: 0 });
  await produce(source, keysOf(5), 6);
  await handleAll(source, 10);
  for (const step of ["check", "freeze", "drain", "mark", "translate", "go"] as const)
    expect(await taking(step)).toMatchObject({ done: true });
  await handleAll(target, 12);
  await produce(target, keysOf(5), 2, 6);
  await copy(target, source);
  expect(await taking("rollback")).toMatchObject({
    done: true,
    direction: "back",
    groups: [{ group: "delays", repeats: 0, refused: null }],
  });
  // Interrupted before its answer was seen, it is taken again.
  expect(await taking("rollback")).toMatchObject({ done: true, direction: "back" });
  const rest: string[] = [];
  const consumer = source.connection.topic("flights", { codec: bytes() }).consumer({ group: "delays" });
  await consumer.run(({ value }) => {
    rest.push(Buffer.from(value).toString());
    if (rest.length === 40 - 10 - 12) void consumer.close();
  });
  expect(new Set(rest).size).toBe(18);
  for (const key of keysOf(5)) expect(rest.filter((text) => text.startsWith(`${key}:`)).at(-1)).toBe(`${key}:7`);
});

test("a topic that is created anew between two steps is refused", async (context) => {
  const source = await memorySide(context, "kafka", "flights", 1);
  const target = await memorySide(context, "kafka", "departures", 1);
  const stateFile = join(await directoryOf(context), "cutover.json");
  await produce(source, keysOf(2), 2);
  for (const step of ["check", "freeze", "drain"] as const) await cutover(source, target, { step, stateFile, confirmed: true, quietMs: 0 });
  await target.connection.admin.deleteTopic.call(target.connection.admin as never, "departures");
  await target.connection.admin.createTopic.call(target.connection.admin as never, "departures", { partitions: 1 });
  await expect(cutover(source, target, { step: "mark", stateFile })).rejects.toMatchObject({
    code: "position-mismatch",
    message: expect.stringContaining("created again"),
  });
});

test("a freeze that is repeated changes nothing, unless something came behind it: then what follows is taken again", async (context) => {
  const { source, target, stateFile } = await twoTopics(context);
  const taking = (step: CutoverStep): Promise<CutoverReport> => cutover(source, target, { step, stateFile, confirmed: true, quietMs: 0 });
  await produce(source, keysOf(3), 4);
  await handleAll(source, 5);
  for (const step of ["check", "freeze", "drain", "mark", "translate"] as const) await taking(step);
  expect(await taking("freeze")).toMatchObject({ done: true, phase: "translate" });
  await produce(source, ["late"], 1);
  expect(await taking("freeze")).toMatchObject({ done: true, phase: "freeze" });
  await expect(taking("go")).rejects.toMatchObject({ code: "conflict" });
  expect(await taking("drain")).toMatchObject({ done: true, copied: 1 });
});
