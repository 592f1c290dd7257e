import { randomUUID } from "node:crypto";
import type { GroupRow, Held, Version } from "../../../src/leases/index.ts";
import { type Columns, groupColumns, groupRowOf } from "../../../src/leases/index.ts";
import { isNamed } from "../errors.ts";
import type { Item, Tables } from "./tables.ts";

/**
 * One table has the rows of all groups of an account and region, beside the tables with their leases: there no client of the Kinesis Client
 * Library ever reads it.
 */
const TABLE = "streamport.groups";
const KEY = "leaseTable";
/** The whole row as one text, with a random id of its own: equal texts are the same write. */
const BODY = "row";

/** A group as it is listed. */
export interface StoredGroup {
  readonly table: string;
  readonly row: GroupRow;
}

/** The row of one group. */
export class StoredGroupRow {
  readonly #tables: Tables;
  readonly #leaseTable: string;

  constructor(tables: Tables, leaseTable: string) {
    this.#tables = tables;
    this.#leaseTable = leaseTable;
  }

  get #key(): Item {
    return { [KEY]: { S: this.#leaseTable } };
  }

  ensureTable(signal: AbortSignal): Promise<void> {
    return this.#tables.ensure(TABLE, KEY, signal);
  }

  ensureTableOnce(signal: AbortSignal): Promise<void> {
    return this.#tables.ensureOnce(TABLE, KEY, signal);
  }

  async read(signal: AbortSignal): Promise<Held<GroupRow> | null> {
    const body = (await this.#tables.get(TABLE, this.#key, signal))?.[BODY]?.S;
    return body === undefined ? null : { row: rowOf(body), version: body };
  }

  async write(before: Held<GroupRow> | null, next: GroupRow, signal: AbortSignal): Promise<Version | null> {
    const body = JSON.stringify({ ...groupColumns(next), version: randomUUID() });
    try {
      return (await this.#write(before, body, signal)) ? body : null;
    } catch (error) {
      if (before !== null || !isNamed(error, "ResourceNotFoundException")) throw error;
      await this.ensureTable(signal);
      return (await this.#write(before, body, signal)) ? body : null;
    }
  }

  #write(before: Held<GroupRow> | null, body: string, signal: AbortSignal): Promise<boolean> {
    const named = { ExpressionAttributeNames: { "#key": KEY } };
    if (before === null) {
      const item = { ...this.#key, [BODY]: { S: body } };
      return this.#tables.put({ TableName: TABLE, Item: item, ConditionExpression: "attribute_not_exists(#key)", ...named }, signal);
    }
    const input = {
      TableName: TABLE,
      Key: this.#key,
      UpdateExpression: "SET #row = :next",
      ConditionExpression: "#row = :before",
      ExpressionAttributeNames: { "#row": BODY },
      ExpressionAttributeValues: { ":next": { S: body }, ":before": { S: before.version } },
    };
    return this.#tables.update(input, signal);
  }

  remove(before: Held<GroupRow>, signal: AbortSignal): Promise<boolean> {
    const input = {
      TableName: TABLE,
      Key: this.#key,
      ConditionExpression: "#row = :before",
      ExpressionAttributeNames: { "#row": BODY },
      ExpressionAttributeValues: { ":before": { S: before.version } },
    };
    return this.#tables.delete(input, signal);
  }
}

/** All groups of the account and region. */
export async function storedGroups(tables: Tables, signal: AbortSignal): Promise<readonly StoredGroup[]> {
  const items = await tables.scan(TABLE, signal);
  return items.flatMap((item) => {
    const [table, body] = [item[KEY]?.S, item[BODY]?.S];
    return table === undefined || body === undefined ? [] : [{ table, row: rowOf(body) }];
  });
}

function rowOf(body: string): GroupRow {
  return groupRowOf(JSON.parse(body) as Columns);
}
