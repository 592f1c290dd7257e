import type { Capability } from "../capabilities.ts";
import { StreamError } from "../errors.ts";
import { type OptionRule, describeValue, rules, showName } from "../option-rules.ts";
import { type PositionParts, type TopicIdentity, decodePosition, requireSameTopic } from "./position.ts";

/** What the checks of `from` and `until` need to know about the topic, before any call to the provider. */
export interface PlaceContext {
  readonly provider: string;
  readonly capabilities: { readonly [C in Capability]: boolean };
  /** @throws `unsupported` naming capability and provider */
  requireCapability(capability: Capability): void;
}

/** A start or end that is well-formed. Its token is trusted only after `resolve` has compared it with the topic's identity. */
export interface CheckedPoint<Point> {
  /** The one partition that it is about; `null`: all. */
  readonly partition: string | null;
  /** @param identity called only where a token has to be compared with it. @throws `position-mismatch` · `invalid-argument` */
  resolve(identity: () => Promise<TopicIdentity>): Promise<Point>;
}

/** The one property of a form such as `{ timestamp }`, and its value. */
export interface PlaceForm<Name extends string> {
  readonly name: Name;
  readonly value: unknown;
}

/** For options that `readForm` checks; its error names the allowed words and forms. */
export const checkedLater: OptionRule = { allowed: "one of its forms", accepts: () => true };

/** A time is checked here; a token is checked when it is decoded. */
const TOKEN: OptionRule = { allowed: "a string that streamport handed out", accepts: (value) => typeof value === "string" };

/**
 * Parses `"earliest"` or `{ timestamp: … }`.
 * @param where the name that the caller knows: `from`
 * @throws `invalid-argument` naming the forms that are allowed
 */
export function readForm<Word extends string, Name extends string>(
  where: string,
  given: unknown,
  words: readonly Word[],
  names: readonly Name[],
): Word | PlaceForm<Name> {
  if (typeof given === "string" && (words as readonly string[]).includes(given)) return given as Word;
  const allowed = [...words.map((word) => JSON.stringify(word)), ...names.map((name) => `{ ${name} }`)].join(", ");
  const wrong = (received: string): StreamError =>
    new StreamError("invalid-argument", `${where} must be one of ${allowed}; received ${received}`);
  if (typeof given !== "object" || given === null || Array.isArray(given)) throw wrong(describeValue(given));
  const properties = Object.entries(given).filter(([, value]) => value !== undefined);
  const [property] = properties;
  if (property === undefined || properties.length > 1) {
    throw wrong(
      properties.length === 0
        ? "an object without any of them"
        : `${properties.length} properties: ${properties.map(([name]) => showName(name)).join(", ")}`,
    );
  }
  const name = names.find((known) => known === property[0]);
  if (name === undefined) throw wrong(`an object with ${showName(property[0])}`);
  const rule = name === "timestamp" ? rules.time : TOKEN;
  if (!rule.accepts(property[1]))
    throw new StreamError("invalid-argument", `${where}: ${name} must be ${rule.allowed}; received ${describeValue(property[1])}`);
  return { name, value: property[1] };
}

/**
 * Checks a position given as the start or end of a range. A position is about one partition, so the range can only be of that one.
 * @param partitions those that the application named; `null`: none, then the range is of the position's partition
 * @throws `invalid-argument` (malformed, other partitions) · `position-mismatch` (another provider) · `unsupported`
 */
export function checkedPosition(
  where: string,
  token: unknown,
  partitions: readonly string[] | null,
  context: PlaceContext,
): CheckedPoint<PositionParts> {
  context.requireCapability("startAtPosition");
  const parts = decodePosition(token);
  // That a position is of another provider is known without a call, and is the more important error.
  if (parts.provider !== context.provider) requireSameTopic("position", parts, context.provider, parts);
  if (partitions !== null && partitions.length !== 1) throw notItsPartition(where, parts.partition, partitions);
  return {
    partition: parts.partition,
    resolve: async (identity) => {
      requireSameTopic("position", parts, context.provider, await identity());
      if (partitions !== null && partitions[0] !== parts.partition) throw notItsPartition(where, parts.partition, partitions);
      return parts;
    },
  };
}

function notItsPartition(where: string, partition: string, received: readonly string[]): StreamError {
  const given = received.slice(0, 5).map(showName).join(", ") + (received.length > 5 ? ", …" : "");
  return new StreamError(
    "invalid-argument",
    `${where} is a position of partition ${showName(partition)}: leave partitions out, or name only this one (received ${given}); for several partitions use a bookmark`,
    { partition },
  );
}
