import type { Fault, OutgoingRecord } from "../../../src/driver/index.ts";

/**
 * - `renewal`: a write to a lease that stores no progress.
 * - `watch`: any other call to a store of leases.
 * - `answer`: the answer to a change by the administration, which has been carried out.
 */
export type CallKind = "publish" | "fetch" | "commit" | "join" | "renewal" | "watch" | "admin" | "answer";

/** What a fault is matched against: one call of a driver. */
export interface CallTarget {
  readonly kind: CallKind;
  readonly topic: string | undefined;
  /** Every partition that the call is about; `null` if it is about none. */
  readonly partitions: readonly string[] | null;
}

/** What is planned for the calls of a broker. An emulator has it; the provider alone plans nothing. */
export interface PlannedFaults {
  readonly isEmpty: boolean;
  /** Counts the call. @returns the faults that apply to it */
  take(call: CallTarget): readonly Fault[];
}

const NOTHING: readonly Fault[] = [];
export const NO_FAULTS: PlannedFaults = { isEmpty: true, take: () => NOTHING };

/** Messages that were chosen to be invalid. They are recognised by their bytes, because the core may send equal ones in other objects. */
export class Culprits {
  readonly #chosen = new Set<string>();

  get size(): number {
    return this.#chosen.size;
  }

  add(record: OutgoingRecord): void {
    this.#chosen.add(fingerprint(record));
  }

  clear(): void {
    this.#chosen.clear();
  }

  has(record: OutgoingRecord): boolean {
    return this.#chosen.size > 0 && this.#chosen.has(fingerprint(record));
  }

  delete(record: OutgoingRecord): void {
    this.#chosen.delete(fingerprint(record));
  }
}

function fingerprint({ key, value }: OutgoingRecord): string {
  const text = (bytes: Uint8Array | null): string => (bytes === null ? "-" : Buffer.from(bytes).toString("base64"));
  return `${text(key)} ${text(value)}`;
}
