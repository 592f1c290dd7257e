import type { Engine } from "../world/engine.ts";
import { WATCH_MS, World } from "../world/world.ts";
import { type Invariant, require } from "./invariant.ts";

/** All rows are listed twice in a session: what only a list finds takes up to 30 s. */
const LONG_SESSION = { sessionTimeoutMs: 60_000 };

/** 14: what a member can know, it does not leave to the next list. */
export const prompt: Invariant = {
  name: "14 prompt: free rows do not wait for a list, not behind a lost race, a withdrawn wish, a session that has ended, or a topic that has grown",
  mutants: [
    {
      name: "leaves-a-lost-race-to-the-next-list",
      file: "member.ts",
      find: "if (!hasAll) this.#isDirty = true;",
      replace: "",
    },
    {
      name: "withdraws-once",
      file: "wish.ts",
      find: "while (partition !== null) {",
      replace: "for (let left = 1; partition !== null && left > 0; left -= 1) {",
    },
    {
      name: "tells-nobody-of-what-it-withdraws",
      file: "member.ts",
      find: "withdrawn.catch(() => false),",
      replace: "withdrawn.then(() => false),",
    },
    {
      name: "lists-the-topic-with-the-rows",
      file: "member.ts",
      find: "|| (await this.#topic.hasChanged(describeMs, life))",
      replace: "",
    },
    {
      name: "leaves-an-expiry-to-the-next-list",
      file: "group-rows.ts",
      find: "|| nowMs >= this.expiry.nextMs",
      replace: "",
    },
    {
      name: "expects-the-same-expiry-for-ever",
      file: "expiry.ts",
      find: "|| this.#expired.has(partition)",
      replace: "",
    },
  ],
  async check(engine) {
    await raceForFreeRows(engine);
    await leaveWhileARowIsHandedOver(engine);
    await growth(engine);
    await shortSession(engine);
    await notMoreLists(engine);
  },
};

/** Two members join at once: all rows are free to both. */
async function raceForFreeRows(engine: Engine): Promise<void> {
  const world = new World(engine, 4);
  const [a, b] = [world.member("a", {}, LONG_SESSION), world.member("b", {}, LONG_SESSION)];
  await world.run(Promise.all([a.start(), b.start()]).then(() => undefined));
  const startedMs = world.clock.nowMs();
  await world.clock.until(() => a.partitions.length === 2 && b.partitions.length === 2, "the shares of two that join at once are equal");
  const tookMs = world.clock.nowMs() - startedMs;
  require(tookMs <= 8 * WATCH_MS, `the shares of two that join at once were equal after ${tookMs} ms`);
  await world.closeAll();
}

/** A member leaves: what it has asked for is handed over to it between its look at the row and its write. */
async function leaveWhileARowIsHandedOver(engine: Engine): Promise<void> {
  const world = new World(engine, 2);
  const a = await world.joined("a", {}, LONG_SESSION);
  a.revokingMs = 2_000;
  let withdrawals = 0;
  const b = await world.joined(
    "b",
    {
      fault: (call, row) => {
        if (call !== "swap" || row === null || !("wantedBy" in row) || row.wantedBy !== null || row.owner === null) return null;
        withdrawals += 1;
        return { kind: "slow", beforeMs: 5_000, afterMs: 0 };
      },
    },
    LONG_SESSION,
  );
  await world.clock.until(() => a.events.some(({ kind }) => kind === "revoking"), "a member is asked for a row");
  await world.run(b.close());
  require(withdrawals === 1, `${withdrawals} withdrawals were overtaken`);
  const leftMs = world.clock.nowMs();
  await world.clock.until(() => a.partitions.length === 2, "what a member has asked for and left is taken");
  const tookMs = world.clock.nowMs() - leftMs;
  require(tookMs <= 3 * WATCH_MS, `what a member has asked for and left was taken after ${tookMs} ms`);
  await world.closeAll();
}

/** Nobody names the new partition but the topic. */
async function growth(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  world.describeMs = 3_000;
  const a = await world.joined("a", {}, LONG_SESSION);
  await world.clock.advance(1_500);
  world.topic.grow();
  const grownMs = world.clock.nowMs();
  await world.clock.until(() => a.partitions.length === 2, "a new partition is taken");
  const tookMs = world.clock.nowMs() - grownMs;
  require(tookMs <= world.describeMs + 2 * WATCH_MS, `a new partition was taken after ${tookMs} ms`);
  await world.closeAll();
}

/** A row is taken by somebody with a short session, who is not heard of again. */
async function shortSession(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  const a = await world.joined("a", {}, LONG_SESSION);
  await world.clock.advance(1_000);
  const { epoch, beat } = await world.row("s0");
  world.store.edit("s0", { owner: "thief", epoch: String(epoch + 1n), beat: String(beat + 1n), holdMs: "200" });
  await world.clock.until(() => a.partitions.length === 0, "the loss is noticed");
  const noticedMs = world.clock.nowMs();
  await world.clock.until(() => a.partitions.length === 1, "what nobody is heard of any more is taken");
  const tookMs = world.clock.nowMs() - noticedMs;
  // The margin is a tenth of the observer's own session.
  require(tookMs <= 200 + 6_000 + 3 * WATCH_MS, `what nobody is heard of any more was taken after ${tookMs} ms`);
  await world.closeAll();
}

/** A row that has expired, and that is another member's to take, is not looked at more often than others. */
async function notMoreLists(engine: Engine): Promise<void> {
  const world = new World(engine, 4);
  let lists = 0;
  const a = await world.joined("a", { called: (call) => (lists += call === "list" ? 1 : 0) }, LONG_SESSION);
  const b = await world.joined("b", {}, LONG_SESSION);
  await world.clock.until(() => b.partitions.length === 2, "the shares are equal");
  b.process.freeze();
  const [stolen] = b.partitions;
  const { epoch, beat } = await world.row(stolen!);
  world.store.edit(stolen!, { owner: "thief", epoch: String(epoch + 1n), beat: String(beat + 1n), holdMs: "200" });
  lists = 0;
  await world.clock.advance(55_000);
  require(a.partitions.length === 2, `a member has ${a.partitions.length} of 4 rows beside another one`);
  require(lists <= 4, `${lists} lists in 55 s`);
  await world.closeAll();
}
