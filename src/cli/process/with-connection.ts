import type { Capability } from "../../capabilities.ts";
import type { Connection } from "../../connection-types.ts";
import { connectToUrl } from "./connect-to-url.ts";
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
