import { hash } from "node:crypto";
import type { HeaderList } from "../driver/record.ts";
import type { StoredTime } from "../stored-time.ts";
import type { OpenSide } from "./side.ts";

/** What a copy must carry of a message. */
export interface CarriedContent {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Without the provenance of the copy that is verified. */
  readonly headers: HeaderList;
  /** At the source. */
  readonly timestampMs: StoredTime;
}

/** Written by one call at a time, and larger where a message is. */
class Scratch {
  #bytes = Buffer.allocUnsafe(65_536);
  #length = 0;

  text(text: string): void {
    this.#reserve(text.length * 3);
    this.#length += this.#bytes.write(text, this.#length, "utf8");
  }

  /** With its length before it, so that no other content looks the same. */
  content(content: Uint8Array | null): void {
    this.text(content === null ? "-\0" : `${content.length}\0`);
    if (content === null) return;
    this.#reserve(content.length);
    this.#bytes.set(content, this.#length);
    this.#length += content.length;
  }

  /** 48 bits of the hash of what was written; begins anew. */
  digest(): number {
    const digest = hash("sha1", this.#bytes.subarray(0, this.#length), "buffer").readUIntBE(0, 6);
    this.#length = 0;
    return digest;
  }

  #reserve(more: number): void {
    if (this.#length + more > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], (this.#length + more) * 2);
  }
}

/** Makes digests of messages: of one in the source, and the same of its copy in the target. A sum of them does not depend on the order. */
export class RecordDigests {
  readonly #scratch = new Scratch();
  readonly #keepsHeaderOrder: boolean;

  constructor(source: OpenSide, target: OpenSide) {
    // Where one of both does not keep the order of headers, it is no part of the content.
    this.#keepsHeaderOrder = source.context.capabilities.exactHeaders && target.context.capabilities.exactHeaders;
  }

  /** Of the content, and of where it comes from. */
  of(place: string, { key, value, headers, timestampMs }: CarriedContent): number {
    const scratch = this.#scratch;
    scratch.text(`${place}\0${timestampMs}\0${headers.length}\0`);
    scratch.content(key);
    scratch.content(value);
    const ordered = this.#keepsHeaderOrder || headers.length < 2 ? headers : headers.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
    for (const [name, content] of ordered) {
      scratch.text(`${name.length}\0${name}`);
      scratch.content(content);
    }
    return scratch.digest();
  }
}
