import type { Capability } from "../../capabilities.ts";
import { connect } from "../../connect.ts";
import type { Connection } from "../../connection-types.ts";
import { isStreamError } from "../../errors.ts";
import { UsageError } from "./usage-error.ts";

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
