import { expect, test } from "vitest";
import * as engine from "../../../src/leases/index.ts";
import type { StoreCall, StoreFault } from "./world/hostile-store.ts";
import { WATCH_MS, World } from "./world/world.ts";

const { signal } = new AbortController();

/** The calls from the removal of the group on: until then an attempt that has failed leaves no trace. */
const CALLS: readonly StoreCall[] = ["removeGroup", "list", "remove"];
const KINDS = ["refused", "lost-answer"] as const satisfies readonly StoreFault["kind"][];

test.each(CALLS.flatMap((call) => KINDS.map((kind) => [call, kind] as const)))(
  "a deletion goes on soon when %s is answered by %s, and leaves nothing",
  async (failing, kind) => {
    const world = new World(engine, 2);
    await world.joined("a");
    await world.clock.advance(3_000);
    await world.closeAll();
    let isRemoving = false;
    let failures = 0;
    const admin = world.admin("admin", {
      fault: (call) => {
        isRemoving ||= call === "removeGroup";
        if (!isRemoving || call !== failing || failures > 0) return null;
        failures += 1;
        return { kind };
      },
    });
    const startedMs = world.clock.nowMs();
    await world.run(admin.remove(signal));
    expect(failures).toBe(1);
    expect(world.clock.nowMs() - startedMs).toBeLessThanOrEqual(WATCH_MS * 2);
    expect([await world.store.readGroup(), await world.store.list()]).toEqual([null, []]);
  },
);

test("a deletion whose answer is lost leaves the group that was started after it alone", async () => {
  const world = new World(engine, 2);
  await world.joined("a");
  await world.clock.advance(3_000);
  await world.closeAll();
  let starting: Promise<unknown> | null = null;
  const admin = world.admin("admin", {
    fault: (call) => (call === "removeGroup" ? { kind: "lost-answer" } : null),
    answered: (call) => {
      if (call === "removeGroup") starting = world.member("b").start();
    },
  });
  await world.run(admin.remove(signal));
  expect(starting).not.toBeNull();
  await world.run(starting!);
  await world.clock.advance(3_000);
  expect((await world.store.list()).map(({ row }) => row.owner)).toEqual([expect.any(String), expect.any(String)]);
  await world.closeAll();
});
