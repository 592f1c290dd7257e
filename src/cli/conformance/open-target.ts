import type { Capabilities } from "../../capabilities.ts";
import type { ConformanceTarget, Emulator } from "../../conformance/index.ts";
import { connect } from "../../connect.ts";
import type { Connection } from "../../connection-types.ts";
import { parseConnectionUrl } from "../../connection-url.ts";
import type { OpenDriver } from "../../driver/index.ts";
import { isStreamError } from "../../errors.ts";
import { InterruptedError, UsageError } from "../process/exit-errors.ts";
import { loadAdapter } from "./load-adapter.ts";

export interface TargetOptions {
  readonly adapter?: string;
  readonly topics?: readonly string[];
  readonly groups?: readonly string[];
}

/** The target of the suite, after a successful check. */
export interface OpenedTarget {
  readonly target: ConformanceTarget;
  readonly provider: string;
  readonly capabilities: Capabilities;
}

const CHECK_TIMEOUT_MS = 30_000;

/**
 * Opens the URL, and checks that the provider answers.
 * @throws `UsageError` if it does not
 */
export async function withTarget<Result>(
  url: string,
  { adapter, topics, groups }: TargetOptions,
  interrupted: AbortSignal,
  work: (opened: OpenedTarget) => Promise<Result>,
): Promise<Result> {
  if (groups !== undefined && topics === undefined) throw new UsageError("--groups goes with --topics: it names groups for these");
  await using source = await asUsage(() => sourceOf(url, adapter));
  // A fault that was not used up would affect the next case with the same lent topic.
  const emulator = topics === undefined ? source.emulator : undefined;
  const target = { connect: () => source.connect(), emulator, topics, groups };
  const known = await asUsage(() => check(target, interrupted));
  return await work({ target, ...known });
}

interface TargetSource extends AsyncDisposable {
  connect(): Promise<Connection>;
  readonly emulator?: Emulator;
}

async function sourceOf(url: string, adapter: string | undefined): Promise<TargetSource> {
  const nothing = async (): Promise<void> => undefined;
  if (adapter !== undefined) {
    const open = await loadAdapter(adapter);
    return { connect: () => connectBy(open, url), [Symbol.asyncDispose]: nothing };
  }
  const { emulatorOf } = await import("../../../localstack/in-process.ts");
  const emulator = await emulatorOf(url);
  if (emulator === null) return { connect: async () => connect(url), [Symbol.asyncDispose]: nothing };
  return { connect: async () => connect(emulator.url), emulator, [Symbol.asyncDispose]: () => emulator.close() };
}

/** As `connect` does with the adapters of this package. */
async function connectBy(open: OpenDriver, url: string): Promise<Connection> {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) throw new UsageError("a URL begins with a scheme, such as files:/tmp/streams");
  const { adapterUrl, topics, groups } = parseConnectionUrl(url, [scheme]);
  const driver: unknown = open(adapterUrl);
  if (driver instanceof Promise) throw new UsageError("--adapter: its opener must return a driver, not the promise of one");
  return connect(driver as ReturnType<OpenDriver>, { topics, groups });
}

async function check(target: ConformanceTarget, interrupted: AbortSignal): Promise<Pick<OpenedTarget, "provider" | "capabilities">> {
  const connection = await target.connect();
  try {
    const { error } = await connection.check({ signal: AbortSignal.any([interrupted, AbortSignal.timeout(CHECK_TIMEOUT_MS)]) });
    if (error !== null) throw error;
    return { provider: connection.provider, capabilities: connection.capabilities };
  } finally {
    await connection.close();
  }
}

/** An error before any case has run is wrong usage: exit code 2. */
async function asUsage<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof UsageError || error instanceof InterruptedError) throw error;
    throw new UsageError(`cannot connect: ${isStreamError(error) ? `${error.code}: ${error.message}` : String(error)}`, { cause: error });
  }
}
