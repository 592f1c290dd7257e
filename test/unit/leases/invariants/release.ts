import type { StoreCall } from "../world/hostile-store.ts";
import { World } from "../world/world.ts";
import { type Invariant, require, requireEqual } from "./invariant.ts";

/** 12: a release keeps what the group has reached; a member that has left leaves nothing running. */
export const release: Invariant = {
  name: "12 release: keeps place, what is handled ahead, epoch and moves; close takes one request a row and leaves nothing running",
  mutants: [
    {
      name: "release-forgets-what-is-ahead",
      file: "lease.ts",
      find: "({ ...row, owner: null }));",
      replace: "({ ...row, owner: null, ahead: null }));",
    },
    {
      name: "release-forgets-the-epoch",
      file: "lease.ts",
      find: "({ ...row, owner: null }));",
      replace: "({ ...row, owner: null, epoch: 0n }));",
    },
    {
      name: "close-leaves-the-rows",
      file: "member.ts",
      find: "[this.#owned.releaseAll(), withdrawn",
      replace: "[Promise.resolve(this.#owned.size > 0), withdrawn",
    },
    {
      name: "close-reads-every-row",
      file: "row-writer.ts",
      find: "if (this.#isStale || this.#unresolved.length > 0) {",
      replace: "if (this.#isStale || this.#unresolved.length >= 0) {",
    },
    {
      name: "close-leaves-a-loop",
      file: "member.ts",
      find: "await clock.sleep(times.renewMs / LOOKS_PER_RENEWAL, life);",
      replace: "await clock.sleep(times.renewMs / LOOKS_PER_RENEWAL, new AbortController().signal);",
    },
  ],
  async check(engine) {
    const world = new World(engine, 5);
    for (const shard of world.topic.open) world.topic.append(shard, 10);
    const calls: StoreCall[] = [];
    const a = world.member("a", { called: (call) => void calls.push(call) });
    a.isAutomatic = false;
    await world.run(a.start());
    for (const assignment of a.assignments) await world.run(a.settle(assignment, "3", { ahead: { upTo: "7", except: ["4"] } }));
    const before = (await world.store.list()).map(({ row }) => row);
    calls.length = 0;
    await world.run(a.consumer.close());
    requireEqual(calls.filter((call) => call === "swap").length, 5, "the number of requests to release five rows");
    require(calls.length <= 6, `close takes ${calls.length} requests: ${calls.join()}`);
    const after = (await world.store.list()).map(({ row }) => row);
    requireEqual(
      after,
      before.map((row) => ({ ...row, owner: null, beat: row.beat + 1n })),
      "the rows after the release",
    );
    await world.run(a.close());
    requireEqual(world.clock.sleeping, 0, "the number of timers that are left");
    const b = await world.joined("b");
    requireEqual(
      b.assignments.map(({ ahead, start }) => [start, ahead])[0],
      [
        { kind: "after", position: "3" },
        { upTo: "7", except: ["4"] },
      ],
      "what the next owner is given",
    );
    await world.closeAll();
    // A member that is closed while it joins leaves nothing either.
    for (let at = 1; at <= 12; at += 1) {
      const early = world.member(`early${at}`);
      early.process.freezeAt = at;
      const started = early.start().catch(() => undefined);
      await world.clock.advance(100);
      const closed = early.close();
      early.process.thaw();
      await world.run(Promise.all([started, closed]).then(() => undefined));
      requireEqual(world.clock.sleeping, 0, `the number of timers left by a member that was closed at its wait ${at}`);
      const owned = (await world.store.list()).filter(({ row }) => row.owner !== null);
      requireEqual(owned, [], `the rows left by a member that was closed at its wait ${at}`);
    }
  },
};
