import type { Socket } from "node:net";
import { HTTP_2_MESSAGE } from "./unsupported-protocol.ts";
import { JSON_1_1 } from "./http-call.ts";

/** Tells a client of HTTP/2 in its own protocol which switch it needs. */
export async function refuseHttp2(socket: Socket): Promise<void> {
  const { createServer } = await import("node:http2");
  const server = createServer();
  server.on("error", () => undefined);
  server.on("sessionError", () => undefined);
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.respond({ ":status": 400, "content-type": JSON_1_1 });
    stream.end(JSON.stringify({ __type: "UnsupportedProtocolException", message: HTTP_2_MESSAGE }));
  });
  server.emit("connection", socket);
}
