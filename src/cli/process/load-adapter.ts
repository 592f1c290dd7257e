import type { Connection } from "../../connection-types.ts";
import { type ConnectOptions, connect } from "../../index.ts";
import type { Capability } from "../../capabilities.ts";
import { parseConnectionUrl } from "../../connection-url.ts";
import type { OpenDriver } from "../../driver/index.ts";
import { UsageError } from "./exit-errors.ts";
import { type LoadedFunction, loadFunction } from "./load-module.ts";

/** How the module of an adapter exports its opener, for messages and for the help. */
export const ADAPTER_RULE = "its export openDriver, its default export, or its only function named open…";

/**
 * The opener of an adapter outside this package.
 * @param specifier a file, as a path from the working folder, or a package that is installed there
 * @throws `UsageError` if it cannot be loaded, or exports no opener
 */
export async function loadAdapter(specifier: string): Promise<LoadedFunction> {
  return loadFunction(specifier, {
    option: "--adapter",
    name: "openDriver",
    pattern: /^open[A-Z]/,
    lacking: `has no opener, a function from a URL to a driver: ${ADAPTER_RULE}`,
  });
}

/** As `connect` does with the adapters of this package. */
export async function connectByAdapter<Required extends Capability = never>(
  open: LoadedFunction,
  url: string,
  options: Pick<ConnectOptions<Required>, "require"> = {},
): Promise<Connection<Required>> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) throw new UsageError("a URL begins with a scheme, such as files:/tmp/streams");
  const { adapterUrl, topics, groups } = parseConnectionUrl(url, [scheme]);
  const driver = open(adapterUrl);
  if (driver instanceof Promise) throw new UsageError("--adapter: its opener must return a driver, not the promise of one");
  return connect(driver as ReturnType<OpenDriver>, { ...options, topics, groups });
}
