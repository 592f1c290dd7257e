import type {
  AttributeValue,
  DeleteItemCommandInput,
  DescribeTableOutput,
  GetItemOutput,
  PutItemCommandInput,
  ScanOutput,
  UpdateItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { pause } from "../../../src/adapter-kit/index.ts";
import type { KinesisConnection } from "../client/kinesis-connection.ts";
import { isNamed } from "../errors.ts";

export type Item = Readonly<Record<string, AttributeValue>>;

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/** Tables of DynamoDB with one key. Reads are consistent; a table that does not exist has no items. */
export class Tables {
  readonly #connection: KinesisConnection;
  readonly #topic: string;
  readonly #known: Set<string>;

  /** @param known tables that this connection has seen already. One that an operator has deleted since is missed by the next write */
  constructor(connection: KinesisConnection, topic: string, known: Set<string>) {
    this.#connection = connection;
    this.#topic = topic;
    this.#known = known;
  }

  #send<Output>(operation: string, command: Parameters<KinesisConnection["dynamo"]>[0], signal: AbortSignal): Promise<Output> {
    return this.#connection.dynamo<Output>(command, { operation, topic: this.#topic }, signal);
  }

  async get(table: string, key: Item, signal: AbortSignal): Promise<Item | null> {
    const input = { TableName: table, Key: key, ConsistentRead: true };
    const output = await orMissing(this.#send<GetItemOutput>("GetItem", ({ GetItemCommand }) => new GetItemCommand(input), signal));
    return output?.Item ?? null;
  }

  async scan(table: string, signal: AbortSignal): Promise<readonly Item[]> {
    const items: Item[] = [];
    let from: ScanOutput["LastEvaluatedKey"];
    do {
      const input = { TableName: table, ConsistentRead: true, ...(from === undefined ? {} : { ExclusiveStartKey: from }) };
      const page: ScanOutput | null = await orMissing(this.#send<ScanOutput>("Scan", ({ ScanCommand }) => new ScanCommand(input), signal));
      items.push(...(page?.Items ?? []));
      from = page?.LastEvaluatedKey;
    } while (from !== undefined);
    return items;
  }

  /** @returns whether the condition held */
  put(input: PutItemCommandInput, signal: AbortSignal): Promise<boolean> {
    return ifHeld(this.#send("PutItem", ({ PutItemCommand }) => new PutItemCommand(input), signal));
  }

  update(input: UpdateItemCommandInput, signal: AbortSignal): Promise<boolean> {
    return ifHeld(this.#send("UpdateItem", ({ UpdateItemCommand }) => new UpdateItemCommand(input), signal));
  }

  delete(input: DeleteItemCommandInput, signal: AbortSignal): Promise<boolean> {
    return ifHeld(this.#send("DeleteItem", ({ DeleteItemCommand }) => new DeleteItemCommand(input), signal));
  }

  /** As `ensure`, unless the table was there before. */
  async ensureOnce(table: string, key: string, signal: AbortSignal): Promise<void> {
    if (!this.#known.has(table)) await this.ensure(table, key, signal);
  }

  /** Creates the table unless it is there, and waits until it can be used. */
  async ensure(table: string, key: string, signal: AbortSignal): Promise<void> {
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      const status = await this.#status(table, signal);
      if (status === "ACTIVE" || status === "UPDATING") {
        this.#known.add(table);
        return;
      }
      if (status === null) await this.#create(table, key, signal);
      await pause(pauseMs, signal);
      signal.throwIfAborted();
    }
  }

  async #status(table: string, signal: AbortSignal): Promise<string | null> {
    const input = { TableName: table };
    const asked = this.#send<DescribeTableOutput>("DescribeTable", ({ DescribeTableCommand }) => new DescribeTableCommand(input), signal);
    return (await orMissing(asked))?.Table?.TableStatus ?? null;
  }

  async #create(table: string, key: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#send(
        "CreateTable",
        ({ CreateTableCommand }) =>
          new CreateTableCommand({
            TableName: table,
            BillingMode: "PAY_PER_REQUEST",
            AttributeDefinitions: [{ AttributeName: key, AttributeType: "S" }],
            KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
          }),
        signal,
      );
    } catch (error) {
      // Another member was faster.
      if (!isNamed(error, "ResourceInUseException")) throw error;
    }
  }

  /** Deletes the table, if there is one, and waits until it is gone. */
  async drop(table: string, signal: AbortSignal): Promise<void> {
    this.#known.delete(table);
    const input = { TableName: table };
    await orMissing(this.#send("DeleteTable", ({ DeleteTableCommand }) => new DeleteTableCommand(input), signal));
    for (let pauseMs = FIRST_PAUSE_MS; (await this.#status(table, signal)) !== null; pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)) {
      await pause(pauseMs, signal);
      signal.throwIfAborted();
    }
  }
}

async function orMissing<Output>(request: Promise<Output>): Promise<Output | null> {
  try {
    return await request;
  } catch (error) {
    if (isNamed(error, "ResourceNotFoundException")) return null;
    throw error;
  }
}

async function ifHeld(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (isNamed(error, "ConditionalCheckFailedException")) return false;
    throw error;
  }
}
