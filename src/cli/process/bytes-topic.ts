import { bytes } from "../../codec/bytes.ts";
import type { Connection } from "../../connection-types.ts";
import type { Topic } from "../../topic-types.ts";

/** A topic of bytes as they are stored, with tombstones where the provider has them. */
export function bytesTopic(connection: Connection, name: string): Topic<Uint8Array | null> {
  return connection.topic<Uint8Array, Uint8Array, boolean>(name, { codec: bytes(), tombstones: connection.capabilities.tombstones });
}
