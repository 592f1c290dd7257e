import type { HandledAhead } from "../../../../../src/driver/index.ts";
import { requireEqual } from "../../invariants/invariant.ts";
import type { EngineMutant } from "../../load-mutant.ts";
import type { CoreMember } from "../core-member.ts";
import type { CoreWorld } from "../core-world.ts";
import { type Name, nameOf } from "../ledger.ts";

/** What must come of a group whose members leave, die or stand still, with a defect for each way to get it wrong. */
export interface History {
  readonly name: string;
  readonly shards?: number;
  readonly aheadBytes?: number;
  readonly mutants: readonly EngineMutant[];
  play(world: CoreWorld): Promise<void>;
}

/** Progress is stored after each message. */
export const OFTEN = { everyMs: 1, everyMessages: 1 };
/** Progress is stored when a member leaves or hands over, and not before. */
export const RARELY = { everyMs: 3_600_000, everyMessages: 1_000_000 };

/** Messages of the first shard. */
export function messages(...indexes: readonly number[]): readonly Name[] {
  return indexes.map((index) => nameOf("s0", index));
}

/** From one index on, `count` of them. */
export function from(index: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, distance) => index + distance);
}

export function requireStarted(member: CoreMember, expected: readonly Name[]): void {
  requireEqual(member.started, expected, `what ${member.name} is given`);
}

/** What the row of the first shard says: its place, and what is handled ahead of it. */
export async function requireStored(world: CoreWorld, place: string, ahead: HandledAhead | null): Promise<void> {
  const row = await world.row();
  const at = "position" in row.place ? `${row.place.kind} ${row.place.position}` : row.place.kind;
  requireEqual([at, row.ahead], [place, ahead === null ? null : { of: place, ...ahead }], "what is stored");
}

/** One member more handles everything that is left. */
export async function finish(world: CoreWorld): Promise<void> {
  const last = world.member("last", { holds: () => false, commit: OFTEN });
  await world.until(() => world.ledger.isDone, "everything is handled and stored");
  await world.end();
  requireEqual(last.failure, null, "the failure of the last member");
}
