import type { PubsubMessage } from "./messages.ts";

/** The encoding of single messages, which are stored as their bytes. */
export interface MessageCodec {
  encode(message: PubsubMessage): Buffer;
  decode(bytes: Buffer): PubsubMessage;
}
