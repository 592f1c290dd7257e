import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { afterEach, beforeEach, expect, test } from "vitest";
import { flights, harness, sendTo, valuesOf } from "./harness.ts";

let snapshots = 0;
const heard = (event: unknown): void => {
  if ((event as { readonly operation: string }).operation === "CreateSnapshot") snapshots += 1;
};

beforeEach(() => {
  snapshots = 0;
  subscribe("streamport:call", heard);
});

afterEach(() => {
  unsubscribe("streamport:call", heard);
});

test.each(["earliest", "latest"] as const)("a reader from the %s that nobody asks for a bookmark takes no snapshot", async (from) => {
  await using under = await harness();
  await sendTo(under.connection, ["0"], "k");
  const reader = flights(under.connection).reader({ from, until: "now" });
  expect(await valuesOf(reader)).toEqual(from === "latest" ? [] : ["0"]);
  await reader.close();
  expect(snapshots).toBe(0);
});

test("the first bookmark of a reader from the latest says where that was when it opened, however late it is asked for", async () => {
  await using under = await harness();
  await sendTo(under.connection, ["0"], "k");
  const reader = flights(under.connection).reader({ from: "latest" });
  const iterator = reader[Symbol.asyncIterator]();
  const first = iterator.next();
  await expect
    .poll(async () => (await under.raw.subscriber.listSubscriptions({ project: `projects/${under.emulator.project}` }))[0].length)
    .toBe(1);
  expect(snapshots).toBe(0);
  const bookmark = await reader.bookmark();
  expect(snapshots).toBe(1);
  await sendTo(under.connection, ["1", "2"], "k");
  expect((await first).value).toMatchObject({ value: "1" });
  await reader.close();
  expect(await valuesOf(flights(under.connection).reader({ from: { bookmark }, until: "now" }))).toEqual(["1", "2"]);
});
