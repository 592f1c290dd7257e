import { ServiceError } from "../service-error.ts";

/** What a member of a request must be. The names of the constraints are those of the service's model. */
export interface Member {
  readonly type: "string" | "integer" | "boolean" | "timestamp" | "blob" | "structure" | "list" | "map";
  readonly required?: boolean;
  /** Of texts, blobs, lists and maps: the least and the most. */
  readonly length?: readonly [number, number];
  readonly range?: readonly [number, number];
  readonly pattern?: RegExp;
  readonly oneOf?: readonly string[];
  /** Of a structure. */
  readonly members?: Members;
  /** Of a list, and the values of a map. */
  readonly item?: Member;
}

export type Members = Readonly<Record<string, Member>>;

const STREAM_NAME = /^[a-zA-Z0-9_.-]+$/;
const ARN = /^arn:aws.*:kinesis:.*:\d{12}:stream\/\S+$/;

const streamName = { type: "string", length: [1, 128], pattern: STREAM_NAME } as const satisfies Member;
const streamArn = { type: "string", length: [1, 2_048], pattern: ARN } as const satisfies Member;

/** The stream of a request, by its name or by its ARN. */
export const streamMembers = { StreamName: streamName, StreamARN: streamArn } as const satisfies Members;
export const requiredStreamName = { ...streamName, required: true } as const satisfies Member;
export const requiredStreamArn = { ...streamArn, required: true } as const satisfies Member;
export const shardIdMember = { type: "string", length: [1, 128], pattern: STREAM_NAME } as const satisfies Member;
export const tagsMember = {
  type: "map",
  length: [1, 200],
  item: { type: "string", required: true, length: [0, 256] },
} as const satisfies Member;

/** @throws ServiceError `SerializationException` for a member of another type, `ValidationException` that names every broken constraint */
export function checkMembers(members: Members, input: Readonly<Record<string, unknown>>): void {
  const broken: string[] = [];
  checkStructure(members, input, "", broken);
  if (broken.length === 0) return;
  const count = `${broken.length} validation error${broken.length === 1 ? "" : "s"} detected`;
  throw new ServiceError("ValidationException", `${count}: ${broken.join("; ")}`);
}

function checkStructure(members: Members, input: Readonly<Record<string, unknown>>, path: string, broken: string[]): void {
  for (const name in members) {
    const at = path === "" ? lowerFirst(name) : `${path}.${lowerFirst(name)}`;
    checkMember(members[name]!, input[name], at, broken);
  }
}

function checkMember(member: Member, value: unknown, path: string, broken: string[]): void {
  if (value === undefined || value === null) {
    if (member.required === true) broken.push(`Value null at '${path}' failed to satisfy constraint: Member must not be null`);
    return;
  }
  requireType(member, value, path);
  for (const constraint of brokenConstraints(member, value)) {
    const shown = member.type === "string" || member.type === "integer" ? ` '${value as string}'` : "";
    broken.push(`Value${shown} at '${path}' failed to satisfy constraint: Member must ${constraint}`);
  }
  if (member.members !== undefined) checkStructure(member.members, value as Record<string, unknown>, path, broken);
  const { item } = member;
  if (item === undefined) return;
  if (member.type === "map") {
    for (const [key, entry] of Object.entries(value)) checkMember(item, entry, `${path}.${key}.member`, broken);
    return;
  }
  (value as unknown[]).forEach((entry, index) => checkMember(item, entry, `${path}.${index + 1}.member`, broken));
}

function requireType({ type }: Member, value: unknown, path: string): void {
  if (hasType(type, value)) return;
  throw new ServiceError("SerializationException", `The value at '${path}' is no ${type}.`);
}

function hasType(type: Member["type"], value: unknown): boolean {
  switch (type) {
    case "string":
      return typeof value === "string";
    case "integer":
      return Number.isInteger(value);
    case "boolean":
      return typeof value === "boolean";
    case "timestamp":
      return typeof value === "number";
    case "blob":
      return typeof value === "string" && value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value);
    case "list":
      return Array.isArray(value);
    case "map":
    case "structure":
      return typeof value === "object" && !Array.isArray(value);
  }
}

function* brokenConstraints({ type, length, range, pattern, oneOf }: Member, value: unknown): Generator<string> {
  if (range !== undefined && (value as number) < range[0]) yield `have value greater than or equal to ${range[0]}`;
  if (range !== undefined && (value as number) > range[1]) yield `have value less than or equal to ${range[1]}`;
  if (length !== undefined) {
    const size = sizeOf(type, value);
    if (size < length[0]) yield `have length greater than or equal to ${length[0]}`;
    if (size > length[1]) yield `have length less than or equal to ${length[1]}`;
  }
  if (pattern !== undefined && !pattern.test(value as string)) yield `satisfy regular expression pattern: ${pattern.source.slice(1, -1)}`;
  if (oneOf !== undefined && !oneOf.includes(value as string)) yield `satisfy enum value set: [${oneOf.join(", ")}]`;
}

function sizeOf(type: Member["type"], value: unknown): number {
  if (type === "map") return Object.keys(value as object).length;
  const { length } = value as string | unknown[];
  // Base64. What is missing at its end is too little to matter for a limit in KiB.
  return type === "blob" ? Math.floor((length * 3) / 4) - 2 : length;
}

function lowerFirst(name: string): string {
  return name[0]!.toLowerCase() + name.slice(1);
}
