import { StreamError } from "../src/errors.ts";

/** @throws `closed` if the emulator is closed, because a change would have no effect */
export function requireOpen(provider: string, isClosed: boolean): void {
  if (isClosed) throw new StreamError("closed", `the emulator of ${provider} has been closed; start another one`, { provider });
}
