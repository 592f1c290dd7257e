import type { OutgoingRecord } from "../driver/record.ts";
import type { Receipt } from "../receipt.ts";
import { recordBytes } from "../record-limits.ts";
import type { RecordBatchSender, RecordReceipts } from "../record-sender.ts";
import { bytesToText } from "../text-bytes.ts";
import type { TopicContext } from "../topic-context.ts";
import { KeyCache } from "./lane-router.ts";
import { type MessageOrigin, PendingMessage } from "./pending-message.ts";
import { ProducerLifetime } from "./producer-lifetime.ts";
import { resolveProducerOptions } from "./producer-options.ts";
import type { ProducerOptions } from "./producer-types.ts";
import { RecordBatchSend } from "./record-batch-send.ts";
import { missingCapability, requireSendable } from "./require-sendable.ts";
import { SingleSend } from "./single-send.ts";

/** Opens nothing: the topic is looked up at the first use. @throws `invalid-argument` for wrong options */
export function openRecordSender(context: TopicContext, options: ProducerOptions | undefined): RecordBatchSender {
  const lifetime = new ProducerLifetime(context, resolveProducerOptions(options));
  const keys = new KeyCache();
  const sizeOf = (record: OutgoingRecord): number => recordBytes(record.key, record.value, record.headers, lifetime.scheduler.driver.shape);
  const requireCapabilities = (record: OutgoingRecord): void => {
    const missing = missingCapability(record, context.capabilities);
    if (missing !== null) context.requireCapability(missing, "send");
  };
  /** Takes the slot of a record. @throws what keeps it from being queued */
  const reserve = (record: OutgoingRecord, index: number, origin: MessageOrigin): PendingMessage => {
    requireCapabilities(record);
    const { scheduler } = lifetime;
    const { key, timestampMs, toPartition } = record;
    const entry = key === null ? null : keys.entry(bytesToText(key));
    const pending = new PendingMessage(entry, timestampMs, toPartition, origin, index, scheduler.unsettled.current);
    scheduler.reserve(pending, entry);
    return pending;
  };
  const encoded = (pending: PendingMessage, record: OutgoingRecord): void =>
    lifetime.scheduler.encoded(pending, record.value, record.headers, sizeOf(record));
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
    get identity() {
      return lifetime.scheduler.driver.identity;
    },
    refusal: (record) => {
      try {
        requireCapabilities(record);
        const { key, value, headers, timestampMs, toPartition } = record;
        const bytes = sizeOf(record);
        requireSendable({ key, value, headers, timestampMs, toPartition, bytes }, lifetime.scheduler.driver);
        return null;
      } catch (error) {
        return context.toError(error, "send");
      }
    },
    sendRecord: (record, signal) =>
      new Promise<Receipt>((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason);
          return;
        }
        try {
          lifetime.scheduler.requireRoom();
          const group = new SingleSend(resolve, reject);
          const pending = reserve(record, 0, { group, deadlineMs: lifetime.deadlineMs() });
          if (signal !== undefined) group.watch(lifetime.watch, signal, pending);
          encoded(pending, record);
        } catch (error) {
          reject(context.toError(error, "send"));
        }
      }),
    sendRecords: (records, signal) =>
      new Promise<RecordReceipts>((resolve, reject) => {
        if (signal?.aborted === true) {
          reject(signal.reason);
          return;
        }
        try {
          lifetime.scheduler.requireRoom();
        } catch (error) {
          reject(context.toError(error, "send"));
          return;
        }
        const group = new RecordBatchSend(records.length, resolve, reject);
        const origin = { group, deadlineMs: lifetime.deadlineMs() };
        records.forEach((record, index) => {
          try {
            const pending = reserve(record, index, origin);
            group.queued(pending);
            encoded(pending, record);
          } catch (error) {
            group.refused(index, context.toError(error, "send"));
          }
        });
        if (signal !== undefined) group.watch(lifetime.watch, signal);
      }),
    close: (closeOptions) => lifetime.close(closeOptions),
  };
}
