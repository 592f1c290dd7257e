import type { BalanceStep } from "./balance.ts";
import type { Held, LeaseRow } from "./lease-row.ts";
import type { MemberParts } from "./member-parts.ts";

/** The one row that a member has asked another one for. */
export class Wish {
  readonly #parts: MemberParts;
  #partition: string | null = null;

  constructor(parts: MemberParts) {
    this.#parts = parts;
  }

  /** Looks at one row instead of all: was it handed over, or is the wish no longer in it? */
  async isAnswered(): Promise<boolean> {
    if (this.#partition === null) return false;
    const { store, id, requests } = this.#parts;
    const held = await store.read(this.#partition, requests);
    return held === null || held.row.owner === null || held.row.wantedBy !== id;
  }

  /** Asks for a row, or withdraws what was asked for, as the balance rule says. @returns whether the owner should look at its rows */
  async change(rows: ReadonlyMap<string, Held<LeaseRow>>, { ask, withdraw, take }: BalanceStep): Promise<boolean> {
    const { store, id, requests } = this.#parts;
    const write = async (partition: string, wantedBy: string | null): Promise<boolean> => {
      const held = rows.get(partition)!;
      return (await store.swap(held, { ...held.row, wantedBy }, requests)) !== null;
    };
    const asked = [...rows.values()].find(({ row }) => row.wantedBy === id && row.owner !== id && !take.includes(row.partition));
    this.#partition = asked?.row.partition ?? null;
    if (withdraw !== null && (await write(withdraw, null))) this.#partition = null;
    if (ask === null) return false;
    // It is looked at also where the answer is lost.
    this.#partition = ask;
    return write(ask, id);
  }

  /** Withdraws what was asked for, also where it is handed over at the same time. @returns whether it is free now, and nobody knows */
  async withdraw(): Promise<boolean> {
    const partition = this.#partition;
    const { store, id, requests } = this.#parts;
    while (partition !== null) {
      const held = await store.read(partition, requests);
      if (held?.row.wantedBy !== id) return false;
      if ((await store.swap(held, { ...held.row, wantedBy: null }, requests)) !== null) return held.row.owner === null;
    }
    return false;
  }
}
