import { type Answer, type Call, jsonAnswer } from "../server/call.ts";
import { invalidParameter } from "../server/service-error.ts";

const DEFAULT_LIMIT = 10;
const MOST_LIMIT = 50;

interface Listed {
  readonly id: string;
  readonly name: string;
  readonly timeCreatedMs: number;
}

/**
 * One page of a list: filtered by `id`, `name` and `lifecycleState`, sorted by `sortBy` and `sortOrder`, 10 items unless `limit` says
 * otherwise, at most 50. https://docs.oracle.com/iaas/api/#/en/streaming/20180418/StreamSummary/ListStreams
 */
export function listPage<Item extends Listed>(
  { query }: Call,
  items: readonly Item[],
  stateOf: (item: Item) => string,
  show: (item: Item) => unknown,
): Answer {
  const [id, name, state] = [query.get("id"), query.get("name"), query.get("lifecycleState")?.toUpperCase() ?? null];
  const chosen = items.filter(
    (item) => (id === null || item.id === id) && (name === null || item.name === name) && (state === null || stateOf(item) === state),
  );
  const sorted = sortBy(chosen, query.get("sortBy") ?? "TIMECREATED", query.get("sortOrder"));
  const limit = query.integer("limit", 1, MOST_LIMIT) ?? DEFAULT_LIMIT;
  const start = startOf(query.get("page"), sorted.length);
  const page = sorted.slice(start, start + limit);
  const next = start + limit < sorted.length ? { "opc-next-page": pageToken(start + limit) } : {};
  return jsonAnswer(page.map(show), next);
}

function sortBy<Item extends Listed>(items: readonly Item[], by: string, order: string | null): readonly Item[] {
  if (by !== "NAME" && by !== "TIMECREATED") throw invalidParameter("sortBy must be NAME or TIMECREATED");
  if (order !== null && order !== "ASC" && order !== "DESC") throw invalidParameter("sortOrder must be ASC or DESC");
  // Items of one millisecond keep the order in which they were created.
  const rising = [...items].sort(by === "NAME" ? (a, b) => compare(a.name, b.name) : (a, b) => a.timeCreatedMs - b.timeCreatedMs);
  const isRising = order === null ? by === "NAME" : order === "ASC";
  return isRising ? rising : rising.reverse();
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function pageToken(start: number): string {
  return Buffer.from(`page ${start}`).toString("base64url");
}

function startOf(page: string | null, count: number): number {
  if (page === null) return 0;
  const start = Number(/^page (\d+)$/.exec(Buffer.from(page, "base64url").toString("utf8"))?.[1]);
  if (Number.isInteger(start) && start <= count) return start;
  throw invalidParameter("page is not a page of this list");
}
