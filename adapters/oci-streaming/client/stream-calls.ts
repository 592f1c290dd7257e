import type { HttpAnswer } from "./http-transport.ts";
import type { ServiceCall, ServiceCalls } from "./service-calls.ts";

const VERSION = "/20180418";

/** The path is that of the service: https://docs.oracle.com/iaas/api/#/en/streaming/20180418/ */
export type StreamCall = Omit<ServiceCall, "url"> & {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>> | undefined;
};

/** The requests of the service to one of its endpoints. */
export class StreamCalls {
  readonly #calls: ServiceCalls;
  readonly #endpoint: () => Promise<string>;

  constructor(calls: ServiceCalls, endpoint: () => Promise<string>) {
    this.#calls = calls;
    this.#endpoint = endpoint;
  }

  async json<Answer>(call: StreamCall, signal: AbortSignal): Promise<Answer> {
    return jsonOf(await this.send(call, signal)) as Answer;
  }

  async send({ path, query = {}, ...call }: StreamCall, signal: AbortSignal): Promise<HttpAnswer> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const text = given.length === 0 ? "" : `?${given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}`;
    const endpoint = (await this.#endpoint()).replace(/\/+$/, "");
    return this.#calls.send({ ...call, url: `${endpoint}${VERSION}${path}${text}` }, signal);
  }
}

/** Offsets may have more digits than a number of JavaScript holds: they are texts here. No text of JSON has the quotes of this pattern within it. */
const OFFSET = /"(offset|committedOffset)"\s*:\s*(\d+)/g;

/** @throws `SyntaxError` for a body that is no JSON */
export function jsonOf({ body }: Pick<HttpAnswer, "body">): unknown {
  return JSON.parse(body.toString("utf8").replaceAll(OFFSET, '"$1":"$2"'));
}
