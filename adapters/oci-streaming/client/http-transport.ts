import { Agent as HttpAgent, type IncomingMessage, type RequestOptions, request as httpRequest } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { clearTimeout, setTimeout } from "node:timers";
import { AnswerBody } from "./answer-body.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "HEAD";
  readonly url: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array | null;
}

export interface HttpAnswer {
  readonly status: number;
  /** By names in small letters. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

const KEEP_ALIVE = { keepAlive: true, keepAliveMsecs: 30_000 };

/**
 * Sends one request as it is, once, over connections that stay open. Each ends within its time, also where the body of the answer stalls. It uses
 * Node's own modules, so that nothing depends on a patched `fetch`.
 */
export class HttpTransport {
  readonly #http = new HttpAgent(KEEP_ALIVE);
  readonly #https = new HttpsAgent(KEEP_ALIVE);

  /** @throws an error of Node with its code · a `TimeoutError` · the signal's reason */
  async send({ method, url, headers, body }: HttpRequest, timeLimitMs: number, signal: AbortSignal): Promise<HttpAnswer> {
    signal.throwIfAborted();
    const isPlain = url.startsWith("http:");
    const options: RequestOptions = {
      method,
      headers: Object.fromEntries(headers),
      agent: isPlain ? this.#http : this.#https,
    };
    return new Promise((resolve, reject) => {
      const sent = isPlain ? httpRequest(url, options) : httpsRequest(url, options);
      let isAnswered = false;
      const end = (reason: unknown): void => {
        reject(reason);
        sent.destroy();
      };
      const abort = (): void => end(signal.reason);
      const timer = setTimeout(() => end(lateAnswer(timeLimitMs)), timeLimitMs);
      signal.addEventListener("abort", abort, { once: true });
      sent.once("close", () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", abort);
        // Where an error has come, this one is not heard.
        if (!isAnswered) reject(brokenAnswer());
      });
      sent.once("error", reject);
      sent.once("response", (answer: IncomingMessage) => {
        const body = new AnswerBody(answer.headers["content-length"]);
        answer.on("data", (part: Buffer) => body.add(part));
        answer.once("error", reject);
        answer.once("end", () => {
          isAnswered = answer.complete;
          if (isAnswered) resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: body.bytes });
        });
      });
      sent.end(body ?? undefined);
    });
  }

  /** Breaks what is under way. */
  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}

function lateAnswer(timeLimitMs: number): Error {
  return Object.assign(new Error(`no answer within ${timeLimitMs} ms`), { name: "TimeoutError" });
}

function brokenAnswer(): Error {
  return Object.assign(new Error("the connection broke before the answer was complete"), { code: "ECONNRESET" });
}
