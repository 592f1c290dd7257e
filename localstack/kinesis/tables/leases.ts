import { type TableCall, tableOf, writesItem } from "./table-call.ts";
import type { Tables } from "./tables.ts";

type Item = Readonly<Record<string, { readonly S?: string }>>;

/** Columns of the Kinesis Client Library. Clients that want to work with its tables have them too. */
const OWNER = "leaseOwner";
const COUNTER = "leaseCounter";
const THIEF = "another-worker";

/** The leases of groups, as the Kinesis Client Library keeps them in tables, for the faults that take them from their owners. */
export class Leases {
  readonly #tables: Tables;
  readonly #keyNames = new Map<string, readonly string[]>();

  constructor(tables: Tables) {
    this.#tables = tables;
  }

  /** @returns the key of the lease that the call writes, if the lease has an owner now */
  async ownedKey(call: TableCall): Promise<Item | null> {
    const key = await this.key(call);
    if (key === null) return null;
    const read = { TableName: tableOf(call), Key: key, ConsistentRead: true };
    const { Item } = (await this.#call("GetItem", read)) as { readonly Item?: Item };
    return Item !== undefined && OWNER in Item ? key : null;
  }

  /** @returns the key of the item that the call writes */
  async key(call: TableCall): Promise<Item | null> {
    const table = tableOf(call);
    if (table === null || !writesItem(call)) return null;
    const { Key, Item } = call.input as { readonly Key?: Item; readonly Item?: Item };
    if (Key !== undefined) return Key;
    const names = await this.#keyNamesOf(table);
    return Object.fromEntries(names.map((name) => [name, Item?.[name] ?? {}]));
  }

  /** Gives the lease to another owner, who will not keep it. Later, it is free. */
  async steal(table: string, key: Item): Promise<void> {
    await this.#change(table, key, `SET ${OWNER} = :thief ADD ${COUNTER} :one`, { ":thief": { S: THIEF } });
  }

  async free(table: string, key: Item): Promise<void> {
    await this.#change(table, key, `REMOVE ${OWNER} ADD ${COUNTER} :one`, {});
  }

  /** Takes all leases of a table, or of all tables, from their owners. */
  async freeAll(table: string | null): Promise<void> {
    for (const name of table === null ? await this.#tableNames() : [table]) {
      const names = await this.#keyNamesOf(name);
      const { Items = [] } = (await this.#call("Scan", { TableName: name, ConsistentRead: true })) as { readonly Items?: readonly Item[] };
      const owned = Items.filter((item) => OWNER in item);
      await Promise.all(owned.map((item) => this.free(name, Object.fromEntries(names.map((key) => [key, item[key]!])))));
    }
  }

  async #change(table: string, key: Item, expression: string, values: Item): Promise<void> {
    await this.#call("UpdateItem", {
      TableName: table,
      Key: key,
      UpdateExpression: expression,
      ConditionExpression: `attribute_exists(${OWNER})`,
      ExpressionAttributeValues: { ...values, ":one": { N: "1" } },
    });
  }

  async #tableNames(): Promise<readonly string[]> {
    const { TableNames = [] } = (await this.#call("ListTables", {})) as { readonly TableNames?: readonly string[] };
    return TableNames;
  }

  async #keyNamesOf(table: string): Promise<readonly string[]> {
    const known = this.#keyNames.get(table);
    if (known !== undefined) return known;
    type Described = { readonly Table?: { readonly KeySchema: readonly { readonly AttributeName: string }[] } };
    const { Table } = (await this.#call("DescribeTable", { TableName: table })) as Described;
    const names = Table?.KeySchema.map(({ AttributeName }) => AttributeName) ?? [];
    this.#keyNames.set(table, names);
    return names;
  }

  async #call(operation: string, input: object): Promise<object> {
    const { body } = await this.#tables.call(operation, JSON.stringify(input));
    return JSON.parse(body) as object;
  }
}
