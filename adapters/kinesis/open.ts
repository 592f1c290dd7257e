import type { OpenDriver } from "../../src/driver/index.ts";
import { loadSdk } from "./client/sdk.ts";
import { parseKinesisUrl } from "./connection-url.ts";
import { KinesisDriver } from "./driver.ts";
import { type KinesisOptions, checkKinesisOptions } from "./options.ts";

/**
 * For URLs: `kinesis://accessKeyId:secretAccessKey@eu-west-1?endpoint=http://localhost:4566&pollMs=200`; `kinesis://` alone is enough.
 * @throws `configuration` where the SDK cannot be loaded; the opener itself for what it does not understand
 */
export async function loadKinesisOpener(): Promise<OpenDriver> {
  await loadSdk();
  return (url) => openWithOptions(parseKinesisUrl(url));
}

/** @throws `configuration` for unknown options and values */
export function openWithOptions(options: KinesisOptions): KinesisDriver {
  checkKinesisOptions(options);
  return new KinesisDriver(options);
}
