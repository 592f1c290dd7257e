import { PromiseViolation } from "../case-outcome.ts";
import { type Delivery, identify } from "./history.ts";
import { type Sequenced, showSequenced } from "./sequenced.ts";

// Each check finds one kind of error only: a lost message is not disorder, and a repeated message is not a loss.

/** The first occurrences of each key are in ascending sequence. Repeats are not checked here. */
export function checkOrder(received: readonly Sequenced[], where = "received"): void {
  const highest = new Map<string, number>();
  const seen = new Set<string>();
  for (const value of received) {
    const id = identify(value);
    if (seen.has(id)) continue;
    seen.add(id);
    const before = highest.get(value.key) ?? -1;
    if (value.sequence < before) {
      throw new PromiseViolation(`order per key: ${showSequenced(value)} was ${where} after #${before}`);
    }
    highest.set(value.key, value.sequence);
  }
}

/** Everything sent was received. */
export function checkComplete(sent: readonly Sequenced[], received: readonly Sequenced[]): void {
  const seen = new Set(received.map(identify));
  const missing = sent.filter((value) => !seen.has(identify(value)));
  if (missing.length > 0) {
    throw new PromiseViolation(
      `completeness: ${missing.length} of ${sent.length} messages never came, first ${missing.slice(0, 3).map(showSequenced).join(", ")}`,
    );
  }
}

/** Nothing came twice. Only for cases in which no repeat is allowed. */
export function checkNoDuplicates(received: readonly Sequenced[]): void {
  const seen = new Set<string>();
  for (const value of received) {
    const id = identify(value);
    if (seen.has(id)) throw new PromiseViolation(`duplicates: ${showSequenced(value)} came more than once`);
    seen.add(id);
  }
}

/** Every message was sent, to this topic, and has the key that its value names. */
export function checkNothingForeign(sent: readonly Sequenced[], received: readonly (Delivery | Sequenced)[], topic: string): void {
  const known = new Set(sent.map(identify));
  for (const value of received) {
    if (!known.has(identify(value))) throw new PromiseViolation(`foreign message: ${showSequenced(value)} was never sent`);
    if (value.topic !== topic)
      throw new PromiseViolation(`foreign message: ${showSequenced(value)} came from another topic than it was sent to`);
    if ("messageKey" in value && value.messageKey !== value.key) {
      throw new PromiseViolation(`keys: ${showSequenced(value)} came with another key than it was sent with`);
    }
  }
}

/** A position names exactly one message, and a message has the same position at every delivery. */
export function checkPositions(received: readonly Delivery[]): void {
  const byPosition = new Map<string, string>();
  const byMessage = new Map<string, string>();
  for (const delivery of received) {
    const id = identify(delivery);
    const named = byPosition.get(delivery.position);
    if (named !== undefined && named !== id)
      throw new PromiseViolation(`positions: that of ${showSequenced(delivery)} names another message as well`);
    byPosition.set(delivery.position, id);
    // A message that was stored twice has two positions, which is correct. So only the partitions of its copies are compared.
    if (!byMessage.has(id)) byMessage.set(id, delivery.partition);
    else if (byMessage.get(id) !== delivery.partition) {
      throw new PromiseViolation(`positions: ${showSequenced(delivery)} came from two partitions`);
    }
  }
}

/**
 * After a redelivery the sequence continues without a hole: a receiver to which a message of a key is redelivered receives all
 * later messages of the key again, in order. `received`: the deliveries of one receiver.
 */
export function checkRepeatsInOrder(received: readonly Sequenced[]): void {
  const last = new Map<string, number>();
  for (const value of received) {
    const before = last.get(value.key);
    if (before !== undefined && value.sequence > before + 1) {
      throw new PromiseViolation(`order of repeats: after ${showSequenced({ key: value.key, sequence: before })} came #${value.sequence}`);
    }
    last.set(value.key, value.sequence);
  }
}

/** Each delivery is the message that is stored at its position. `stored`: all that a reader read of the topic. */
export function checkSameAsStored(stored: readonly Delivery[], received: readonly Delivery[]): void {
  const byPlace = new Map(stored.map((delivery) => [`${delivery.partition} ${delivery.position}`, identify(delivery)]));
  for (const delivery of received) {
    const there = byPlace.get(`${delivery.partition} ${delivery.position}`);
    if (there === undefined) throw new PromiseViolation(`positions: that of ${showSequenced(delivery)} names nothing that is stored`);
    if (there !== identify(delivery)) throw new PromiseViolation(`positions: that of ${showSequenced(delivery)} is of another message`);
  }
}

/** No message came more often than `most` times. Two stored copies of a message count as two messages here. */
export function checkRepeatBound(received: readonly Delivery[], most: number): void {
  const counts = new Map<string, number>();
  for (const delivery of received) {
    const count = (counts.get(delivery.position) ?? 0) + 1;
    counts.set(delivery.position, count);
    if (count > most) throw new PromiseViolation(`duplicates: ${showSequenced(delivery)} came more than ${most} times`);
  }
}

/** Every message came once, and once more at most for each time that its partition was lost without notice. */
export function checkRepeatsFollowLosses(received: readonly Delivery[], losses: ReadonlyMap<string, number>): void {
  const counts = new Map<string, number>();
  for (const delivery of received) {
    const count = (counts.get(delivery.position) ?? 0) + 1;
    counts.set(delivery.position, count);
    const lost = losses.get(delivery.partition) ?? 0;
    if (count > 1 + lost)
      throw new PromiseViolation(`duplicates: ${showSequenced(delivery)} came ${count} times; its partition was lost ${lost} times`);
  }
}

/** Holds for every run without a reason for repeats. */
export function checkExactlyOnceInOrder(sent: readonly Sequenced[], received: readonly Delivery[], topic: string): void {
  checkAtLeastOnceInOrder(sent, received, topic);
  checkNoDuplicates(received);
}

/** Holds for every run, also with faults. */
export function checkAtLeastOnceInOrder(sent: readonly Sequenced[], received: readonly Delivery[], topic: string): void {
  checkNothingForeign(sent, received, topic);
  checkOrder(received);
  checkPositions(received);
  checkComplete(sent, received);
}
