import type { StreamCalls } from "../client/stream-calls.ts";
import { type OciService, messagesOf } from "../service.ts";
import type { StreamSummary } from "../streams/stream-summary.ts";
import { type MessagePage, pageOf } from "./message-page.ts";

/** Where a cursor begins: https://docs.oracle.com/en-us/iaas/Content/Streaming/Tasks/using_a_single_consumer.htm */
export type CursorStart =
  | { readonly type: "TRIM_HORIZON" | "LATEST" }
  | { readonly type: "AT_OFFSET"; readonly offset: string }
  | { readonly type: "AT_TIME"; readonly timeMs: number };

export interface ReadPage {
  readonly messages: MessagePage;
  /** For what comes next. */
  readonly cursor: string;
}

/** The requests that read one partition. */
export class CursorReads {
  readonly #service: OciService;
  readonly #stream: StreamSummary;
  readonly #partition: string;
  readonly #calls: StreamCalls;

  constructor(service: OciService, stream: StreamSummary, partition: string) {
    this.#service = service;
    this.#stream = stream;
    this.#partition = partition;
    this.#calls = messagesOf(service, stream);
  }

  async cursor(start: CursorStart, signal: AbortSignal): Promise<string> {
    const { value } = await this.#calls.json<{ readonly value: string }>(
      {
        operation: "CreateCursor",
        method: "POST",
        path: `${this.#path}/cursors`,
        body: bodyOf(this.#partition, start),
        topic: this.#stream.name,
      },
      signal,
    );
    return value;
  }

  get #path(): string {
    return `/streams/${encodeURIComponent(this.#stream.id)}`;
  }

  /** Waits for its turn first: all reads of a partition share what the service allows. */
  async page(cursor: string, limit: number, signal: AbortSignal): Promise<ReadPage> {
    await this.#service.budget.take(this.#stream.id, this.#partition, signal);
    const query = { cursor, limit: String(limit) };
    const answer = await this.#calls.send(
      { operation: "GetMessages", method: "GET", path: `${this.#path}/messages`, query, topic: this.#stream.name },
      signal,
    );
    const next = answer.headers["opc-next-cursor"];
    return { messages: pageOf(answer), cursor: typeof next === "string" && next !== "" ? next : cursor };
  }
}

/** An offset is written as it is: no number of JavaScript holds them all. */
function bodyOf(partition: string, start: CursorStart): string {
  const head = `{"partition":${JSON.stringify(partition)},"type":"${start.type}"`;
  switch (start.type) {
    case "AT_OFFSET":
      return `${head},"offset":${start.offset}}`;
    case "AT_TIME":
      return `${head},"time":"${new Date(start.timeMs).toISOString()}"}`;
    case "TRIM_HORIZON":
    case "LATEST":
      return `${head}}`;
  }
}
