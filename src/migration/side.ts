import type { Connection } from "../connection-types.ts";

/** One topic on one connection. */
export interface Side {
  connection: Connection;
  topic: string;
}
