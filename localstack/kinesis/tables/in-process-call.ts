import { EventEmitter } from "node:events";
import type { Server } from "node:http";
import type { TableAnswer } from "./tables.ts";

const HEADERS = {
  "content-type": "application/x-amz-json-1.0",
  // Was checked by the emulator; the library only looks whether it is there.
  authorization: "AWS4-HMAC-SHA256 Credential=a, SignedHeaders=b, Signature=c",
  "x-amz-date": "20000101T000000Z",
};

/** Hands one request to a server of node:http that does not listen. @param body JSON */
export async function callInProcess(server: Server, operation: string, body: string): Promise<TableAnswer> {
  return new Promise((resolve) => {
    const request = Object.assign(new EventEmitter(), {
      method: "POST",
      url: "/",
      headers: { ...HEADERS, "x-amz-target": `DynamoDB_20120810.${operation}` },
    });
    const response = {
      statusCode: 200,
      setHeader: () => undefined,
      end: (answer: string) => resolve({ status: response.statusCode, body: answer }),
    };
    server.emit("request", request, response);
    request.emit("data", Buffer.from(body));
    request.emit("end");
  });
}
