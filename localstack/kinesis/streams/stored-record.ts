/** A record of a shard. */
export interface StoredRecord {
  readonly sequenceNumber: string;
  readonly arrivalMs: number;
  readonly partitionKey: string;
  /** As it came, in base64: so it goes out again. */
  readonly data: string;
  /** Of the data and of the partition key in UTF-8. */
  readonly bytes: number;
}

/** How many bytes a base64 text stands for. */
export function decodedLength(base64: string): number {
  const padding = base64.endsWith("==") ? 2 : base64.endsWith("=") ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}

/** As a member of the answer to GetRecords. `data` replaces what is stored, for damaged records. */
export function recordJson({ sequenceNumber, arrivalMs, partitionKey, data: stored }: StoredRecord, data = stored): string {
  const time = arrivalMs / 1_000;
  return `{"SequenceNumber":"${sequenceNumber}","ApproximateArrivalTimestamp":${time},"Data":"${data}","PartitionKey":${JSON.stringify(partitionKey)}}`;
}
