import type { Capability } from "../../capabilities.ts";
import { connect } from "../../connect.ts";
import type { Connection } from "../../connection-types.ts";
import { isStreamError } from "../../errors.ts";
import { UsageError } from "./exit-errors.ts";
import { RetryWatch } from "./retry-watch.ts";

/**
 * Connects, and closes the connection when the work is over, however it ended.
 * @param require what the command cannot do without
 * @throws `UsageError` for a URL that cannot be meant so · `unsupported` · what the work throws
 */
export async function withConnection<Result, Required extends Capability = never>(
  url: string,
  work: (connection: Connection<Required>, retries: RetryWatch) => Promise<Result>,
  require: readonly Required[] = [],
): Promise<Result> {
  const connection = await connectToUrl(url, require);
  const retries = new RetryWatch();
  try {
    return await work(connection, retries);
  } finally {
    retries.end();
    await connection.close();
  }
}

/**
 * As `connect`, which asks no server yet: what is wrong by then is what was typed.
 * @throws `UsageError` for a URL that cannot be meant so · `unsupported`
 */
export async function connectToUrl<Required extends Capability = never>(
  url: string,
  require: readonly Required[] = [],
): Promise<Connection<Required>> {
  try {
    return await connect<string, Required>(url, { require });
  } catch (error) {
    const isWrongUrl = isStreamError(error, "configuration") || isStreamError(error, "invalid-argument");
    if (isWrongUrl) throw new UsageError(`the URL: ${error.message}`, { cause: error });
    throw error;
  }
}
