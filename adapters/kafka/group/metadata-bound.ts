import { DEFAULT_METADATA_BYTES } from "./commit-metadata.ts";

/**
 * The longest metadata of a commit that the servers accept, as far as it is known. A client often has no permission to read the setting
 * `offset.metadata.max.bytes`, so refused commits show it.
 */
export class MetadataBound {
  #bytes = DEFAULT_METADATA_BYTES;

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * A server has refused a text.
   * @param length of the refused text
   * @param shortest the length without what can be left out in parts
   */
  refused(length: number, shortest: number): void {
    const next = Math.max(Math.floor(length / 2), Math.min(shortest, length - 1));
    this.#bytes = Math.min(this.#bytes, next);
  }
}
