import { connect } from "../../connect.ts";
import type { Connection } from "../../connection-types.ts";

/** Connects, and closes the connection when the work is over, however it ended. */
export async function withConnection<Result>(url: string, work: (connection: Connection) => Promise<Result>): Promise<Result> {
  const connection = await connect(url);
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}
