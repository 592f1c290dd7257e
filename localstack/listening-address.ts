import { StreamError } from "../src/errors.ts";

const LOOPBACK = "127.0.0.1";
/** Addresses that a server can listen on, but that clients cannot connect to. */
const EVERY_ADDRESS: ReadonlySet<string> = new Set(["0.0.0.0", "::"]);

/** Where an emulator listens, and how clients reach it, as its options say. */
export function listeningAddress({ host = LOOPBACK, advertisedHost }: AddressOptions): {
  readonly host: string;
  readonly advertisedHost: string;
} {
  return { host, advertisedHost: advertisedHost ?? (EVERY_ADDRESS.has(host) ? LOOPBACK : host) };
}

interface AddressOptions {
  readonly host?: string | undefined;
  readonly advertisedHost?: string | undefined;
}

/** What the start of an emulator failed with: an error of ours as it is, else a `configuration` that names the address. @param what `the emulated Kafka` */
export function cannotListen(
  provider: string,
  what: string,
  { host, port }: { readonly host: string; readonly port: number },
  cause: unknown,
): StreamError {
  if (cause instanceof StreamError) return cause;
  const { code = String(cause) } = cause as NodeJS.ErrnoException;
  return new StreamError("configuration", `${what} cannot listen on port ${port} of ${host}: ${code}`, { provider, cause });
}
