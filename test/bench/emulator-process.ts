import { execFileSync, fork } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Fault } from "../../src/driver/index.ts";

const PROGRAM = join(import.meta.dirname, "emulator-program.ts");

/** An emulator in a process of its own: it takes no processor time of the client, and the client's memory is its own. */
export interface EmulatorProcess extends AsyncDisposable {
  readonly url: string;
  /** For programs that use clients of others: `AWS_ENDPOINT_URL_KINESIS`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Bytes of memory that it holds, garbage included. */
  residentBytes(): number;
  inject(fault: Fault): Promise<void>;
  clearFaults(): Promise<void>;
}

/** What the parent asks of the process. */
export interface EmulatorCall {
  readonly id: number;
  readonly call: "inject" | "clearFaults";
  readonly fault?: Fault | undefined;
}

/** What the process says: once when it has started, with the id 0, and of each call. */
export interface EmulatorReply {
  readonly id: number;
  readonly error: string | null;
  readonly url?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

/** @param options of the provider's emulator, as JSON has them */
export async function startEmulatorProcess(provider: string, options: object = {}): Promise<EmulatorProcess> {
  const child = fork(PROGRAM, [provider, JSON.stringify(options)], { stdio: ["ignore", "inherit", "inherit", "ipc"], execArgv: [] });
  const waiting = new Map<number, PromiseWithResolvers<EmulatorReply>>();
  const expectReply = (id: number): Promise<EmulatorReply> => {
    const reply = Promise.withResolvers<EmulatorReply>();
    waiting.set(id, reply);
    return reply.promise;
  };
  child.on("message", (reply: EmulatorReply) => {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error === null) asked?.resolve(reply);
    else asked?.reject(new Error(`the emulator of ${provider}: ${reply.error}`));
  });
  child.once("exit", (exitCode) => {
    for (const { reject } of waiting.values()) reject(new Error(`the emulator of ${provider} ended with ${exitCode}`));
  });
  let calls = 0;
  const call = async (name: EmulatorCall["call"], fault?: Fault): Promise<void> => {
    calls += 1;
    const reply = expectReply(calls);
    child.send({ id: calls, call: name, fault } satisfies EmulatorCall);
    await reply;
  };
  const { url, environment } = await expectReply(0);
  return {
    url: url!,
    environment: environment!,
    // POSIX has it in kibibytes.
    residentBytes: () => Number(execFileSync("ps", ["-o", "rss=", "-p", String(child.pid)], { encoding: "utf8" })) * 1_024,
    inject: (fault) => call("inject", fault),
    clearFaults: () => call("clearFaults"),
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}
