import { clearTimeout } from "node:timers";
import type { ServerInterceptor } from "@grpc/grpc-js";

/** What grpc-js keeps of a call in `BaseServerInterceptingCall`. */
interface TimedCall {
  readonly deadlineTimer?: NodeJS.Timeout | null;
}

/**
 * grpc-js 1.14 reads a time-out of weeks as a negative one, and ends such a call after a millisecond. Google's client in Python gives a
 * publish call with an ordering key 27,000 hours. Here a deadline that has passed before the call is none.
 */
export const withoutPassedDeadlines: ServerInterceptor = (_, call) => {
  const { deadlineTimer } = call as unknown as TimedCall;
  if (Number(call.getDeadline()) < Date.now() && deadlineTimer !== undefined && deadlineTimer !== null) clearTimeout(deadlineTimer);
  // The first interceptor gets the call of the server itself, which needs no other one around it.
  return call as unknown as ReturnType<ServerInterceptor>;
};
