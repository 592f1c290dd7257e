import { expect, test } from "vitest";
import * as engine from "../../../src/leases/index.ts";
import { SIGNAL, World } from "./world/world.ts";

test("the progress of a group has what is handled ahead, beside the place that it belongs to only", async () => {
  const world = new World(engine, 2);
  world.topic.append("s0", 10);
  const admin = world.admin();
  expect(await world.run(admin.progress(SIGNAL))).toBeNull();
  const member = world.member("a");
  member.isAutomatic = false;
  await world.run(member.start());
  await world.clock.until(() => member.partitions.length === 2, "it owns both shards");
  const ahead = { upTo: "7", except: ["4"] };
  await world.run(member.settle(member.current.get("s0")!, "2", { ahead }));
  const progress = await world.run(admin.progress(SIGNAL));
  expect(progress?.get("s0")).toEqual({ place: { kind: "after", position: "2" }, ahead });
  expect(progress?.get("s1")).toMatchObject({ ahead: null });
  expect((await world.run(admin.places(SIGNAL)))?.get("s0")).toEqual({ kind: "after", position: "2" });
  world.store.edit("s0", { place: "after 1" });
  expect((await world.run(admin.progress(SIGNAL)))?.get("s0")).toEqual({ place: { kind: "after", position: "1" }, ahead: null });
  await world.closeAll();
});
