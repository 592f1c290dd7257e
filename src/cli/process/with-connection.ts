import type { Capability } from "../../capabilities.ts";
import { connect } from "../../connect.ts";
import type { Connection } from "../../connection-types.ts";

/**
 * Connects, and closes the connection when the work is over, however it ended.
 * @param require what the command cannot do without
 */
export async function withConnection<Result, Required extends Capability = never>(
  url: string,
  work: (connection: Connection<Required>) => Promise<Result>,
  require: readonly Required[] = [],
): Promise<Result> {
  const connection = await connect<string, Required>(url, { require });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}
