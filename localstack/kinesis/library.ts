/// <reference path="./dynalite.d.ts" />
import type { Server } from "node:http";
import { findPackageJSON } from "node:module";
import { StreamError } from "../../src/errors.ts";

/** What we use of dynalite: a server that is handed its requests, and never listens. */
export type OpenDynalite = (options: DynaliteOptions) => Server;

interface DynaliteOptions {
  readonly createTableMs: number;
  readonly deleteTableMs: number;
  readonly updateTableMs: number;
}

/** Is it installed? It is loaded when the first table is needed, and in another thread. @throws `configuration` */
export function requireDynalite(): void {
  const here: string | undefined = import.meta.url;
  // In a bundle, `loadDynalite` finds out.
  if (here === undefined) return;
  // Not by `require.resolve`, in which a bundler finds a module that is missing.
  try {
    if (findPackageJSON("dynalite", here) !== undefined) return;
  } catch (cause) {
    throw notInstalled(cause);
  }
  throw notInstalled(undefined);
}

/** Loads dynalite, in which the tables of groups are. @throws `configuration` if it is not installed */
export async function loadDynalite(): Promise<OpenDynalite> {
  // Only whoever starts the emulator needs it: bundlers leave it out.
  const library = (await import(/* webpackIgnore: true */ "dynalite").catch(refuse)) as { readonly default: OpenDynalite };
  return library.default;
}

function refuse(cause: unknown): never {
  throw notInstalled(cause);
}

function notInstalled(cause: unknown): StreamError {
  const text = "the emulator of kinesis needs dynalite 4 for the tables of DynamoDB: npm install --save-dev dynalite";
  return new StreamError("configuration", text, { provider: "kinesis", cause });
}
