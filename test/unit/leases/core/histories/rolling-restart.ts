import { requireEqual } from "../../invariants/invariant.ts";
import type { CoreMember } from "../core-member.ts";
import { type Name, nameOf } from "../ledger.ts";
import { type History, RARELY, finish, from } from "./history.ts";

const SHARDS = ["s0", "s1"];
const MEMBERS = 3;

/** Some handlers take longer than all the restarts. */
function isSlow(message: Name): boolean {
  return Number(message.split(":")[1]) % 7 === 0;
}

export const rollingRestart: History = {
  name: "a rolling restart of all members, beside slow handlers, repeats nothing that was handled",
  shards: SHARDS.length,
  mutants: [
    {
      name: "hands-over-without-revoking",
      file: "owned-leases.ts",
      find: "await abortable(sink.revoking(lease.assignment, times.holdMs), requests);",
      replace: "await abortable(times, requests).catch(() => undefined);\n    sink.lost(lease.assignment);",
    },
    {
      name: "hands-over-without-what-is-ahead",
      file: "lease.ts",
      find: "({ ...row, owner: null }));",
      replace: "({ ...row, owner: null, ahead: row.wantedBy === null ? row.ahead : null }));",
    },
    {
      name: "hands-over-without-settling",
      folder: "consume",
      file: "assignment-sink.ts",
      find: "await this.#commits.flush(states, limit);",
      replace: "await Promise.resolve(limit);",
    },
  ],
  async play(world) {
    for (const shard of SHARDS) world.topic.append(shard, 30);
    let names = 0;
    const join = (): CoreMember => world.member(`m${(names += 1)}`, { commit: RARELY, holds: isSlow });
    const isShared = (): boolean =>
      SHARDS.every((shard) => members.some(({ partitions }) => partitions.includes(shard))) &&
      members.filter(({ partitions }) => partitions.length > 0).length === Math.min(members.length, SHARDS.length);
    let members = [join()];
    let length = 30;
    const areSharedAndRead = (): boolean => {
      const quick = SHARDS.flatMap((shard) => from(0, length).map((index) => nameOf(shard, index))).filter((message) => !isSlow(message));
      return isShared() && quick.every((message) => world.ledger.timesHandled(message) > 0);
    };
    // The first member hands a shard over of which it has handled much and settled nothing.
    await world.until(areSharedAndRead, "the first member has read both shards");
    while (members.length < MEMBERS) members.push(join());
    for (let round = 0; round < 2; round += 1) {
      for (const leaving of members) {
        await world.until(areSharedAndRead, "the members have shared the shards, and read them");
        await world.run(leaving.leave());
        members = [...members.filter((member) => member !== leaving), join()];
        for (const shard of SHARDS) world.topic.append(shard, 5);
        length += 5;
      }
    }
    await world.until(areSharedAndRead, "the last members have shared the shards, and read them");
    for (const member of members) await world.run(member.leave());
    await finish(world);
    const all = SHARDS.flatMap((shard) => from(0, length).map((index) => nameOf(shard, index)));
    const repeated = all.filter((message) => world.ledger.timesHandled(message) !== 1);
    requireEqual(repeated, [], "what was not handled exactly once");
  },
};
