import { expect, test } from "vitest";
import * as engine from "../../../src/leases/index.ts";
import { Oracle } from "./world/oracle.ts";
import { HOLD_MS, World } from "./world/world.ts";

/** Enough to reach every kind of wait: joining, taking, delivering, settling, renewing, asking, handing over, ending a shard. */
const WAITS = 90;

/** A member whose process stops at one of its waits while everything happens around it, and goes on when another member has taken over. */
async function frozenAt(wait: number, isSuspended: boolean): Promise<readonly string[]> {
  const oracle: Oracle = new Oracle(
    () => world.topic,
    () => world.clock.nowMs(),
  );
  const world: World = new World(engine, 3, {
    landed: (write) => oracle.landed(write),
    assigned: (member, assignment) => oracle.assigned(member, assignment),
    delivered: (member, assignment, indexes) => oracle.delivered(member, assignment, indexes),
    handled: (member, assignment, index) => oracle.handled(member, assignment, index),
  });
  const append = (): void => {
    for (const shard of world.topic.open) world.topic.append(shard, 12);
  };
  append();
  const a = world.member("a");
  a.process.freezeAt = wait;
  a.process.onFreeze = () => {
    if (!isSuspended) return;
    a.process.thaw();
    a.process.freeze(true);
  };
  const started = a.start().catch(() => undefined);
  await world.clock.advance(4_000);
  append();
  const b = world.member("b");
  const joined = b.start();
  await world.clock.advance(2_500);
  world.topic.split("s0");
  append();
  await world.clock.advance(2.5 * HOLD_MS);
  if (!a.process.isFrozen) throw new Error(`the member had not as many as ${wait} waits`);
  append();
  a.process.thaw();
  await world.run(Promise.all([started, joined]).then(() => undefined));
  await world.clock.until(() => oracle.unhandled.length === 0, "everything is handled");
  await world.closeAll();
  return [...oracle.violations, ...(world.clock.sleeping === 0 ? [] : ["timers are left"])];
}

test.each([
  ["stopped", false],
  ["suspended", true],
])("a member that is %s at any of its waits disturbs nobody", async (_, isSuspended) => {
  const violations: string[] = [];
  for (let wait = 1; wait <= WAITS; wait += 1) {
    for (const violation of await frozenAt(wait, isSuspended)) violations.push(`frozen at its wait ${wait}: ${violation}`);
  }
  expect(violations).toEqual([]);
});
