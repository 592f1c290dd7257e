import type { Capabilities } from "../../capabilities.ts";
import type { ConformanceTarget, Emulator, OpenedEmulator } from "../../conformance/index.ts";
import { connect } from "../../connect.ts";
import type { Connection } from "../../connection-types.ts";
import { isStreamError } from "../../errors.ts";
import { InterruptedError, UsageError } from "../process/exit-errors.ts";
import type { ConnectionTarget } from "../options/connection-url.ts";
import { connectByAdapter, loadAdapter } from "../process/load-adapter.ts";
import { openEmulator } from "./load-emulator.ts";

export interface TargetOptions {
  readonly emulator?: string;
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
  connection: ConnectionTarget,
  { emulator: emulatorModule, topics, groups }: TargetOptions,
  interrupted: AbortSignal,
  work: (opened: OpenedTarget) => Promise<Result>,
): Promise<Result> {
  if (groups !== undefined && topics === undefined) throw new UsageError("--groups goes with --topics: it names groups for these");
  if (emulatorModule !== undefined && topics !== undefined) {
    throw new UsageError("--emulator goes without --topics: a fault that a case leaves behind would meet the next case with its topic");
  }
  await using source = await asUsage(() => sourceOf(connection, emulatorModule));
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

async function sourceOf({ url, adapter }: ConnectionTarget, emulatorModule: string | undefined): Promise<TargetSource> {
  const open = adapter === undefined ? null : await loadAdapter(adapter);
  const emulator = await emulatorFor(url, open !== null, emulatorModule);
  const target = emulator?.url ?? url;
  return {
    connect: async () => (open === null ? connect(target) : connectByAdapter(open, target)),
    ...(emulator !== null && { emulator }),
    [Symbol.asyncDispose]: async () => emulator?.close?.(),
  };
}

/** @returns `null` for a server without an emulator */
async function emulatorFor(url: string, isForeign: boolean, module: string | undefined): Promise<OpenedEmulator | null> {
  if (module !== undefined) return openEmulator(module, url);
  if (isForeign) return null;
  const { emulatorOf } = await import("../../../localstack/in-process.ts");
  return emulatorOf(url);
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
