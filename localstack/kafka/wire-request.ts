import { connect } from "node:net";

/** One request of Kafka's protocol with a header of version 1; `body` as `WireWriter` put it together. */
export interface WireRequest {
  readonly port: number;
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly body: Buffer;
  readonly timeoutMs: number;
}

const CORRELATION_ID = 1;
const LENGTH_BYTES = 4;
const HEADER_BYTES = 4;

/** A connection, one request, its answer without the header. Rejects when there is none within the time. */
export async function wireRequest({ port, apiKey, apiVersion, body, timeoutMs }: WireRequest): Promise<WireReader> {
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const received: Buffer[] = [];
    const socket = connect(port, "127.0.0.1");
    const timer = setTimeout(() => socket.destroy(new Error(`port ${port} did not answer within ${timeoutMs} ms`)), timeoutMs);
    socket.on("error", reject);
    socket.on("close", () => {
      clearTimeout(timer);
      reject(new Error(`port ${port} closed the connection without an answer`));
    });
    socket.on("data", (chunk) => {
      received.push(chunk);
      const all = Buffer.concat(received);
      if (all.length < LENGTH_BYTES || all.length < LENGTH_BYTES + all.readInt32BE(0)) return;
      resolve(all);
      socket.destroy();
    });
    socket.write(framed(apiKey, apiVersion, body));
  });
  return new WireReader(answer.subarray(LENGTH_BYTES + HEADER_BYTES));
}

function framed(apiKey: number, apiVersion: number, body: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeInt16BE(apiKey, 0);
  header.writeInt16BE(apiVersion, 2);
  header.writeInt32BE(CORRELATION_ID, 4);
  const content = Buffer.concat([header, wireString("streamport-local-kafka"), body]);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(content.length);
  return Buffer.concat([length, content]);
}

/** A string with its length in two bytes, as Kafka's older encoding has it. */
export function wireString(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

export function wireInt32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** Reads the fields of an answer one after the other. */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  string(): string | null {
    const length = this.int16();
    if (length < 0) return null;
    this.#at += length;
    return this.#bytes.toString("utf8", this.#at - length, this.#at);
  }
}
