import { connect } from "node:net";
import type { Api } from "./broker/wire/api.ts";
import { WireReader } from "./broker/wire/wire-reader.ts";
import { WireWriter } from "./broker/wire/wire-writer.ts";

/** One request of Kafka's protocol in a version without tagged fields, whose header ends with the client id. */
export interface WireRequest<Request, Answer> {
  readonly port: number;
  readonly api: Api<unknown, never, Request, Answer>;
  readonly version: number;
  readonly request: Request;
  readonly timeoutMs: number;
}

const CLIENT_ID = "streamport-local-kafka";
const CORRELATION_ID = 1;
const LENGTH_BYTES = 4;
const ANSWER_HEADER_BYTES = 4;

/** Opens a connection, sends one request and reads its answer. Rejects when no whole answer arrives in time. */
export async function wireRequest<Request, Answer>(call: WireRequest<Request, Answer>): Promise<Answer> {
  const { port, api, version, timeoutMs } = call;
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
    socket.write(encode(call));
  });
  return api.answer.read(new WireReader(answer, version, false, LENGTH_BYTES + ANSWER_HEADER_BYTES));
}

function encode<Request, Answer>({ api, version, request }: WireRequest<Request, Answer>): Buffer {
  const writer = new WireWriter(version, false);
  writer.int16(api.key);
  writer.int16(version);
  writer.int32(CORRELATION_ID);
  writer.string(CLIENT_ID);
  api.request.write(writer, request);
  return Buffer.concat(writer.frame());
}
