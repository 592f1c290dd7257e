import type { OutgoingRecord } from "../driver/record.ts";
import type { Receipt } from "../receipt.ts";
import { recordBytes } from "../record-limits.ts";
import type { RecordSender } from "../record-sender.ts";
import { bytesToText } from "../text-bytes.ts";
import type { TopicContext } from "../topic-context.ts";
import { PendingMessage } from "./pending-message.ts";
import { ProducerLifetime } from "./producer-lifetime.ts";
import { resolveProducerOptions } from "./producer-options.ts";
import type { ProducerOptions } from "./producer-types.ts";
import { missingCapability } from "./require-sendable.ts";
import { SingleSend } from "./single-send.ts";

/** Opens nothing: the topic is looked up at the first use. @throws `invalid-argument` for wrong options */
export function openRecordSender(context: TopicContext, options: ProducerOptions | undefined): RecordSender {
  const lifetime = new ProducerLifetime(context, resolveProducerOptions(options));
  const sizeOf = (record: OutgoingRecord): number => recordBytes(record.key, record.value, record.headers, lifetime.scheduler.driver.shape);
  return {
    prepare: async (signal) => {
      signal?.throwIfAborted();
      await lifetime.scheduler.prepare(signal);
    },
    get limits() {
      return lifetime.scheduler.limits;
    },
    get capabilities() {
      return lifetime.scheduler.driver.capabilities ?? context.capabilities;
    },
    recordBytes: sizeOf,
    sendRecord: (record, signal) =>
      new Promise<Receipt>((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason);
          return;
        }
        try {
          const { scheduler } = lifetime;
          const missing = missingCapability(record, context.capabilities);
          if (missing !== null) context.requireCapability(missing, "send");
          scheduler.requireRoom();
          const group = new SingleSend(resolve, reject);
          const { key, timestampMs, toPartition, value, headers } = record;
          const messageKey = key === null ? null : { text: bytesToText(key), bytes: key };
          const origin = { group, deadlineMs: lifetime.deadlineMs() };
          const pending = new PendingMessage(messageKey, timestampMs, toPartition, origin, 0, scheduler.unsettled.current);
          scheduler.reserve(pending, null);
          if (signal !== undefined) group.watch(lifetime.watch, signal, pending);
          scheduler.encoded(pending, value, headers, sizeOf(record));
        } catch (error) {
          reject(context.toError(error, "send"));
        }
      }),
    close: (closeOptions) => lifetime.close(closeOptions),
  };
}
