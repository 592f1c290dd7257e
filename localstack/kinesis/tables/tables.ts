/** An answer of DynamoDB. */
export interface TableAnswer {
  readonly status: number;
  /** JSON. */
  readonly body: string;
}

/** The tables of DynamoDB. */
export interface Tables {
  /** @param body the request, as JSON. Rejects only when the tables are closed */
  call(operation: string, body: string): Promise<TableAnswer>;
  /** Never rejects. */
  close(): Promise<void>;
}

export interface TableOptions {
  readonly accountId: string;
  readonly region: string;
  /** How long tables are CREATING and DELETING. */
  readonly changeMs: number;
  /** How long reads that do not ask for consistency may return an item as it was before its last write. */
  readonly staleReadMs: number;
}
