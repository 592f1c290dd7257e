import type { EncodingTarget } from "../../src/codec/codec.ts";
import type { Connection } from "../../src/connection-types.ts";
import { StreamError, isStreamError } from "../../src/errors.ts";
import type { OutgoingMessage } from "../../src/message.ts";
import type { Receipt } from "../../src/receipt.ts";
import { type AnyProducer, type AnyTopicOptions, producerCallsMutant, producerOptionsMutant } from "./connection-parts.ts";
import { type Mutant, connectionMutant } from "./mutant.ts";
import { override } from "./override.ts";

const NO_RECEIPT: Receipt = { partition: null, position: null, timestamp: null };

function keyOf(message: OutgoingMessage<unknown>, options: AnyTopicOptions): string | null {
  return message.key ?? options.key?.(message.value) ?? null;
}

/** Encodes first and reserves the slot in the queue afterwards. */
const sendsWhenEncoded = connectionMutant("sends-when-encoded", () => (connection) => {
  const encoded = new WeakMap<object, Uint8Array>();
  const topic = (name: string, options: AnyTopicOptions): unknown => {
    const original = connection.topic(name, {
      ...options,
      codec: {
        encode: (value: unknown) => encoded.get(value as object)!,
        decode: (bytes, message) => options.codec.decode(bytes, message),
      },
    });
    return override(original, {
      producer: (producerOptions) => {
        const producer = original.producer(producerOptions);
        const send = async (message: OutgoingMessage<unknown>): Promise<Receipt> => {
          const target: EncodingTarget = { topic: name, key: keyOf(message, options), headers: {} };
          encoded.set(message.value as object, await options.codec.encode(message.value, target));
          return producer.send(message);
        };
        return override(producer, { send });
      },
    });
  };
  return override(connection, { topic: topic as Connection["topic"] });
});

/** A message that cannot be encoded blocks its key, although it was never queued. */
function refusalBlocksTheKey(producer: AnyProducer, options: AnyTopicOptions): Partial<AnyProducer> {
  const blocked = new Set<string | null>();
  return {
    send: async (message, sendOptions) => {
      const key = keyOf(message, options);
      if (blocked.has(key)) throw new StreamError("key-blocked", "an earlier message of this key was refused");
      try {
        await options.codec.encode(message.value, { topic: "", key, headers: {} });
      } catch {
        blocked.add(key);
      }
      return producer.send(message, sendOptions);
    },
  };
}

/** A message that its caller aborted fails the later messages of its key. */
function abortBlocksTheKey(producer: AnyProducer, options: AnyTopicOptions): Partial<AnyProducer> {
  const abortable = new Map<string | null, Promise<unknown>>();
  return {
    send: async (message, sendOptions) => {
      const key = keyOf(message, options);
      const sent = producer.send(message, sendOptions);
      if (sendOptions?.signal !== undefined) {
        abortable.set(key, sent);
        return sent;
      }
      sent.catch(() => undefined);
      try {
        await abortable.get(key);
      } catch (cause) {
        if (isStreamError(cause, "outcome-unknown")) throw new StreamError("key-blocked", "an earlier message was aborted", { cause });
      }
      return sent;
    },
  };
}

/** Sends one message after the other, also those of different keys. */
function oneLaneForAll(producer: AnyProducer): Partial<AnyProducer> {
  let last: Promise<unknown> = Promise.resolve();
  return {
    send: async (message, options) => {
      const turn = last.then(async () => producer.send(message, options));
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}

/** Refuses a whole batch for one of its messages. */
function refusesTheBatch(producer: AnyProducer): Partial<AnyProducer> {
  return {
    sendBatch: async (messages, options) => {
      const index = messages.findIndex(({ value }) => typeof value === "string" && value.length > 1_000_000);
      if (index < 0) return producer.sendBatch(messages, options);
      const failures = messages.map((_, at) => ({ index: at, error: new StreamError("too-large", `message ${index} is too large`) }));
      throw new StreamError("too-large", "a message of the batch is too large", {
        batch: { receipts: messages.map(() => null), failures },
      });
    },
  };
}

/** Defects of producers above the driver. */
export const producingCoreMutants: readonly Mutant[] = [
  sendsWhenEncoded,
  producerCallsMutant("refusal-blocks-the-key", refusalBlocksTheKey),
  producerCallsMutant("abort-blocks-the-key", abortBlocksTheKey),
  producerCallsMutant("stream-forgets-what-is-stored", (producer) => ({
    sendStream: async (messages, options) => {
      try {
        return await producer.sendStream(messages, options);
      } catch (error) {
        throw isStreamError(error) ? new StreamError(error.code, error.message, { cause: error.cause }) : error;
      }
    },
  })),
  producerCallsMutant("one-lane-for-all", oneLaneForAll),
  producerCallsMutant("refused-member-fails-the-batch", refusesTheBatch),
  producerCallsMutant("stream-counts-short", (producer) => ({
    sendStream: async (messages, options) => (await producer.sendStream(messages, options)) - 1,
  })),
  producerCallsMutant("flush-returns-at-once", () => ({ flush: async () => undefined })),
  producerCallsMutant("ignores-signals", (producer) => ({
    send: async (message) => producer.send(message),
    sendBatch: async (messages) => producer.sendBatch(messages),
  })),
  producerCallsMutant("takes-bad-arguments", (producer) => ({
    send: async (message, options) => {
      try {
        return await producer.send(message, options);
      } catch (error) {
        if (isStreamError(error, "invalid-argument")) return NO_RECEIPT;
        throw error;
      }
    },
  })),
  producerCallsMutant("calls-the-unknown-blocked", (producer) => ({
    send: async (message, options) => {
      try {
        return await producer.send(message, options);
      } catch (error) {
        if (!isStreamError(error, "outcome-unknown")) throw error;
        throw new StreamError("key-blocked", "an earlier message of this key failed", { cause: error });
      }
    },
  })),
  producerCallsMutant("shows-the-key", (producer) => ({
    send: async (message, options) => {
      try {
        return await producer.send(message, options);
      } catch (error) {
        throw isStreamError(error) ? new StreamError(error.code, `${error.message} (key ${message.key})`) : error;
      }
    },
  })),
  producerOptionsMutant("ignores-the-byte-bound", ({ maxBufferedBytes: _, ...options }) => options),
  producerOptionsMutant("ignores-the-delivery-timeout", ({ deliveryTimeoutMs: _, ...options }) => options),
  producerOptionsMutant("ignores-hold", ({ onKeyFailure: _, ...options }) => options),
];
