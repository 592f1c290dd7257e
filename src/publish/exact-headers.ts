import type { HeaderList } from "../driver/record.ts";

/**
 * The property under which a message to send has its headers as a list, in place of `headers`: in order, with repeats and with values
 * of `null`, which an object of texts cannot say. For what copies stored records; applications have no name for it.
 */
export const EXACT_HEADERS: unique symbol = Symbol("streamport.exact-headers");

export interface WithExactHeaders {
  readonly [EXACT_HEADERS]?: HeaderList | undefined;
}
