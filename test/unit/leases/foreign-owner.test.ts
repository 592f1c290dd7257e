import { expect, test } from "vitest";
import * as engine from "../../../src/leases/index.ts";
import { HOLD_MS, World } from "./world/world.ts";

test("a row that a foreign client has taken and freed, without raising attention, is taken again after a renewal's time", async () => {
  const world = new World(engine, 2);
  world.renewMs = 300;
  const member = await world.joined("a");
  await world.clock.advance(1_000);
  const beat = (await world.row("s0")).beat;
  world.store.edit("s0", { owner: "worker", beat: String(beat + 1n), holdMs: undefined });
  await world.clock.advance(2_000);
  expect(member.of("lost")).toHaveLength(1);
  world.store.edit("s0", { owner: undefined, beat: String(beat + 2n) });
  const freedMs = world.clock.nowMs();
  while ((await world.row("s0")).owner === null && world.clock.nowMs() - freedMs < HOLD_MS) await world.clock.advance(100);
  expect(world.clock.nowMs() - freedMs).toBeLessThan(HOLD_MS / 4);
  await world.closeAll();
});

test("a reset of a group that has only foreign rows puts it where it was asked to, not where these rows are", async () => {
  const world = new World(engine, 2);
  for (const shard of world.topic.open) world.topic.append(shard, 10);
  world.store.edit("s0", { partition: "s0", epoch: "4", beat: "9", place: "after 6", moved: "0" });
  await world.run(world.admin().reset({ kind: "earliest" }, new AbortController().signal));
  const member = await world.joined("a", {}, { initialPosition: "fail" });
  await world.clock.advance(3_000);
  expect(world.topic.open.map((shard) => member.of("delivered", shard)[0]?.first)).toEqual([0, 0]);
  await world.closeAll();
});
