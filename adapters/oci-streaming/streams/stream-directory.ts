import { SharedAnswers } from "../../../src/adapter-kit/index.ts";
import { jsonOf, type StreamCalls } from "../client/stream-calls.ts";
import { hasStatus, ociError, streamNotFound } from "../errors.ts";
import { isStreamId } from "../stream-name.ts";
import { type ServiceStream, type StreamSummary, toSummary } from "./stream-summary.ts";

/** https://docs.oracle.com/iaas/api/#/en/streaming/20180418/StreamSummary/ListStreams */
const MOST_LISTED = "50";
const HOUR_MS = 3_600_000;
/** https://docs.oracle.com/en-us/iaas/Content/Streaming/Concepts/streamingoverview_topic-Limits_on_Streaming_Resources.htm */
const LEAST_RETENTION_HOURS = 24;
const USABLE: readonly string[] = ["ACTIVE", "UPDATING"];

/** Looks up streams by their names in the pool, or by their identifiers. A connection has one directory. */
export class StreamDirectory {
  readonly #calls: StreamCalls;
  readonly #streamPool: string;
  readonly #closing: AbortSignal;
  readonly #known: SharedAnswers<StreamSummary>;

  /**
   * @param freshMs how long an answer counts
   * @param closing ends requests that are shared by several callers
   */
  constructor(calls: StreamCalls, streamPool: string, freshMs: number, closing: AbortSignal) {
    this.#calls = calls;
    this.#streamPool = streamPool;
    this.#closing = closing;
    this.#known = new SharedAnswers(freshMs, (topic) => this.#usable(topic));
  }

  /** As the service described it a moment ago. Concurrent calls share one request. @throws `not-found` · `unavailable` while it is created · `conflict` */
  usable(topic: string, signal: AbortSignal): Promise<StreamSummary> {
    return this.#known.recent(topic, signal);
  }

  /** Asks the service now. */
  usableNow(topic: string, signal: AbortSignal): Promise<StreamSummary> {
    return this.#known.now(topic, signal);
  }

  /** What was known counts no longer. */
  forget(topic: string): void {
    this.#known.forget(topic);
  }

  async #usable(topic: string): Promise<StreamSummary> {
    const found = await this.find(topic, this.#closing);
    if (found === null) throw streamNotFound(topic);
    if (USABLE.includes(found.state)) return found;
    if (found.state === "CREATING") throw ociError("unavailable", "the stream is being created", { topic });
    throw streamNotFound(topic);
  }

  /**
   * The stream that has this name now. The service keeps deleted ones in its lists for 90 days.
   * @returns `null`: there is none; one that is being deleted only where there is no other
   * @throws `conflict` for several active ones of one name
   */
  async find(topic: string, signal: AbortSignal): Promise<StreamSummary | null> {
    if (isStreamId(topic)) return this.#findById(topic, signal);
    const named = (await this.#list(topic, signal)).filter(({ state }) => state !== "DELETED" && state !== "FAILED");
    const [first, second] = named.filter(({ state }) => state !== "DELETING");
    if (second !== undefined) {
      const text = `the stream pool has several streams ${JSON.stringify(topic)}: name one of them by its OCID (topics map)`;
      throw ociError("conflict", text, { topic });
    }
    return first ?? named[0] ?? null;
  }

  async #findById(id: string, signal: AbortSignal): Promise<StreamSummary | null> {
    try {
      const stream = await this.describe(id, signal);
      return stream.lifecycleState === "DELETED" || stream.lifecycleState === "FAILED" ? null : toSummary(stream);
    } catch (error) {
      if (hasStatus(error, 404)) return null;
      throw error;
    }
  }

  describe(id: string, signal: AbortSignal): Promise<ServiceStream> {
    const path = `/streams/${encodeURIComponent(id)}`;
    return this.#calls.json({ operation: "GetStream", method: "GET", path, topic: id }, signal);
  }

  /** How long messages are kept. Lists do not show it. */
  async retentionMs({ id }: StreamSummary, signal: AbortSignal): Promise<number> {
    const { retentionInHours = LEAST_RETENTION_HOURS } = await this.describe(id, signal);
    return retentionInHours * HOUR_MS;
  }

  /** All streams of the pool that can be used. */
  async active(signal: AbortSignal): Promise<readonly StreamSummary[]> {
    return (await this.#list(undefined, signal)).filter(({ state }) => USABLE.includes(state));
  }

  async #list(name: string | undefined, signal: AbortSignal): Promise<readonly StreamSummary[]> {
    const found: StreamSummary[] = [];
    let page: string | undefined;
    do {
      const query = { streamPoolId: this.#streamPool, name, limit: MOST_LISTED, page };
      const answer = await this.#calls.send({ operation: "ListStreams", method: "GET", path: "/streams", query, topic: name }, signal);
      found.push(...(jsonOf(answer) as readonly ServiceStream[]).map(toSummary));
      const next = answer.headers["opc-next-page"];
      page = typeof next === "string" && next !== "" ? next : undefined;
    } while (page !== undefined);
    return found;
  }
}
