import { expect, test } from "vitest";
import * as engine from "../../../src/leases/index.ts";
import { World } from "./world/world.ts";

const MANY_MS = 20_000;

test("a lease is renewed as often as the adapter asks for, so that a live member is seen as soon", async () => {
  const world = new World(engine, 2);
  world.renewMs = 200;
  await world.joined("a");
  const { beat } = await world.row("s0");
  await world.clock.advance(MANY_MS);
  const signs = Number((await world.row("s0")).beat - beat);
  expect(signs).toBeGreaterThanOrEqual(MANY_MS / 300);
  expect(signs).toBeLessThanOrEqual(MANY_MS / 200);
  const askedMs = world.clock.nowMs();
  expect(await world.run(world.admin().describe(new AbortController().signal))).toMatchObject({ members: 1 });
  expect(world.clock.nowMs() - askedMs).toBeLessThanOrEqual(400);
  await world.closeAll();
});

test("a member that cannot reach the store says so after the time of a renewal", async () => {
  const world = new World(engine, 2);
  world.renewMs = 200;
  let isCut = false;
  const member = await world.joined("a", { fault: () => (isCut ? { kind: "refused" } : null) });
  isCut = true;
  await world.clock.advance(3_000);
  expect(member.of("rejoining")).toHaveLength(1);
  isCut = false;
  await world.clock.advance(3_000);
  expect(member.of("joined")).toHaveLength(2);
  expect(member.of("lost")).toEqual([]);
  await world.closeAll();
});

test("a session that the store cannot keep is refused, and nothing is written", async () => {
  const world = new World(engine, 2);
  world.leastSessionMs = 6_000;
  const refused = world.member("a", {}, { sessionTimeoutMs: 5_999 });
  await expect(refused.consumer.start(refused, new AbortController().signal)).rejects.toMatchObject({
    code: "invalid-argument",
    message: expect.stringMatching(/at least 6000; received 5999/) as string,
  });
  expect(await world.store.readGroup()).toBeNull();
  await world.joined("b", {}, { sessionTimeoutMs: 6_000 });
  await world.closeAll();
});
