import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import type { KafkaCluster } from "../../localstack/kafka/kafka-cluster.ts";

const LENGTH_AT = 8;
const OVERHEAD_BYTES = 12;
const HEADER_BYTES = 61;

/** A bit of the first record: of its length, or of what compression has made of it. */
function flipABit(batch: Buffer): void {
  batch[HEADER_BYTES]! ^= 0x40;
}

/**
 * Damages the batch that was stored last in a partition, in the files of a running broker: it hands out what is in them and does
 * not look at it.
 * @param change of the bytes of the batch, from its offset on
 */
export async function damageKafkaLog(
  cluster: KafkaCluster,
  topic: string,
  partition: string,
  change: (batch: Buffer) => void = flipABit,
): Promise<void> {
  for (const { nodeId } of cluster.brokers) {
    const folder = join(cluster.folder, `broker-${nodeId}`, "log", `${topic}-${partition}`);
    const segments = (await readdir(folder)).filter((name) => name.endsWith(".log")).toSorted();
    await damageLast(join(folder, segments.at(-1)!), change);
  }
}

async function damageLast(file: string, change: (batch: Buffer) => void): Promise<void> {
  await using segment = await open(file, "r+");
  const bytes = await segment.readFile();
  let at = 0;
  for (let next = 0; next < bytes.length; next += OVERHEAD_BYTES + bytes.readInt32BE(next + LENGTH_AT)) at = next;
  const batch = bytes.subarray(at);
  if (batch.length < HEADER_BYTES) throw new Error(`there is no batch in ${file}`);
  change(batch);
  await segment.write(batch, 0, batch.length, at);
}
