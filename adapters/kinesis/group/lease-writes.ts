import type { DeleteItemCommandInput, PutItemCommandInput, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import type { Held, LeaseRow, Version } from "../../../src/leases/index.ts";
import {
  CHECKPOINT,
  COUNTER,
  type Interpreted,
  LEASE_KEY,
  OURS,
  OWNER,
  PARENTS,
  SUB_SEQUENCE,
  interpretedIn,
  nextInterpreted,
  versionOf,
} from "./lease-item.ts";
import type { Item } from "./tables.ts";

/** The library counts in it, and we do not. */
const SWITCHES = "ownerSwitchesSinceCheckpoint";

/** A column that is interpreted. */
interface Column {
  readonly column: string;
  readonly type: "S" | "N";
  /** What it, its value before the write, and its next value are called in expressions. */
  readonly name: string;
  readonly was: string;
  readonly next: string;
  /** `null`: the item has no such column. */
  readonly valueIn: (interpreted: Interpreted) => string | null;
}

const COLUMNS: readonly Column[] = [
  { column: OURS, type: "S", name: "#ours", was: ":wasOurs", next: ":ours", valueIn: ({ ours }) => ours },
  { column: OWNER, type: "S", name: "#owner", was: ":wasOwner", next: ":owner", valueIn: ({ library }) => library.owner },
  { column: COUNTER, type: "N", name: "#counter", was: ":wasCounter", next: ":counter", valueIn: ({ library }) => library.counter },
  { column: CHECKPOINT, type: "S", name: "#at", was: ":wasAt", next: ":at", valueIn: ({ library }) => library.checkpoint },
  { column: SUB_SEQUENCE, type: "N", name: "#sub", was: ":wasSub", next: ":sub", valueIn: ({ library }) => library.subSequence },
];
/** Each condition, and each update, names all of them. */
const NAMES = { "#key": LEASE_KEY, ...Object.fromEntries(COLUMNS.map(({ name, column }) => [name, column])) };

type Values = Record<string, { S: string } | { N: string }>;

/** A request, and the version of the row that it makes. */
export interface LeaseWrite<Input> {
  readonly input: Input;
  readonly version: Version;
}

export function keyOf(partition: string): Item {
  return { [LEASE_KEY]: { S: partition } };
}

export function createOf(table: string, row: LeaseRow): LeaseWrite<PutItemCommandInput> {
  const next = nextInterpreted(null, null, row);
  const item: Record<string, Item[string]> = { ...keyOf(row.partition), [SWITCHES]: { N: "0" } };
  for (const { column, type, valueIn } of COLUMNS) setValue(item as Values, column, type, valueIn(next));
  if (row.parents.length > 0) item[PARENTS] = { SS: [...row.parents] };
  return {
    version: versionOf(next),
    input: {
      TableName: table,
      Item: item,
      ConditionExpression: "attribute_not_exists(#key)",
      ExpressionAttributeNames: { "#key": LEASE_KEY },
    },
  };
}

/** Columns of others stay as they are. */
export function updateOf(table: string, before: Held<LeaseRow>, row: LeaseRow): LeaseWrite<UpdateItemCommandInput> {
  const former = interpretedIn(before.version);
  const next = nextInterpreted(before.row, former, row);
  const values: Values = {};
  const sets: string[] = [];
  const removes: string[] = [];
  for (const { type, name, next: called, valueIn } of COLUMNS) {
    if (setValue(values, called, type, valueIn(next))) sets.push(`${name} = ${called}`);
    else removes.push(name);
  }
  return {
    version: versionOf(next),
    input: {
      TableName: table,
      Key: keyOf(row.partition),
      UpdateExpression: `SET ${sets.join(", ")}${removes.length === 0 ? "" : ` REMOVE ${removes.join(", ")}`}`,
      ConditionExpression: conditionOf(former, values),
      ExpressionAttributeNames: NAMES,
      ExpressionAttributeValues: values,
    },
  };
}

export function deleteOf(table: string, { row, version }: Held<LeaseRow>): DeleteItemCommandInput {
  const values: Values = {};
  return {
    TableName: table,
    Key: keyOf(row.partition),
    ConditionExpression: conditionOf(interpretedIn(version), values),
    ExpressionAttributeNames: NAMES,
    ExpressionAttributeValues: values,
  };
}

/**
 * The condition that each interpreted column is as it was.
 * @param values gets what it compares with
 */
function conditionOf(former: Interpreted, values: Values): string {
  let condition = "attribute_exists(#key)";
  for (const { type, name, was, valueIn } of COLUMNS) {
    condition += setValue(values, was, type, valueIn(former)) ? ` AND ${name} = ${was}` : ` AND attribute_not_exists(${name})`;
  }
  return condition;
}

/** @returns whether there is a value */
function setValue(values: Values, name: string, type: "S" | "N", value: string | null): boolean {
  if (value === null) return false;
  values[name] = type === "S" ? { S: value } : { N: value };
  return true;
}
