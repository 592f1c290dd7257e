import type { Fetched } from "./partition-source.ts";
import type { StoredRecord, UnreadableRange } from "../driver/index.ts";

/** Cuts what a page holds into portions of about so many bytes, in order. */
export class Portions {
  readonly #portionBytes: number;
  readonly #found: Fetched[] = [];
  #records: StoredRecord[] = [];
  #bytes = 0;
  /** The last record, where its last message has another position: everything of it has been added. */
  #through: string | null = null;

  constructor(portionBytes: number) {
    this.#portionBytes = portionBytes;
  }

  add(messages: readonly StoredRecord[]): void {
    for (const message of messages) {
      // Many messages without bytes are not for nothing either.
      const bytes = Math.max(message.bytes, 1);
      if (this.#bytes > 0 && this.#bytes + bytes > this.#portionBytes) this.#flush();
      this.#records.push(message);
      this.#bytes += bytes;
    }
  }

  unreadable(range: UnreadableRange): void {
    this.#flush();
    this.#through = null;
    this.#found.push({ kind: "unreadable", range });
  }

  /** All messages of the record have been added. @param isPacked the last of them has another position, or there is none */
  through(position: string, isPacked: boolean): void {
    this.#through = isPacked ? position : null;
  }

  #flush(): void {
    if (this.#records.length === 0) return;
    this.#found.push({ kind: "records", records: this.#records });
    this.#records = [];
    this.#bytes = 0;
  }

  finish(): readonly Fetched[] {
    this.#flush();
    if (this.#through !== null) this.#found.push({ kind: "advanced", through: this.#through });
    return this.#found;
  }
}
