import { HOLD_MS, MARGIN_MS, WATCH_MS, World } from "../world/world.ts";
import type { Engine } from "../world/engine.ts";
import { type Invariant, require } from "./invariant.ts";

/** While a member raises attention for what it asks, another one asks for a row of it. */
async function askEachOther(engine: Engine): Promise<void> {
  const world = new World(engine, 4);
  const b = await world.joined("b");
  let askedMs: number | null = null;
  const askToo = async (): Promise<void> => {
    askedMs = world.clock.nowMs();
    // It has not answered the wish of the first member before.
    b.revokingMs = 9_000;
    world.store.edit(a.partitions[0]!, { wantedBy: "c-1" });
    const group = (await world.store.readGroup())!;
    await world.store.writeGroup(group, { ...group.row, attention: group.row.attention + 1 });
  };
  const a = world.member("a", {
    fault: (call) => {
      if (call !== "writeGroup" || a.partitions.length === 0 || askedMs !== null) return null;
      void askToo();
      return { kind: "slow", beforeMs: 20, afterMs: 0 };
    },
  });
  await world.run(a.start());
  await world.clock.until(() => a.of("revoking").length > 0, "the member answers a wish", 60_000);
  const tookMs = world.clock.nowMs() - askedMs!;
  require(tookMs <= WATCH_MS + 300, `a member that raises attention at the same time has answered a wish after ${tookMs} ms`);
  await world.closeAll();
}

/** 10: hand-overs are as fast as the group's row is watched; a dead member is found by the lists in between. */
export const handOver: Invariant = {
  name: "10 hand-over: within some looks at the group's row; a dead member, which raises nothing, is found all the same",
  mutants: [
    {
      name: "does-not-raise-attention",
      file: "change-group.ts",
      find: "row.attention === seen.row.attention ?",
      replace: "row.attention === seen.row.attention + 1 ?",
    },
    {
      name: "ignores-attention",
      file: "member.ts",
      find: "group.row.attention !== seen.attention ||",
      replace: "group.row.attention < seen.attention ||",
    },
    {
      name: "waits-for-a-list-for-its-wish",
      file: "wish.ts",
      find: "if (this.#partition === null) return false;",
      replace: "if (this.#partition === null || this.#partition !== null) return false;",
    },
    {
      name: "lists-only-on-attention",
      file: "group-rows.ts",
      find: "nowMs - this.#listedMs >= times.listMs || nowMs >= this.expiry.nextMs;",
      replace: "nowMs - this.#listedMs >= times.listMs * 1_000;",
    },
    {
      name: "takes-the-raise-of-another-for-its-own",
      file: "change-group.ts",
      find: "attention: row.attention + 1 } : null)",
      replace: "attention: row.attention + 1 } : row)",
    },
    {
      name: "renews-too-late",
      file: "lease-times.ts",
      find: "Math.min(sessionTimeoutMs / 3, renewMs)",
      replace: "sessionTimeoutMs / 2",
    },
  ],
  async check(engine) {
    await askEachOther(engine);
    const world = new World(engine, 4);
    const a = await world.joined("a");
    await world.clock.advance(6_300);
    a.revokingMs = 1_500;
    const b = await world.joined("b");
    const askedMs = world.clock.nowMs();
    await world.clock.until(() => b.partitions.length === 2, "the shares are equal", 60_000);
    const tookMs = world.clock.nowMs() - askedMs;
    // Two rows, each with a look of the owner and one of the member that has asked for it.
    require(tookMs <= 4 * WATCH_MS + 2 * a.revokingMs + 300, `two hand-overs have taken ${tookMs} ms`);
    a.revokingMs = 0;
    const leavingMs = world.clock.nowMs();
    await world.run(b.close());
    await world.clock.until(() => a.partitions.length === 4, "what a member has left is taken", 60_000);
    require(world.clock.nowMs() - leavingMs <=
      2 * WATCH_MS, `what a member has left was taken after ${world.clock.nowMs() - leavingMs} ms`);
    const c = await world.joined("c");
    await world.clock.until(() => c.partitions.length === 2, "the shares are equal", 60_000);
    await world.clock.advance(10_000);
    c.process.freeze();
    const deadMs = world.clock.nowMs();
    await world.clock.until(() => a.partitions.length === 4, "a dead member's rows are taken", 60_000);
    const foundMs = world.clock.nowMs() - deadMs;
    require(foundMs <= HOLD_MS + MARGIN_MS + HOLD_MS + 2 * WATCH_MS, `a dead member was found after ${foundMs} ms`);
    const beats = Map.groupBy(a.events, ({ kind }) => kind);
    require(!beats.has("lost"), "a live member has lost something");
    // A live member gives a sign of life at least every three seconds.
    const { beat } = await world.row("s0");
    await world.clock.advance(30_000);
    const signs = Number((await world.row("s0")).beat - beat);
    require(signs >= 7, `only ${signs} signs of life in 30 s`);
    await world.closeAll();
  },
};
