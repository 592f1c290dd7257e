import type { StoredRecord } from "../driver/record.ts";
import { parseOrigin } from "../handled-origin.ts";
import { provenanceFrom } from "../provenance.ts";

/** Tells which messages a migration has carried, and the group had handled before it was moved. */
export class MigratedMessages {
  readonly #source: string;
  readonly #ordinals: ReadonlyMap<string, bigint>;

  private constructor(source: string, ordinals: ReadonlyMap<string, bigint>) {
    this.#source = source;
    this.#ordinals = ordinals;
  }

  /** @param text `Assignment.origin`. @returns `null`: no message was */
  static of(text: string | null | undefined): MigratedMessages | null {
    const origin = text === null || text === undefined ? null : parseOrigin(text);
    if (origin === null) return null;
    return new MigratedMessages(origin.source, new Map([...origin.ordinals].map(([partition, ordinal]) => [partition, BigInt(ordinal)])));
  }

  isHandled({ headers }: StoredRecord): boolean {
    const copy = provenanceFrom(this.#source, headers);
    if (copy === null || copy.ordinal === null) return false;
    const handled = this.#ordinals.get(copy.partition);
    return handled !== undefined && BigInt(copy.ordinal) <= handled;
  }
}
