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
  let ending: Error | null = null;
  let isStopping = false;
  const expectReply = (id: number): Promise<EmulatorReply> => {
    if (ending !== null) return Promise.reject(ending);
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
  // Clients may wait for it for ever, so that nothing else would say why nothing is measured any more.
  child.once("exit", (exitCode, exitSignal) => {
    ending = new Error(`the emulator of ${provider} ended with ${exitSignal ?? exitCode}`);
    for (const { reject } of waiting.values()) reject(ending);
    if (!isStopping) console.error(ending.message);
  });
  let calls = 0;
  const call = async (name: EmulatorCall["call"], fault?: Fault): Promise<void> => {
    calls += 1;
    const id = calls;
    const reply = expectReply(id);
    if (ending === null) {
      child.send({ id, call: name, fault } satisfies EmulatorCall, (error) => {
        if (error !== null) waiting.get(id)?.reject(error);
      });
    }
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
      if (ending !== null) return;
      isStopping = true;
      const ended = once(child, "exit");
      child.disconnect();
      await ended;
    },
  };
}
