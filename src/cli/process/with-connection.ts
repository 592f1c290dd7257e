import type { Capability } from "../../capabilities.ts";
import { bytes } from "../../codec/bytes.ts";
import { connect } from "../../connect.ts";
import type { Connection } from "../../connection-types.ts";
import { isStreamError } from "../../errors.ts";
import type { ConnectionTarget } from "../options/connection-url.ts";
import type { Topic } from "../../topic-types.ts";
import { UsageError } from "./exit-errors.ts";
import { connectByAdapter, loadAdapter } from "./load-adapter.ts";
import { RetryWatch } from "./retry-watch.ts";

/**
 * Connects, and closes the connection after the work, however it ended.
 * @param require the capabilities that the command needs
 * @throws `UsageError` for a wrong URL · `unsupported` · the error of the work
 */
export async function withConnection<Result, Required extends Capability = never>(
  target: ConnectionTarget,
  work: (connection: Connection<Required>, retries: RetryWatch) => Promise<Result>,
  require: readonly Required[] = [],
): Promise<Result> {
  const connection = await connectToTarget(target, require);
  const retries = new RetryWatch();
  try {
    return await work(connection, retries);
  } finally {
    retries.end();
    await connection.close();
  }
}

/**
 * As `connect`. It makes no network call, so an error is one of the URL.
 * @throws `UsageError` for a wrong URL, or a module that is no adapter · `unsupported`
 */
export async function connectToTarget<Required extends Capability = never>(
  { url, adapter }: ConnectionTarget,
  require: readonly Required[] = [],
): Promise<Connection<Required>> {
  try {
    if (adapter !== undefined) return await connectByAdapter(await loadAdapter(adapter), url, { require });
    return await connect<string, Required>(url, { require });
  } catch (error) {
    const isWrongUrl = isStreamError(error, "configuration") || isStreamError(error, "invalid-argument");
    if (isWrongUrl) throw new UsageError(`the URL: ${error.message}`, { cause: error });
    throw error;
  }
}

/** A topic of bytes as they are stored, with tombstones where the provider has them. */
export function bytesTopic(connection: Connection, name: string): Topic<Uint8Array | null> {
  return connection.topic<Uint8Array, Uint8Array, boolean>(name, { codec: bytes(), tombstones: connection.capabilities.tombstones });
}
