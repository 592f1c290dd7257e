import type { HttpAnswer, HttpCall } from "./http-call.ts";

const CBOR_MESSAGE =
  "This emulator speaks AWS JSON 1.1, and not CBOR. Switch CBOR off: for the SDK for Java 2 and the KCL by the system property aws.cborEnabled=false or the environment CBOR_ENABLED=false, for the SDK for Java 1 by AWS_CBOR_DISABLE=1.";
export const HTTP_2_MESSAGE =
  "This emulator speaks HTTP/1.1, and not HTTP/2. Give the client a handler for HTTP/1.1: in JavaScript requestHandler: new NodeHttpHandler() of @smithy/node-http-handler, in Java .httpClientBuilder(NettyNioAsyncHttpClient.builder().protocol(Protocol.HTTP1_1)).";

/** @returns null for a request that is no CBOR */
export function refuseCbor({ headers, url }: HttpCall): HttpAnswer | null {
  const contentType = headers["content-type"] ?? "";
  if (!contentType.includes("cbor") && !url.startsWith("/service/")) return null;
  // In CBOR, because such a client reads nothing else.
  const body = cborMap({ __type: "UnsupportedProtocolException", message: CBOR_MESSAGE });
  return { status: 400, contentType: contentType === "" ? "application/cbor" : contentType, body };
}

/** A map of texts. */
function cborMap(entries: Readonly<Record<string, string>>): Buffer {
  const parts = Object.entries(entries).flatMap((entry) => entry.flatMap(cborText));
  return Buffer.concat([Buffer.from([0xa0 + Object.keys(entries).length]), ...parts]);
}

function cborText(text: string): readonly Buffer[] {
  const bytes = Buffer.from(text);
  const head = Buffer.alloc(3);
  head[0] = 0x79;
  head.writeUInt16BE(bytes.length, 1);
  return [head, bytes];
}
