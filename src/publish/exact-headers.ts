import type { HeaderList } from "../driver/record.ts";

/**
 * The property under which a message to send has its headers as a list, in place of `headers`. A list keeps the order, repeated names and
 * values of `null`; an object of texts cannot. It is for code that copies stored records, and is not exported to applications.
 */
export const EXACT_HEADERS: unique symbol = Symbol("streamport.exact-headers");

export interface WithExactHeaders {
  readonly [EXACT_HEADERS]?: HeaderList | undefined;
}
