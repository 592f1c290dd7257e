import { Code, Refusal } from "../refusal.ts";
import type { PageRequest } from "../wire/messages.ts";

const DEFAULT_SIZE = 100;
const MOST = 1_000;

/**
 * A page of a list that is sorted by name. The token is the last name of the page before.
 * @throws `Refusal` (INVALID_ARGUMENT)
 */
export function pageOf<Item extends { readonly name: string }>(
  items: readonly Item[],
  { pageSize, pageToken }: PageRequest,
): { readonly page: readonly Item[]; readonly nextPageToken: string } {
  if (pageSize < 0) throw new Refusal(Code.invalidArgument, `The page size must not be negative: ${pageSize}.`);
  const after = Buffer.from(pageToken, "base64url").toString();
  const rest = pageToken === "" ? items : items.filter(({ name }) => name > after);
  const page = rest.slice(0, Math.min(pageSize === 0 ? DEFAULT_SIZE : pageSize, MOST));
  const last = page.at(-1);
  const nextPageToken = last === undefined || page.length === rest.length ? "" : Buffer.from(last.name).toString("base64url");
  return { page, nextPageToken };
}
