import type { HeaderList } from "../../driver/record.ts";
import type { StoredTime } from "../../stored-time.ts";
import type { OpenSide } from "../side.ts";
import { ContentHash } from "./content-hash.ts";
import { tellContent } from "./tell-parts.ts";

/** What a copy must carry of a message. */
export interface CarriedContent {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: HeaderList;
  /** At the source. */
  readonly timestampMs: StoredTime;
}

/** Where one of both sides does not keep the order of headers, it is no part of the content. */
export function keepsHeaderOrder(source: OpenSide, target: OpenSide): boolean {
  return source.context.capabilities.exactHeaders && target.context.capabilities.exactHeaders;
}

/** Makes digests of single messages: of one in the source, and the same of its copy in the target. */
export class RecordDigests {
  readonly #keepsHeaderOrder: boolean;
  readonly #hash = new ContentHash();

  constructor(source: OpenSide, target: OpenSide) {
    this.#keepsHeaderOrder = keepsHeaderOrder(source, target);
  }

  /**
   * Of the content, and of where it comes from: 48 of the 128 bits.
   * @param place `placeHash` of the message in the source
   * @param provenanceIndex of the header that the copy has added; -1: none
   */
  of(place: number, content: CarriedContent, provenanceIndex = -1): number {
    hashContent(this.#hash, place, content, provenanceIndex, this.#keepsHeaderOrder);
    const { words } = this.#hash;
    return (words[1]! & 0xffff) * 4_294_967_296 + (words[0]! >>> 0);
  }
}

/** @param provenanceIndex of the header that the copy has added; -1: none */
export function hashContent(
  hash: ContentHash,
  place: number,
  { key, value, headers, timestampMs }: CarriedContent,
  provenanceIndex: number,
  keepsOrder: boolean,
): void {
  const carried = provenanceIndex < 0 ? headers : headers.filter((_, index) => index !== provenanceIndex);
  const ordered = keepsOrder ? carried : carried.toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  hash.begin();
  tellContent({ key, value, headers: ordered }, hash);
  hash.finish(place, timestampMs);
}
