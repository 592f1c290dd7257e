import { InvalidArgumentError } from "commander";
import type { ConsumerOptions } from "../../consume/consumer-types.ts";
import type { From, Until } from "../../position/range-types.ts";
import { TIME_FORMS, timeMs } from "./parse-time.ts";

type InitialPosition = Exclude<ConsumerOptions["initialPosition"], undefined>;

/** The provider's own word for a place in one partition: Kafka's offset, a sequence number. */
export interface OffsetPlace {
  readonly offset: string;
}

export type GivenFrom = From | OffsetPlace;
export type GivenUntil = Until | OffsetPlace;

const OFFSET = /^offset:(\d+)$/;

/** Tokens say themselves what they are; `at:` and `after:` say which side of the message is meant. */
const TOKEN = /^(?:(at|after|through|bookmark):)?([pb])1\./;

/** Where a range begins: `--from`, `groups reset --to`. @throws `InvalidArgumentError` */
export function parseFrom(text: string): GivenFrom {
  if (text === "earliest" || text === "latest") return text;
  const offset = offsetOf(text);
  if (offset !== null) return { offset };
  const token = tokenOf(text);
  if (token?.kind === "position" && (token.prefix === "at" || token.prefix === undefined)) return { at: token.token };
  if (token?.kind === "position" && token.prefix === "after") return { after: token.token };
  if (token?.kind === "bookmark") return { bookmark: token.token };
  const timestamp = timeMs(text);
  if (timestamp !== null) return { timestamp };
  throw new InvalidArgumentError(
    `Allowed are earliest, latest, at:POSITION, after:POSITION, bookmark:BOOKMARK, offset:NUMBER, ${TIME_FORMS}.`,
  );
}

/** Where a range ends: `--until`. @throws `InvalidArgumentError` */
export function parseUntil(text: string): GivenUntil {
  if (text === "now") return text;
  const offset = offsetOf(text);
  if (offset !== null) return { offset };
  const token = tokenOf(text);
  if (token?.kind === "position" && token.prefix === "through") return { through: token.token };
  if (token?.kind === "bookmark") return { bookmark: token.token };
  const timestamp = timeMs(text);
  if (timestamp !== null) return { timestamp };
  throw new InvalidArgumentError(`Allowed are now, through:POSITION, bookmark:BOOKMARK, offset:NUMBER, ${TIME_FORMS}.`);
}

/** Where a new group begins: `--initial-position`. @throws `InvalidArgumentError` */
export function parseInitialPosition(text: string): InitialPosition {
  if (text === "earliest" || text === "latest" || text === "fail") return text;
  const token = tokenOf(text);
  if (token?.kind === "bookmark") return { bookmark: token.token };
  const timestamp = timeMs(text);
  if (timestamp !== null) return { timestamp };
  throw new InvalidArgumentError(`Allowed are earliest, latest, fail, bookmark:BOOKMARK, ${TIME_FORMS}.`);
}

/** Without leading zeros, which nobody means. */
function offsetOf(text: string): string | null {
  const digits = OFFSET.exec(text)?.[1];
  return digits === undefined ? null : BigInt(digits).toString();
}

interface Token {
  readonly prefix: string | undefined;
  readonly kind: "position" | "bookmark";
  readonly token: string;
}

function tokenOf(text: string): Token | null {
  const match = TOKEN.exec(text);
  if (match === null) return null;
  const [, prefix, mark] = match;
  const kind = mark === "p" ? "position" : "bookmark";
  // What is said and what it is contradict each other.
  if ((prefix === "bookmark") !== (kind === "bookmark") && prefix !== undefined) return null;
  return { prefix, kind, token: prefix === undefined ? text : text.slice(prefix.length + 1) };
}
