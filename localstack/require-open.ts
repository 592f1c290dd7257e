import { StreamError } from "../src/errors.ts";

/** @throws `closed` where it is: nobody would see what is done to it */
export function requireOpen(provider: string, isClosed: boolean): void {
  if (isClosed) throw new StreamError("closed", `the emulator of ${provider} has been closed; start another one`, { provider });
}
