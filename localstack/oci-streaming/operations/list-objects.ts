import type { StoredObject } from "../objects/object-store.ts";
import { type Call, type Operation, NO_SUBJECT, jsonAnswer } from "../server/call.ts";
import { invalidParameter } from "../server/service-error.ts";
import { timeText } from "./stream-answers.ts";

const MOST_LISTED = 1_000;

/** Of an object as a list shows it, by the name of the field. The name is always shown. */
const FIELDS: Readonly<Record<string, (object: StoredObject) => unknown>> = {
  name: ({ name }) => name,
  size: ({ content }) => content.length,
  etag: ({ etag }) => etag,
  md5: ({ md5 }) => md5,
  timeCreated: ({ createdMs }) => timeText(createdMs),
  timeModified: ({ modifiedMs }) => timeText(modifiedMs),
  storageTier: () => "Standard",
};

/** Lists names in the order of their bytes. https://docs.oracle.com/iaas/api/#/en/objectstorage/20160918/Object/ListObjects */
export const listObjects: Operation = {
  name: "ListObjects",
  endpoint: "admin",
  method: "GET",
  path: "/n/{namespaceName}/b/{bucketName}/o",
  subjectOf: ({ service, query }) => {
    const topic = service.leases.topicOf(query.get("prefix") ?? "");
    return topic === null ? NO_SUBJECT : { topics: new Map([[topic, null]]), hasGroup: true };
  },
  carryOut: (call) => {
    const { service, query, path } = call;
    const { objects } = service.objects.bucket(path["namespaceName"]!, path["bucketName"]!);
    const limit = Math.min(query.integer("limit", 1, Number.MAX_SAFE_INTEGER) ?? MOST_LISTED, MOST_LISTED);
    const fields = fieldsOf(query.get("fields"));
    const found = entriesOf(call, [...objects.keys()].sort(byBytes));
    const page = found.slice(0, limit);
    const shown = page
      .filter(({ isPrefix }) => !isPrefix)
      .map(({ name }) => {
        const object = objects.get(name)!;
        return Object.fromEntries(fields.map((field) => [field, FIELDS[field]!(object)]));
      });
    const prefixes = page.filter(({ isPrefix }) => isPrefix).map(({ name }) => name);
    return jsonAnswer({ objects: shown, prefixes, nextStartWith: found[limit]?.first ?? null });
  },
};

interface ListEntry {
  readonly name: string;
  readonly isPrefix: boolean;
  /** The name of the object with which a page that begins here starts. */
  readonly first: string;
}

/** The objects that the query asks for. With a delimiter, those with a common prefix behind the given one are one entry. */
function entriesOf({ query }: Call, sorted: readonly string[]): readonly ListEntry[] {
  const [prefix, delimiter] = [query.get("prefix") ?? "", query.get("delimiter")];
  if (delimiter !== null && delimiter !== "/") throw invalidParameter("delimiter can only be '/'");
  const [start, startAfter, end] = ["start", "startAfter", "end"].map((name) => query.get(name));
  const entries = new Map<string, ListEntry>();
  for (const first of sorted) {
    if (!first.startsWith(prefix)) continue;
    if (start && byBytes(first, start) < 0) continue;
    if (startAfter && byBytes(first, startAfter) <= 0) continue;
    if (end && byBytes(first, end) >= 0) continue;
    const at = delimiter === null ? -1 : first.indexOf(delimiter, prefix.length);
    const name = at < 0 ? first : first.slice(0, at + 1);
    if (!entries.has(name)) entries.set(name, { name, isPrefix: at >= 0, first });
  }
  return [...entries.values()];
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function fieldsOf(text: string | null): readonly string[] {
  const named = new Set(
    (text ?? "")
      .toLowerCase()
      .split(",")
      .map((field) => field.trim()),
  );
  return Object.keys(FIELDS).filter((field) => field === "name" || named.has(field.toLowerCase()));
}
