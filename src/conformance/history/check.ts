import { PromiseViolation } from "../case-outcome.ts";
import { type Delivery, identify } from "./history.ts";
import { type Sequenced, showSequenced } from "./sequenced.ts";

// Each of these judges one thing and nothing else: a lost message is no disorder, a repeated one no loss.

/** First occurrences of each key come in ascending sequence. Repeats are not judged here. */
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

/** Nothing came twice. Only for cases in which nothing allows a repeat. */
export function checkNoDuplicates(received: readonly Sequenced[]): void {
  const seen = new Set<string>();
  for (const value of received) {
    const id = identify(value);
    if (seen.has(id)) throw new PromiseViolation(`duplicates: ${showSequenced(value)} came more than once`);
    seen.add(id);
  }
}

/** Nothing came that was not sent, or not sent to this topic, and every message carries the key that its value names. */
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

/** A position names one message: never two, and a message has the same at every delivery. */
export function checkPositions(received: readonly Delivery[]): void {
  const byPosition = new Map<string, string>();
  const byMessage = new Map<string, string>();
  for (const delivery of received) {
    const id = identify(delivery);
    const named = byPosition.get(delivery.position);
    if (named !== undefined && named !== id)
      throw new PromiseViolation(`positions: that of ${showSequenced(delivery)} names another message as well`);
    byPosition.set(delivery.position, id);
    // A message stored twice has two positions, which is right; so only the first copy is compared, by its partition.
    if (!byMessage.has(id)) byMessage.set(id, delivery.partition);
    else if (byMessage.get(id) !== delivery.partition) {
      throw new PromiseViolation(`positions: ${showSequenced(delivery)} came from two partitions`);
    }
  }
}

/**
 * After a redelivery the sequence goes on from where it went back to: a receiver that is given a message of a key again is
 * given all that followed it in order, without a hole. `received`: one receiver's deliveries.
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

/** Whoever is given a place of the log is given the message that is stored there. `stored`: what a reader read of all of it. */
export function checkSameAsStored(stored: readonly Delivery[], received: readonly Delivery[]): void {
  const byPlace = new Map(stored.map((delivery) => [`${delivery.partition} ${delivery.position}`, identify(delivery)]));
  for (const delivery of received) {
    const there = byPlace.get(`${delivery.partition} ${delivery.position}`);
    if (there === undefined) throw new PromiseViolation(`positions: that of ${showSequenced(delivery)} names nothing that is stored`);
    if (there !== identify(delivery)) throw new PromiseViolation(`positions: that of ${showSequenced(delivery)} is of another message`);
  }
}

/** Nothing came more often than there were reasons for. Another copy of a message that was stored twice is another message here. */
export function checkRepeatBound(received: readonly Delivery[], most: number): void {
  const counts = new Map<string, number>();
  for (const delivery of received) {
    const count = (counts.get(delivery.position) ?? 0) + 1;
    counts.set(delivery.position, count);
    if (count > most) throw new PromiseViolation(`duplicates: ${showSequenced(delivery)} came more than ${most} times`);
  }
}

/** What a healthy run without any reason for repeats must show. */
export function checkExactlyOnceInOrder(sent: readonly Sequenced[], received: readonly Delivery[], topic: string): void {
  checkAtLeastOnceInOrder(sent, received, topic);
  checkNoDuplicates(received);
}

/** What even a troubled run must show. */
export function checkAtLeastOnceInOrder(sent: readonly Sequenced[], received: readonly Delivery[], topic: string): void {
  checkNothingForeign(sent, received, topic);
  checkOrder(received);
  checkPositions(received);
  checkComplete(sent, received);
}
