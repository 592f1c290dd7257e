import type { IncomingHttpHeaders } from "node:http";

/** One request, as it came. */
export interface HttpCall {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string | Buffer;
  /** How long it stops in the middle of its body. */
  readonly stallMs?: number;
}

export const JSON_1_1 = "application/x-amz-json-1.1";
export const JSON_1_0 = "application/x-amz-json-1.0";
