import { channel } from "node:diagnostics_channel";
import type { RetryEvent } from "../../diagnostics/channels.ts";
import type { CaseContext } from "../case-context.ts";
import type { CaseTopic } from "../case-topic.ts";

const RETRY = "streamport:retry";

/**
 * Starts sends to a topic whose producer is prepared, and resolves as soon as a call with them has failed with a retryable error:
 * before the retry, however slow the machine is.
 */
export async function untilRetried(context: CaseContext, topic: CaseTopic, start: () => void): Promise<void> {
  let isRetried = false;
  const listen = (event: unknown): void => {
    const { topic: name, operation } = event as RetryEvent;
    if (name !== topic.name || operation !== "send") return;
    isRetried = true;
    context.deadline.notify();
  };
  channel(RETRY).subscribe(listen);
  try {
    start();
    await context.until(() => isRetried, "a call to fail with a retryable error");
  } finally {
    channel(RETRY).unsubscribe(listen);
  }
}
