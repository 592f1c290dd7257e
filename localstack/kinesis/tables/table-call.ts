/** The names of calls to DynamoDB, as faults are counted for them. */

const ITEM_WRITES = ["PutItem", "UpdateItem", "DeleteItem"] as const;

/** A write to an item that is a lease with an owner at that moment. By such writes members keep what they own. */
export function commitName(operation: string): string {
  return `${operation} of an owned lease`;
}

export const COMMITS: readonly string[] = ITEM_WRITES.map(commitName);
export const LEASE_WRITES: readonly string[] = [...ITEM_WRITES, ...COMMITS];
export const TABLE_CHANGES: readonly string[] = ["CreateTable", "DeleteTable", "UpdateTable"];
export const LOOKS_AT_TABLES: readonly string[] = ["DescribeTable", "ListTables"];

type Json = Readonly<Record<string, unknown>>;

/** A call to DynamoDB. */
export interface TableCall {
  readonly operation: string;
  readonly input: Json;
}

export function tableOf({ input }: TableCall): string | null {
  const { TableName } = input;
  if (typeof TableName !== "string") return null;
  // Clients may give the ARN instead.
  return TableName.startsWith("arn:") ? TableName.slice(TableName.lastIndexOf("/") + 1) : TableName;
}

/** Does it write one item? */
export function writesItem({ operation }: TableCall): boolean {
  return (ITEM_WRITES as readonly string[]).includes(operation);
}

/**
 * The topics that a call about this table counts for. No column of a lease table names the stream, but its name mostly holds it: the names are the
 * table's, and every part of it between dots.
 */
export function topicsOfTable(table: string): readonly string[] {
  const parts = table.split(".");
  const topics: string[] = [];
  for (let from = 0; from < parts.length; from += 1) {
    for (let to = parts.length; to > from; to -= 1) topics.push(parts.slice(from, to).join("."));
  }
  return topics;
}
