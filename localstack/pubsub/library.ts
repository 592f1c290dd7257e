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
  // Only whoever starts the emulator needs it: bundlers leave it out.
  const [grpc, protoLoader] = await Promise.all([
    import(/* webpackIgnore: true */ "@grpc/grpc-js").catch(refuse),
    import(/* webpackIgnore: true */ "@grpc/proto-loader").catch(refuse),
  ]);
  return { grpc, protoLoader };
}

function refuse(cause: unknown): never {
  const text = "the emulator of pubsub needs @grpc/grpc-js and @grpc/proto-loader: npm install --save-dev @grpc/grpc-js @grpc/proto-loader";
  throw new StreamError("configuration", text, { provider: "pubsub", cause });
}
