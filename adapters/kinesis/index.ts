/** The public entry point of the provider: `streamport/kinesis`. */
import type { Driver } from "../../src/driver/index.ts";
import type { KinesisCapability } from "./driver.ts";
import { openWithOptions } from "./open.ts";
import type { KinesisOptions } from "./options.ts";

export type { AwsClient, AwsCredentials, Envelope, KinesisOptions } from "./options.ts";

/**
 * Amazon Kinesis Data Streams, over the AWS SDK; groups are kept in DynamoDB.
 * @throws `configuration` for unknown options and values; if the SDK cannot be loaded, the first call rejects with `configuration`
 */
export function kinesis(options: KinesisOptions = {}): Driver<KinesisCapability> {
  return openWithOptions(options);
}
