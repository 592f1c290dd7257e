import type { StoredRecord } from "../../driver/record.ts";
import type { MessageSource } from "../../position/position.ts";
import { sideCall } from "../side-call.ts";
import type { OpenSide } from "../side.ts";
import type { Checkpoint, CheckpointStore } from "./checkpoint.ts";
import { partitionsWereAdded, requireNotGrown } from "./partitions-were-added.ts";

/** Of the copier, what tells whether keys may have moved. */
interface KeyedWriter {
  /** A message with a key was written. */
  readonly hasKeys: boolean;
  readonly mayReorder: boolean;
  /** How many partitions the target has, where more of them move keys; else `undefined`. */
  readonly partitionsOfKeys: number | undefined;
}

/** The partitions of the source when the copier began. More of them move keys, except where they are read behind their parents. */
export class SourcePartitions {
  readonly #source: OpenSide;
  readonly #writer: KeyedWriter;
  readonly #known: Set<string>;

  private constructor(source: OpenSide, writer: KeyedWriter, known: readonly string[]) {
    this.#source = source;
    this.#writer = writer;
    this.#known = new Set(known);
  }

  /** @throws `conflict` where the checkpoints know of fewer partitions of the source or the target, and more of them move keys */
  static async look(
    source: OpenSide,
    target: OpenSide,
    writer: KeyedWriter,
    checkpoints: CheckpointStore | null,
    signal: AbortSignal,
  ): Promise<SourcePartitions> {
    const { context } = source;
    const { partitions } = await sideCall(context, "copy", signal, (attempt) =>
      context.driver.admin.describeTopic(context.nativeTopic, attempt),
    );
    const found = new SourcePartitions(source, writer, partitions);
    if (writer.mayReorder) return found;
    const read = await Promise.all(partitions.map(async (partition) => checkpoints?.read(partition)));
    // Those of another topic are refused later.
    const stored = read.flatMap((one) => (one?.source === source.id && one.target === target.id ? [one] : []));
    // The greatest: going on was allowed for it, or there was nothing to allow.
    const most = (count: (checkpoint: Checkpoint) => number | undefined): number | undefined => {
      const counts = stored.flatMap((one) => count(one) ?? []);
      return counts.length === 0 ? undefined : Math.max(...counts);
    };
    const before = { source: most((one) => one.sourcePartitions), target: most((one) => one.targetPartitions) };
    requireNotGrown("source", source, before.source, found.count);
    requireNotGrown("target", target, before.target, writer.partitionsOfKeys);
    return found;
  }

  /** How many there are, where more of them move keys; else `undefined`. */
  get count(): number | undefined {
    return this.#source.context.capabilities.growthKeepsKeyOrder ? undefined : this.#known.size;
  }

  /** @throws `conflict` for a partition that was added meanwhile, if keys have moved */
  requireKnown({ partition }: MessageSource, records: readonly StoredRecord[]): void {
    if (this.#known.has(partition)) return;
    const hasKeys = this.#writer.hasKeys || records.some(({ key }) => key !== null);
    if (hasKeys && this.#movesKeys) throw partitionsWereAdded("source", this.#source, this.#known.size);
    this.#known.add(partition);
  }

  get #movesKeys(): boolean {
    return this.count !== undefined && !this.#writer.mayReorder;
  }
}
