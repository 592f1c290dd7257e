import { jsonOf } from "../client/stream-calls.ts";
import type { MessagePage, ServiceMessage } from "./message-page.ts";
import type { MessagePlaces } from "./message-places.ts";
import { placesIn } from "./page-scan.ts";
import { decodeBase64 } from "./short-base64.ts";

const [QUOTE, COMMA, OBJECT_END] = [0x22, 0x2c, 0x7d];

/**
 * A page as the service writes it: without white space and escapes, its messages alike up to their keys. Such a page need not become objects: it is looked
 * through once for where its parts lie, which takes a fraction of the time of parsing it, and leaves nothing to be collected but the text.
 */
export class PlainPage implements MessagePage {
  readonly #text: Buffer;
  readonly #places: MessagePlaces;

  private constructor(text: Buffer, places: MessagePlaces) {
    this.#text = text;
    this.#places = places;
  }

  /** @returns `null`: the page has another form */
  static of(body: Buffer): PlainPage | null {
    const places = placesIn(body);
    return places === null ? null : new PlainPage(body, places);
  }

  get length(): number {
    return this.#places.length;
  }

  get bytes(): number {
    return this.#places.bytes;
  }

  offsetOf(index: number): string {
    const offset = this.#places.offsetAt(index);
    return this.#text.toString("latin1", offset, this.#text.indexOf(COMMA, offset));
  }

  timestampMsOf(index: number): number {
    return this.#places.timeMsOf(index);
  }

  keyOf(index: number): Buffer | null {
    const key = this.#places.keyAt(index);
    return this.#text[key] === QUOTE ? decodeBase64(this.#text, key + 1, this.#places.keyEndAt(index) - 1) : null;
  }

  valueOf(index: number): Buffer {
    return decodeBase64(this.#text, this.#places.valueAt(index), this.#places.valueEndAt(index));
  }

  bytesOf(index: number): number {
    return this.#places.bytesOf(index);
  }

  messageOf(index: number): ServiceMessage {
    const end = this.#text.indexOf(OBJECT_END, this.#places.valueEndAt(index)) + 1;
    return jsonOf({ body: this.#text.subarray(this.#places.itemAt(index), end) }) as ServiceMessage;
  }
}
