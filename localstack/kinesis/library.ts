import type { Server } from "node:http";
import { StreamError } from "../../src/errors.ts";

/** What we use of dynalite: a server that is handed its requests, and never listens. */
export type OpenDynalite = (options: DynaliteOptions) => Server;

interface DynaliteOptions {
  readonly createTableMs: number;
  readonly deleteTableMs: number;
  readonly updateTableMs: number;
}

/** Loads dynalite, in which the tables of groups are. @throws `configuration` if it is not installed */
export async function loadDynalite(): Promise<OpenDynalite> {
  try {
    const library = (await import("dynalite")) as { readonly default: OpenDynalite };
    return library.default;
  } catch (cause) {
    const text = "the emulator of kinesis needs dynalite 4 for the tables of DynamoDB: npm install --save-dev dynalite";
    throw new StreamError("configuration", text, { provider: "kinesis", cause });
  }
}
