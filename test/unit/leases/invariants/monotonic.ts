import { leaseColumns } from "../../../../src/leases/index.ts";
import type { Engine } from "../world/engine.ts";
import { World } from "../world/world.ts";
import { type Invariant, requireEqual } from "./invariant.ts";

/** Also where a settlement was on its way when the shard was ended. */
async function endedStaysEnded(engine: Engine): Promise<void> {
  const world = new World(engine, 1);
  world.topic.append("s0", 5);
  const a = world.member("a", { fault: (call) => (call === "swap" ? { kind: "slow", beforeMs: 100, afterMs: 100 } : null) });
  a.isAutomatic = false;
  const started = a.start();
  await world.clock.advance(2_000);
  await started;
  world.topic.split("s0");
  await world.clock.advance(3_000);
  const [assignment] = a.assignments;
  const late: Promise<unknown>[] = [];
  world.hooks.called = (call) => {
    if (call === "swap" && late.length === 0)
      late.push(a.settle(assignment!, "4", { ahead: { upTo: "4", except: [] } }), a.settle(assignment!, "3"));
  };
  requireEqual(await world.run(a.settle(assignment!, "4", { ended: true })), null, "the answer to the end of a shard");
  requireEqual(late.length, 2, "the settlements behind it");
  await world.run(Promise.all(late));
  const { place, ahead, owner } = await world.row("s0");
  requireEqual([place, ahead, owner], [{ kind: "ended" }, null, null], "the row of an ended shard");
  await world.closeAll();
}

/** 6: a place only rises within an epoch, and `ended` is final; what is handled ahead belongs to its place. */
export const monotonic: Invariant = {
  name: "6 monotonic: a place never goes back within an epoch, and what is handled ahead belongs to exactly its place",
  mutants: [
    {
      name: "lets-the-place-go-back",
      file: "lease.ts",
      find: "this.#parts.compare(through, place.position) < 0",
      replace: "this.#parts.compare(through, place.position) < -1_000",
    },
    {
      name: "keeps-ahead-beside-another-place",
      file: "lease.ts",
      find: "ahead: isBehind && through !== null ? null : fitAhead(place, ahead, aheadBytes, { stored: row.ahead, compare }),",
      replace: "ahead: ahead === null ? row.ahead : fitAhead(place, ahead, aheadBytes, { stored: row.ahead, compare }),",
    },
    {
      name: "trusts-ahead-of-another-place",
      file: "fit-ahead.ts",
      find: "stored === null || stored.of !== placeText(place)",
      replace: "stored === null || placeText(place) === stored.upTo",
    },
    {
      name: "lets-an-ended-place-go-back",
      file: "lease.ts",
      find: 'if (ended || row.place.kind === "ended") {',
      replace: "if (ended) {",
    },
    {
      name: "names-less-than-before",
      file: "lease.ts",
      find: "{ stored: row.ahead, compare }",
      replace: "{ stored: null, compare }",
    },
    { name: "ahead-without-bound", file: "fit-ahead.ts", find: "mostBytes - (mostBytes >>> 5);", replace: "mostBytes * 1_000;" },
  ],
  async check(engine) {
    const world = new World(engine, 1);
    world.topic.append("s0", 200);
    const a = world.member("a");
    a.isAutomatic = false;
    await world.run(a.start());
    const [assignment] = a.assignments;
    requireEqual(
      await world.run(a.settle(assignment!, "8", { ahead: { upTo: "12", except: ["9", "11"] } })),
      null,
      "the answer to a settlement",
    );
    requireEqual((await world.row("s0")).ahead, { of: "after 8", upTo: "12", except: ["9", "11"] }, "what is stored ahead");
    // Alone, beside the place that was settled last.
    await world.run(a.settle(assignment!, null, { ahead: { upTo: "14", except: ["9"] } }));
    requireEqual((await world.row("s0")).ahead, { of: "after 8", upTo: "14", except: ["9"] }, "what is stored ahead alone");
    await world.run(a.settle(assignment!, "5"));
    requireEqual((await world.row("s0")).place, { kind: "after", position: "8" }, "the place after a lower settlement");
    await world.run(a.settle(assignment!, "9"));
    requireEqual((await world.row("s0")).ahead, null, "what is ahead of a place that was settled without it");
    // Far and unevenly apart, so that packing saves about as much for each.
    const except = Array.from({ length: 3_000 }, (_, index) => String(10 + index * 1_000_000_007 + ((index * 48_271) % 65_537) ** 2));
    const end = "9000000000000";
    await world.run(a.settle(assignment!, "9", { ahead: { upTo: end, except } }));
    const row = await world.row("s0");
    requireEqual(Buffer.byteLength(leaseColumns(row)["ahead"]!) <= world.store.aheadBytes, true, "that it fits");
    const { ahead } = row;
    requireEqual(ahead!.upTo, ahead!.except.at(-1), "the end of what fits");
    requireEqual(ahead!.except, except.slice(0, ahead!.except.length), "the exceptions that fit");
    // As many exceptions as fit, and then more behind the end that is stored: it stays the end.
    let full = except.slice(0, Math.ceil(ahead!.except.length * 1.05));
    for (let upTo = ""; upTo !== end; full = upTo === end ? full : full.slice(0, -1)) {
      await world.run(a.settle(assignment!, "9"));
      await world.run(a.settle(assignment!, null, { ahead: { upTo: end, except: full } }));
      ({ upTo } = (await world.row("s0")).ahead!);
    }
    const behind = Array.from({ length: 100 }, (_, index) => String(9_000_000_000_001 + index * 1_000_000_007));
    await world.run(a.settle(assignment!, null, { ahead: { upTo: "9900000000000", except: [...full, ...behind] } }));
    const { upTo, except: kept } = (await world.row("s0")).ahead!;
    requireEqual([BigInt(upTo) >= BigInt(end), kept.slice(0, full.length)], [true, full], "that what was named goes on being named");
    await world.run(a.close());
    world.store.edit("s0", { place: "after 20" });
    const b = await world.joined("b");
    requireEqual(b.assignments[0]!.ahead, null, "what is ahead of a place that a foreign client has stored");
    await world.closeAll();
    await endedStaysEnded(engine);
  },
};
