import type { Lag, LagFigures } from "../../lag.ts";
import { durationText } from "./duration-text.ts";
import { table } from "./table.ts";

const UNKNOWN = "-";

/** How far each group is behind, by partition and in all. `-` is what the provider does not tell. */
export function lagTable(groups: readonly { readonly group: string; readonly lag: Lag }[]): string {
  const rows = groups.flatMap(({ group, lag }) => [
    ...lag.partitions.map(({ partition, ...figures }) => [group, partition, ...cells(figures)]),
    [group, "all", ...cells(lag)],
  ]);
  return table([["group", "partition", "messages", "age"], ...rows]);
}

function cells({ messages, timeMs }: LagFigures): readonly string[] {
  return [messages === null ? UNKNOWN : messages.toLocaleString("en"), timeMs === null ? UNKNOWN : durationText(timeMs)];
}
