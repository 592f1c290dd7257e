import type * as grpcJs from "@grpc/grpc-js";
import type * as grpcProtoLoader from "@grpc/proto-loader";
import { StreamError } from "../../src/errors.ts";

/** What the emulator is made of: the server, and the encoding of its messages. */
export interface PubSubLibrary {
  readonly grpc: typeof grpcJs;
  readonly protoLoader: typeof grpcProtoLoader;
}

/** @throws `configuration` if it is not installed */
export async function loadLibrary(): Promise<PubSubLibrary> {
  try {
    const [grpc, protoLoader] = await Promise.all([import("@grpc/grpc-js"), import("@grpc/proto-loader")]);
    return { grpc, protoLoader };
  } catch (cause) {
    const text =
      "the emulator of pubsub needs @grpc/grpc-js and @grpc/proto-loader: npm install --save-dev @grpc/grpc-js @grpc/proto-loader";
    throw new StreamError("configuration", text, { provider: "pubsub", cause });
  }
}
